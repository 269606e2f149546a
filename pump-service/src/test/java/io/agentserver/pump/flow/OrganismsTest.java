package io.agentserver.pump.flow;

import io.agentserver.buffer.v1.BeginRequest;
import io.agentserver.envelope.TenantId;
import io.agentserver.log.Brokers;
import io.agentserver.log.Topics;
import io.agentserver.organism.OrganismParser;
import io.agentserver.pump.log.KafkaOutbox;
import io.agentserver.tenancy.OrganismEntry;
import io.agentserver.tenancy.TenantEntry;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import java.util.Set;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class OrganismsTest extends FlowFixture {
    private static final TenantId LATER = new TenantId("later");

    @Test
    void a_version_that_is_kept_no_more_has_no_listeners_and_one_that_may_come_is_waited_for() {
        try (KafkaOutbox out = new KafkaOutbox(Brokers.plain(kafka.bootstrap()))) {
            out.append(List.of(
                    LogRecord.of(
                            Topics.TENANTS,
                            OrganismEntry.key(LATER, 7).getBytes(StandardCharsets.UTF_8),
                            new OrganismEntry("later", 7, ORGANISM, Instant.EPOCH).toJson()),
                    LogRecord.of(
                            Topics.TENANTS,
                            "later".getBytes(StandardCharsets.UTF_8),
                            new TenantEntry("later", "Later", "dev", 1, Instant.EPOCH, 7, List.of(), List.of())
                                    .toJson())));
        }
        Awaitility.await().until(() -> tenants.find(LATER).isPresent());
        Organisms organisms =
                new Organisms(tenants, new OrganismParser(Set.of("echo", "upper", "calculate"), Set.of()));

        assertThat(organisms.at(LATER, 6).listeners()).isEmpty();
        assertThatThrownBy(() -> organisms.at(LATER, 8)).isInstanceOf(UnavailableException.class);
    }

    @Test
    void a_turn_that_began_with_a_version_that_is_kept_no_more_fails() {
        journal.bindTurnsTo(-1); // older than any

        step(client("service", "<Job><Text>x</Text></Job>"));

        assertThat(journal.begun).extracting(BeginRequest::getOrganismVersion).containsExactly(1L, -1L);
        assertThat(last().getOutputs(0).getEnvelope()).contains("<code>routing</code>");
        assertThat(last().getFailed()).isTrue();
    }
}
