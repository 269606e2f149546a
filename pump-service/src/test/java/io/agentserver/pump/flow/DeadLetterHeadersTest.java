package io.agentserver.pump.flow;

import io.agentserver.buffer.v1.Parking;
import io.agentserver.log.RecordHeaders;
import org.junit.jupiter.api.Test;

import java.nio.charset.StandardCharsets;
import java.time.Instant;

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

    /** Of a version to come; its letter can be opened there, and says here why it was not. */
    @Test
    void keeps_the_data_key_of_a_sealed_record() {
        LogMessage good = client("service", "<Job><Text>x</Text></Job>");

        step(new LogMessage(good.topic(), 0, 1, 0, good.key(), good.value(), good.mac(), null, "key-7"));

        LogRecord letter = log.getFirst();
        assertThat(letter.topic()).isEqualTo("dead-letters.demo");
        assertThat(text(letter, RecordHeaders.REASON)).contains("sealed with the data key key-7");
        assertThat(text(letter, RecordHeaders.KEY_ID)).isEqualTo("key-7");
        assertThat(letter.value()).isEqualTo(good.value());
        assertThat(log).hasSize(1);
    }

    @Test
    void says_where_the_record_was_and_when_it_failed_first_and_last() {
        Instant first = Instant.parse("2026-03-01T12:00:00.125Z");
        journal.parking = Parking.newBuilder()
                .setAttempts(1)
                .setFirstFailureMs(first.toEpochMilli())
                .build();
        http = _ -> {
            throw new IllegalStateException("a test's");
        };
        LogMessage good = client("service", "<Job><Text>x</Text></Job>");
        Instant before = Instant.now();

        step(new LogMessage(good.topic(), 3, 4711, 0, good.key(), good.value(), good.mac(), null));

        LogRecord letter = log.getFirst();
        assertThat(letter.topic()).isEqualTo("dead-letters.demo");
        assertThat(letter.key()).isEqualTo(good.key());
        assertThat(letter.value()).isEqualTo(good.value());
        assertThat(text(letter, RecordHeaders.REASON)).isNotBlank();
        assertThat(text(letter, RecordHeaders.ATTEMPTS)).isEqualTo("2");
        assertThat(text(letter, RecordHeaders.ORIGINAL_TOPIC)).isEqualTo("messages.demo");
        assertThat(text(letter, RecordHeaders.ORIGINAL_PARTITION)).isEqualTo("3");
        assertThat(text(letter, RecordHeaders.ORIGINAL_OFFSET)).isEqualTo("4711");
        assertThat(Instant.parse(text(letter, RecordHeaders.FIRST_FAILURE))).isEqualTo(first);
        assertThat(Instant.parse(text(letter, RecordHeaders.LAST_FAILURE))).isBetween(before, Instant.now());
    }

    @Test
    void what_fails_once_has_failed_first_and_last_at_about_the_same_time() {
        LogMessage good = client("service", "<Job><Text>x</Text></Job>");
        Instant before = Instant.now();

        step(new LogMessage(good.topic(), 3, 4711, 0, good.key(), NO_XML, null, null));

        Instant first = Instant.parse(text(log.getFirst(), RecordHeaders.FIRST_FAILURE));
        Instant last = Instant.parse(text(log.getFirst(), RecordHeaders.LAST_FAILURE));
        assertThat(first).isBetween(before, last);
        assertThat(last).isBetween(first, Instant.now());
        assertThat(text(log.getFirst(), RecordHeaders.ORIGINAL_PARTITION)).isEqualTo("3");
        assertThat(text(log.getFirst(), RecordHeaders.ORIGINAL_OFFSET)).isEqualTo("4711");
    }
}
