package io.agentserver.pump.flow;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;

import static org.assertj.core.api.Assertions.assertThat;

@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class LongWaitsTest {
    @Test
    void for_a_long_wait_it_is_done_once_whoever_comes_later() throws InterruptedException {
        LongWaits waits = new LongWaits(Duration.ofMillis(1));
        for (int i = 0; i < 5; i++) { // the thread that looks after them has ended in between, or not
            CountDownLatch done = new CountDownLatch(1);
            AtomicInteger times = new AtomicInteger();
            LongWaits.Wait wait = waits.begin(() -> {
                times.incrementAndGet();
                done.countDown();
            });
            done.await();
            assertThat(wait.end()).isTrue();
            assertThat(times).hasValue(1);
        }
    }

    @Test
    void for_a_short_wait_nothing_is_done() {
        LongWaits waits = new LongWaits(Duration.ofHours(1));
        LongWaits.Wait wait = waits.begin(() -> {
            throw new IllegalStateException("an hour has not passed");
        });
        assertThat(wait.end()).isFalse();
    }
}
