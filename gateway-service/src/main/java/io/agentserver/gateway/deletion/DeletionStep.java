package io.agentserver.gateway.deletion;

import io.agentserver.envelope.TenantId;
import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.time.Instant;
import java.util.Map;

/**
 * What is done in one store about a tenant that goes. It keeps nothing between two calls but the cursor that it gives back, so
 * that any process can go on; every call may be repeated, also by two processes at once. A store is done when it has been looked
 * through from its start to its end and nothing was found.
 */
interface DeletionStep {
    /** Its name in the receipt. */
    String store();

    /** What stays in it, and why; null: nothing. */
    default @Nullable String kept() {
        return null;
    }

    /** How long to wait before it is asked again when it could do nothing. */
    default Duration pause() {
        return Duration.ofSeconds(1);
    }

    /**
     * Some seconds of work.
     *
     * @param cursor where to go on; empty: at the start
     * @param requestedAt when the tenant was told to go
     * @throws io.agentserver.gateway.problems.Unavailable if the store is away: the same call is made again later
     */
    Part work(TenantId tenant, String cursor, Instant requestedAt);

    /**
     * What came of a call.
     *
     * @param freed entries that it deleted
     * @param left entries that it found and that others have still to finish or to delete
     * @param cursor where to go on; empty: the store has been looked through
     * @param counts what else is to be added up for the receipt
     */
    record Part(long freed, long left, String cursor, Map<String, Long> counts) {
        public Part {
            counts = Map.copyOf(counts);
        }

        static Part of(long freed, String cursor) {
            return new Part(freed, 0, cursor, Map.of());
        }

        /** Nothing can be done at the moment. */
        static Part waiting(long left, String cursor) {
            return new Part(0, left, cursor, Map.of());
        }
    }
}
