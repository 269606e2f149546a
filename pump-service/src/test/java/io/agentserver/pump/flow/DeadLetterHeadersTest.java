package io.agentserver.pump.flow;

import io.agentserver.log.RecordHeaders;
import org.junit.jupiter.api.Test;

import java.nio.charset.StandardCharsets;

import static org.assertj.core.api.Assertions.assertThat;

/** What a dead letter says of the record that it was. */
class DeadLetterHeadersTest extends FlowFixture {
    private static final byte[] NO_XML = "not xml".getBytes(StandardCharsets.UTF_8);

    @Test
    void keeps_the_mac_that_the_record_had() {
        LogMessage good = client("service", "<Job><Text>x</Text></Job>");
        byte[] mac = MAC.of(good.topic(), good.key(), NO_XML);
        step(new LogMessage(good.topic(), 0, 1, 0, good.key(), NO_XML, mac, null));
        step(new LogMessage(good.topic(), 0, 2, 0, good.key(), NO_XML, null, null));

        assertThat(log).extracting(LogRecord::topic).containsOnly("dead-letters.demo");
        assertThat(log.getFirst().headers().get(RecordHeaders.MAC)).isEqualTo(mac);
        assertThat(log.getLast().headers()).doesNotContainKey(RecordHeaders.MAC);
    }
}
