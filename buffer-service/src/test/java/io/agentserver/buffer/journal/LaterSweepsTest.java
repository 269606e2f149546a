package io.agentserver.buffer.journal;

import io.agentserver.buffer.store.Look;
import io.agentserver.buffer.store.MemoryDueStore;
import io.agentserver.buffer.store.MemoryTenantErasure;
import io.agentserver.buffer.store.MemoryThreadStore;
import io.agentserver.buffer.store.Retention;
import io.agentserver.buffer.store.TenantErasure;
import io.agentserver.envelope.TenantId;
import org.junit.jupiter.api.Test;

import java.time.Duration;

import static org.assertj.core.api.Assertions.assertThat;

/** What came of a deleted tenant by a process that ended before it could sweep it. */
class LaterSweepsTest {
    private final TestClock clock = new TestClock(Conversing.START);
    private final MemoryThreadStore threads = new MemoryThreadStore(Retention.ofAll(Duration.ofDays(30)), clock);
    private final TenantErasure erasure = new MemoryTenantErasure(threads, new MemoryDueStore(), clock);
    private final Conversing talk = new Conversing(threads);

    @Test
    void goes_an_hour_a_day_and_a_week_after_the_tenant() {
        erasure.mark(Conversing.TENANT);
        erasure.sweep(Conversing.TENANT, "");
        comesLate();
        after(Duration.ofMinutes(59));
        assertIsThere(true);
        after(Duration.ofMinutes(2));
        assertIsThere(false);

        comesLate();
        after(Duration.ofHours(22));
        assertIsThere(true);
        after(Duration.ofHours(1)); // another process, by what the store keeps
        assertIsThere(false);

        comesLate();
        after(Duration.ofDays(5));
        assertIsThere(true);
        after(Duration.ofDays(1));
        assertIsThere(false);
        comesLate();
        after(Duration.ofDays(20));
        assertIsThere(true);
    }

    @Test
    void nobody_elses_goes() {
        erasure.mark(new TenantId("another"));
        comesLate();
        after(Duration.ofHours(2));
        assertIsThere(true);
    }

    private void comesLate() {
        talk.process().begin(talk.key, talk.beginning(talk.first).build());
        assertIsThere(true);
    }

    private void after(Duration time) {
        clock.move(time);
        new LaterSweeps(erasure, clock).sweep();
    }

    private void assertIsThere(boolean is) {
        assertThat(threads.read(talk.key, 1, Look.CONSISTENT).isEmpty()).isEqualTo(!is);
    }
}
