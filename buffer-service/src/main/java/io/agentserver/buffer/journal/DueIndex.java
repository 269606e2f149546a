package io.agentserver.buffer.journal;

import io.agentserver.buffer.store.DueEntry;
import io.agentserver.buffer.store.DueStore;
import io.agentserver.buffer.store.Leases;
import io.agentserver.buffer.store.StoreUnavailableException;
import io.agentserver.buffer.v1.DueItem;
import io.agentserver.buffer.v1.DueReply;
import io.agentserver.buffer.v1.DueRequest;
import io.agentserver.buffer.v1.Emission;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * Hands out what has become due to those who can put it on the log. An entry goes when that is done, or when nothing is owed
 * for it; until then it is handed out again, by this process or another. Safe on any thread; blocks for the stores.
 */
public final class DueIndex {
    private static final Logger log = LoggerFactory.getLogger(DueIndex.class);
    private static final int MOST = 1_000;
    /** Much shorter than a pump waits. */
    private static final Duration LONGEST = Duration.ofSeconds(3);

    private final DueStore store;
    private final Leases leases;
    private final ConversationJournal journal;
    private final Clock clock;

    public DueIndex(DueStore store, Leases leases, ConversationJournal journal, Clock clock) {
        this.store = store;
        this.leases = leases;
        this.journal = journal;
        this.clock = clock;
    }

    /** @throws IllegalArgumentException if the request makes no sense */
    public DueReply take(DueRequest request) {
        if (request.getLimit() < 1
                || request.getLimit() > MOST
                || request.getOwner().isBlank()) {
            throw new IllegalArgumentException("due: an owner, and a limit of 1 to " + MOST);
        }
        request.getDoneList().forEach(key -> store.remove(DueEntry.parse(key)));
        DueReply.Builder reply = DueReply.newBuilder();
        long begun = System.nanoTime();
        for (int shard : shards(request.getOwner())) {
            int left = request.getLimit() - reply.getItemsCount();
            if (left > 0) {
                for (DueEntry entry : store.due(shard, clock.millis(), left)) {
                    if (System.nanoTime() - begun > LONGEST.toNanos()) {
                        return reply.build(); // the caller waits for what there is, and asks on
                    }
                    add(reply, entry);
                }
            }
        }
        return reply.build();
    }

    private List<Integer> shards(String owner) {
        try {
            return leases.renew(owner);
        } catch (StoreUnavailableException e) {
            log.debug("nobody says whose the shards are: all are handed out", e);
            return Leases.NOBODY_ELSE.renew(owner);
        }
    }

    /** One conversation's trouble is not the others'. */
    private void add(DueReply.Builder reply, DueEntry entry) {
        Optional<List<Emission>> owed;
        try {
            owed = journal.wake(entry);
        } catch (ContendedException | IllegalStateException e) {
            log.warn("{} stays due: {}", entry.key(), e.toString());
            return;
        }
        if (owed.isEmpty()) {
            return;
        }
        List<Emission> emissions = owed.get();
        if (emissions.isEmpty()) {
            store.remove(entry);
            return;
        }
        reply.addItems(DueItem.newBuilder()
                .setKey(entry.key())
                .setTenant(entry.conversation().tenant().value())
                .addAllEmissions(emissions));
    }
}
