package io.agentserver.gateway.deadletters;

import io.agentserver.envelope.EnvelopeToken;
import io.agentserver.envelope.TenantId;
import io.agentserver.log.RecordHeaders;
import io.agentserver.log.RecordMac;
import org.junit.jupiter.api.Test;

import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.util.Map;
import java.util.Optional;

import static org.assertj.core.api.Assertions.assertThat;

class LetterReaderTest {
    private static final TenantId ACME = new TenantId("acme");

    private final LetterReader reader = new LetterReader(
            new RecordMac(new byte[32]), new EnvelopeToken(Clock.systemUTC()), (_, _) -> Optional.empty());

    @Test
    void a_class_name_is_cut_out_of_a_reason() {
        assertThat(reason("the handler threw java.lang.IllegalStateException: no"))
                .isEqualTo("the handler threw no");
    }

    /** Whoever can write there could keep a processor busy for hours, or end the page with a StackOverflowError. */
    @Test
    void a_reason_of_any_length_and_form_costs_no_more_than_the_longest_of_the_pumps() {
        assertThat(reason("a".repeat(2_000_000))).hasSize(500);
        assertThat(reason("a.".repeat(1_000_000))).hasSize(500);
    }

    private String reason(String text) {
        return reader.open(
                        ACME,
                        new LoggedLetter(
                                new LetterId(0, 0),
                                0,
                                new byte[0],
                                new byte[0],
                                Map.of(RecordHeaders.REASON, text.getBytes(StandardCharsets.UTF_8))))
                .letter()
                .reason();
    }
}
