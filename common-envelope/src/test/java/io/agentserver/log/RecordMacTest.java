package io.agentserver.log;

import org.junit.jupiter.api.Test;

import java.nio.charset.StandardCharsets;

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
    void a_short_secret_is_refused() {
        assertThatThrownBy(() -> new RecordMac(new byte[31])).hasMessageContaining("31");
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
