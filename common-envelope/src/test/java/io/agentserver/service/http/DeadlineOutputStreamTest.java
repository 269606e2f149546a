package io.agentserver.service.http;

import org.junit.jupiter.api.Test;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class DeadlineOutputStreamTest {
    private final AtomicLong now = new AtomicLong(Long.MAX_VALUE - 5); // as System.nanoTime may be
    private final ByteArrayOutputStream taken = new ByteArrayOutputStream();

    @Test
    void gives_all_of_it_to_who_reads_in_time() throws IOException {
        byte[] bytes = new byte[100_000];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) i;
        }
        try (OutputStream out = new DeadlineOutputStream(taken, Duration.ofSeconds(1), now::get)) {
            out.write(bytes, 1, bytes.length - 2);
            out.write(7);
            out.flush();
        }
        assertThat(taken.size()).isEqualTo(bytes.length - 1);
        assertThat(taken.toByteArray()[99_997]).isEqualTo(bytes[99_998]);
    }

    @Test
    void breaks_off_in_the_middle_for_a_reader_that_takes_a_little_now_and_then() {
        OutputStream slow = new OutputStream() {
            @Override
            public void write(int b) {
                throw new IllegalStateException("in pieces");
            }

            @Override
            public void write(byte[] bytes, int offset, int length) {
                taken.write(bytes, offset, length);
                now.addAndGet(Duration.ofMillis(300).toNanos());
            }
        };
        DeadlineOutputStream out = new DeadlineOutputStream(slow, Duration.ofSeconds(1), now::get);
        assertThatThrownBy(() -> out.write(new byte[1_000_000]))
                .isInstanceOf(SocketTimeoutException.class)
                .hasMessage("the answer was not read in time");
        assertThat(taken.size()).isEqualTo(4 * 8 * 1024);
        assertThatThrownBy(out::flush).isInstanceOf(SocketTimeoutException.class);
        assertThatThrownBy(() -> out.write(1)).isInstanceOf(SocketTimeoutException.class);
    }
}
