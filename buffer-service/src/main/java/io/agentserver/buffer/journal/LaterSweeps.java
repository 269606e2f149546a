package io.agentserver.buffer.journal;

import io.agentserver.buffer.store.TenantErasure;
import io.agentserver.envelope.TenantId;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.time.Clock;
import java.time.Duration;
import java.util.List;

/**
 * Sweeps deleted tenants once more, an hour, a day and a week after they were marked. What a process writes late it has swept itself
 * ({@link LateWrites}), unless it ends before it could; then it is found here. Sweeping is dear, so one process is to do it.
 */
public final class LaterSweeps {
    private static final Logger log = LoggerFactory.getLogger(LaterSweeps.class);
    private static final List<Duration> AGES = List.of(Duration.ofHours(1), Duration.ofDays(1), Duration.ofDays(7));
    /** Who was away for longer does it no more. */
    private static final Duration OLDEST = Duration.ofDays(14);

    private final TenantErasure store;
    private final Clock clock;

    public LaterSweeps(TenantErasure store, Clock clock) {
        this.store = store;
        this.clock = clock;
    }

    /**
     * All that are due; minutes, perhaps.
     *
     * @throws io.agentserver.buffer.store.StoreUnavailableException if the store is away: what is left is done the next time
     */
    public void sweep() {
        for (TenantErasure.Mark mark : store.marks(clock.millis() - OLDEST.toMillis())) {
            long nowMs = clock.millis();
            if (isDue(mark, nowMs)) {
                long freed = sweep(mark.tenant());
                store.swept(mark.tenant(), nowMs);
                if (freed > 0) {
                    log.warn("of the deleted tenant {} {} entries had come late and are gone", mark.tenant(), freed);
                }
            }
        }
    }

    private static boolean isDue(TenantErasure.Mark mark, long nowMs) {
        return AGES.stream()
                .map(age -> mark.atMs() + age.toMillis())
                .anyMatch(dueMs -> mark.sweptMs() < dueMs && dueMs <= nowMs);
    }

    private long sweep(TenantId tenant) {
        long freed = 0;
        String cursor = "";
        do {
            TenantErasure.Swept swept = store.sweep(tenant, cursor);
            freed += swept.freed();
            cursor = swept.cursor();
        } while (!cursor.isEmpty());
        return freed;
    }
}
