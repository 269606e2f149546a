package io.agentserver.gateway.deletion;

import io.agentserver.envelope.TenantId;
import io.agentserver.gateway.log.LogTopics;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;

/**
 * The tenant's topics. What is on its way has some time to end; what the pumps have not finished by then is dropped with the
 * topic, and counted: a message that a pump has in hand just then may have taken effect all the same.
 */
final class LogStep implements DeletionStep {
    private static final String DELETE = "delete";

    private final LogTopics topics;
    private final Duration patience;
    private final Clock clock;

    /** @param patience how long, from the request on, messages have to be finished */
    LogStep(LogTopics topics, Duration patience, Clock clock) {
        this.topics = topics;
        this.patience = patience;
        this.clock = clock;
    }

    @Override
    public String store() {
        return "log";
    }

    @Override
    public Part work(TenantId tenant, String cursor, Instant requestedAt) {
        if (cursor.equals(DELETE)) {
            return Part.of(topics.deleteFor(tenant), "");
        }
        long unfinished = topics.unfinished(tenant);
        Duration since = Duration.between(requestedAt, clock.instant());
        // a gateway that has not heard of it yet may still accept some
        if (since.compareTo(Deletions.HEARD) < 0 || unfinished > 0 && since.compareTo(patience) < 0) {
            return Part.waiting(Math.max(1, unfinished), "");
        }
        // written down before they are gone: who goes on could not count them any more
        return new Part(0, 0, DELETE, unfinished == 0 ? Map.of() : Map.of("messages_dropped", unfinished));
    }
}
