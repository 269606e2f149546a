package io.agentserver.pump.flow;

import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class TenantsOutboxTest extends FlowFixture {
    private final List<LogRecord> taken = new ArrayList<>();
    private boolean away = true;
    private final Outbox careful = new TenantsOutbox(
            records -> {
                if (away) {
                    throw new UnavailableException("the log is away");
                }
                taken.addAll(records);
            },
            tenants);

    @Test
    void gives_up_what_the_log_does_not_take_for_a_tenant_that_is_gone() {
        careful.append(List.of(record("messages.long-gone")));
        careful.append(List.of(record("dead-letters.long-gone")));
        assertThat(taken).isEmpty();
    }

    @Test
    void has_everybody_else_wait() {
        for (String topic : List.of("messages.demo", "dead-letters.demo", "usage")) {
            assertThatThrownBy(() -> careful.append(List.of(record(topic)))).isInstanceOf(UnavailableException.class);
        }
        assertThatThrownBy(() -> careful.append(List.of(record("messages.long-gone"), record("messages.demo"))))
                .isInstanceOf(UnavailableException.class);
    }

    @Test
    void keeps_nothing_back_from_a_log_that_takes_it() {
        away = false;
        careful.append(List.of(record("messages.long-gone")));
        assertThat(taken).hasSize(1);
    }

    private static LogRecord record(String topic) {
        return LogRecord.of(topic, new byte[] {1}, new byte[] {2});
    }
}
