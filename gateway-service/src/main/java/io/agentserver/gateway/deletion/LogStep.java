package io.agentserver.gateway.deletion;

import io.agentserver.buffer.v1.ShardStats;
import io.agentserver.buffer.v1.StatsReply;
import io.agentserver.envelope.TenantId;
import io.agentserver.gateway.log.LogTopics;
import io.agentserver.gateway.threads.ThreadBuffer;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;

/**
 * The tenant's topics. What is on its way has some time to end; what the pumps have not finished by then is dropped with the
 * topic, and counted: a message that a pump has in hand just then may have taken effect all the same. So are the conversations with a
 * turn that is open still, because a message of it is dropped, is being handled or sleeps.
 */
final class LogStep implements DeletionStep {
    private static final String COUNT = "count#";
    private static final String DELETE = "delete";

    private final LogTopics topics;
    private final ThreadBuffer buffer;
    private final Duration patience;
    private final Clock clock;

    /** @param patience how long, from the request on, messages have to be finished */
    LogStep(LogTopics topics, ThreadBuffer buffer, Duration patience, Clock clock) {
        this.topics = topics;
        this.buffer = buffer;
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
        if (cursor.startsWith(COUNT)) {
            return countTurns(tenant, cursor.substring(COUNT.length()));
        }
        long unfinished = topics.unfinished(tenant);
        Duration since = Duration.between(requestedAt, clock.instant());
        // a gateway that has not heard of it yet may still accept some
        if (since.compareTo(Deletions.HEARD) < 0 || unfinished > 0 && since.compareTo(patience) < 0) {
            return Part.waiting(Math.max(1, unfinished), "");
        }
        // written down before they are gone: who goes on could not count them any more
        return counted(topics.has(tenant) ? COUNT : DELETE, "messages_dropped", unfinished);
    }

    private Part countTurns(TenantId tenant, String cursor) {
        StatsReply part = buffer.stats(tenant, cursor);
        return counted(
                part.getNextCursor().isEmpty() ? DELETE : COUNT + part.getNextCursor(),
                "turns_dropped",
                part.getShardsList().stream().mapToLong(ShardStats::getOpen).sum());
    }

    private static Part counted(String cursor, String what, long count) {
        return new Part(0, 0, cursor, count == 0 ? Map.of() : Map.of(what, count));
    }
}
