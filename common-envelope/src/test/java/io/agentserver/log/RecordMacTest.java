package io.agentserver.log;

import org.junit.jupiter.api.Test;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class RecordMacTest {
    private final RecordMac mac = new RecordMac(new byte[32]);

    @Test
    void it_covers_topic_key_and_value() {
        byte[] tag = mac.of("messages.acme", bytes("k"), bytes("v"));
        assertThat(mac.verifies(tag, "messages.acme", bytes("k"), bytes("v"))).isTrue();
        assertThat(mac.verifies(tag, "messages.other", bytes("k"), bytes("v"))).isFalse();
        assertThat(mac.verifies(tag, "messages.acme", bytes("k2"), bytes("v"))).isFalse();
        assertThat(mac.verifies(tag, "messages.acme", bytes("k"), bytes("v2"))).isFalse();
        assertThat(mac.verifies(null, "messages.acme", bytes("k"), bytes("v"))).isFalse();
    }

    @Test
    void it_is_the_same_each_time_and_on_many_threads_at_once() throws Exception {
        Mac plain = Mac.getInstance("HmacSHA256");
        plain.init(new SecretKeySpec(new byte[32], "HmacSHA256"));
        try (ExecutorService threads = Executors.newFixedThreadPool(4)) {
            List<Future<byte[]>> tags = new ArrayList<>();
            for (int i = 0; i < 2_000; i++) {
                byte[] value = bytes("v" + i);
                tags.add(threads.submit(() -> mac.of("t", bytes("k"), value)));
            }
            for (int i = 0; i < tags.size(); i++) {
                assertThat(tags.get(i).get()).isEqualTo(plain.doFinal(bytes("t\0k\0v" + i)));
            }
        }
    }

    @Test
    void a_short_secret_is_refused() {
        assertThatThrownBy(() -> new RecordMac(new byte[31])).hasMessageContaining("31");
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
