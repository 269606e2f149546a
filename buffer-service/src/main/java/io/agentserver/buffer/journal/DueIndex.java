package io.agentserver.buffer.journal;

import io.agentserver.buffer.store.DueEntry;
import io.agentserver.buffer.store.DueStore;
import io.agentserver.buffer.store.Leases;
import io.agentserver.buffer.store.StoreUnavailableException;
import io.agentserver.buffer.v1.DueItem;
import io.agentserver.buffer.v1.DueReply;
import io.agentserver.buffer.v1.DueRequest;
import io.agentserver.buffer.v1.Emission;
import io.agentserver.envelope.TenantId;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongSupplier;
import java.util.function.Predicate;

/**
 * Hands out what has become due to those who can put it on the log. An entry goes when that is done, or when nothing is owed
 * for it; until then it is handed out again, by this process or another. Tenants come in turn, and what cannot be looked at is
 * left for a while: one conversation, tenant or shard in trouble holds up no other. Safe on any thread; blocks for the stores.
 */
public final class DueIndex {
    private static final Logger log = LoggerFactory.getLogger(DueIndex.class);
    private static final int MOST = 1_000;
    /** Of one reply; a pump takes eight times as much. */
    private static final long MOST_BYTES = 8 * 1024 * 1024;
    /** Much shorter than a pump waits. */
    private static final Duration LONGEST = Duration.ofSeconds(3);
    /** Of that: the rest is for handing out what was found, or a slow store would have none of it handed out for ever. */
    private static final Duration LONGEST_LOOK = LONGEST.dividedBy(2);

    /** Keys of a shard that are looked through for those that are wanted: at first, and at most. */
    private static final int WINDOW = 1_000;

    private static final int WIDEST_WINDOW = 16_000;
    /** How long an entry is left that could not be looked at. */
    private static final long REST_MS = 2_000;

    private static final int MOST_RESTING = 10_000;

    private final DueStore store;
    private final Leases leases;
    private final ConversationJournal journal;
    private final Predicate<TenantId> deleted;
    private final Clock clock;
    private final LongSupplier nanos;
    private final AtomicInteger rounds = new AtomicInteger();
    /** By key, until when. */
    private final Map<String, Long> resting = new ConcurrentHashMap<>();

    /** @param deleted tenants for whom nothing is ever due again */
    public DueIndex(
            DueStore store, Leases leases, ConversationJournal journal, Predicate<TenantId> deleted, Clock clock) {
        this(store, leases, journal, deleted, clock, System::nanoTime);
    }

    /** @param nanos by which it measures how long it has taken */
    DueIndex(
            DueStore store,
            Leases leases,
            ConversationJournal journal,
            Predicate<TenantId> deleted,
            Clock clock,
            LongSupplier nanos) {
        this.nanos = nanos;
        this.store = store;
        this.leases = leases;
        this.journal = journal;
        this.deleted = deleted;
        this.clock = clock;
    }

    /**
     * @throws IllegalArgumentException if the request makes no sense
     * @throws StoreUnavailableException if none of the shards could be read
     */
    public DueReply take(DueRequest request) {
        if (request.getLimit() < 1
                || request.getLimit() > MOST
                || request.getTenantLimit() < 0
                || request.getOwner().isBlank()) {
            throw new IllegalArgumentException(
                    "due: an owner, a limit of 1 to " + MOST + ", a tenant_limit of 0 or more");
        }
        forget(request.getDoneList());
        if (request.getLeaves()) {
            leave(request.getOwner());
            return DueReply.getDefaultInstance();
        }
        long begun = nanos.getAsLong();
        DueTurns turns =
                new DueTurns(found(request, begun), request.getTenantLimit() == 0 ? MOST : request.getTenantLimit());
        DueReply.Builder reply = DueReply.newBuilder();
        long bytes = 0;
        while (reply.getItemsCount() < request.getLimit() && nanos.getAsLong() - begun < LONGEST.toNanos()) {
            DueEntry entry = turns.next();
            if (entry == null) {
                break;
            }
            DueItem item = item(entry);
            if (item == null) {
                continue;
            }
            bytes += item.getSerializedSize();
            if (bytes > MOST_BYTES && reply.getItemsCount() > 0) {
                break; // what has been woken is handed out another time
            }
            reply.addItems(item);
            turns.handedOut(entry);
        }
        return reply.build();
    }

    /** What is not forgotten now is looked at again. */
    private void forget(List<String> done) {
        Set<Integer> away = new HashSet<>();
        for (String key : done) {
            DueEntry entry = DueEntry.parse(key);
            if (!away.contains(entry.shard())) {
                try {
                    store.remove(entry);
                } catch (StoreUnavailableException e) {
                    away.add(entry.shard());
                    log.debug("{} and what else of its shard is done stays due", key, e);
                }
            }
        }
    }

    private void leave(String owner) {
        try {
            leases.release(owner);
        } catch (StoreUnavailableException e) {
            log.debug("the shards of {} are free when its lease is over", owner, e);
        }
    }

    /** What may be handed out, the longest due first. The shard that is read first is another each time; where reading is slow, some are. */
    private List<DueEntry> found(DueRequest request, long begun) {
        List<Integer> shards = new ArrayList<>(shards(request.getOwner()));
        if (!shards.isEmpty()) {
            Collections.rotate(shards, Math.floorMod(rounds.getAndIncrement(), shards.size()));
        }
        Set<String> held = Set.copyOf(request.getHeldList());
        Set<String> full = Set.copyOf(request.getFullList());
        List<DueEntry> found = new ArrayList<>();
        boolean isThere = shards.isEmpty();
        StoreUnavailableException away = null;
        for (int shard : shards) {
            try {
                found.addAll(found(shard, held, full));
                isThere = true;
            } catch (StoreUnavailableException e) {
                log.debug("shard {} cannot be read; the others can, perhaps", shard, e);
                away = e;
            }
            if (nanos.getAsLong() - begun > LONGEST_LOOK.toNanos()) {
                break;
            }
        }
        if (!isThere && away != null) {
            throw away;
        }
        found.sort(Comparator.comparingLong(DueEntry::dueMs));
        return found;
    }

    private List<DueEntry> found(int shard, Set<String> held, Set<String> full) {
        long now = clock.millis();
        for (int window = WINDOW; ; window *= 4) {
            List<DueEntry> due = store.due(shard, now, window);
            List<DueEntry> wanted = due.stream()
                    .filter(entry ->
                            !full.contains(entry.conversation().tenant().value()))
                    .filter(entry -> !held.contains(entry.key()) && !rests(entry, now))
                    .toList();
            if (!wanted.isEmpty() || due.size() < window || window * 4 > WIDEST_WINDOW) {
                return wanted;
            }
        }
    }

    private List<Integer> shards(String owner) {
        try {
            return leases.renew(owner);
        } catch (StoreUnavailableException e) {
            log.debug("nobody says whose the shards are: all are handed out", e);
            return Leases.NOBODY_ELSE.renew(owner);
        }
    }

    /** Null: nothing is owed, or cannot be said. One conversation's trouble is not the others', whatever it is. */
    private @Nullable DueItem item(DueEntry entry) {
        try {
            if (deleted.test(entry.conversation().tenant())) {
                store.remove(entry);
                return null;
            }
            Optional<List<Emission>> owed = journal.wake(entry);
            if (owed.isEmpty()) {
                return null;
            }
            if (owed.get().isEmpty()) {
                store.remove(entry);
                return null;
            }
            return DueItem.newBuilder()
                    .setKey(entry.key())
                    .setTenant(entry.conversation().tenant().value())
                    .addAllEmissions(owed.get())
                    .build();
        } catch (RuntimeException e) {
            log.warn("{} stays due: {}", entry.key(), e.toString());
            rest(entry);
            return null;
        }
    }

    private void rest(DueEntry entry) {
        if (resting.size() >= MOST_RESTING) {
            resting.clear();
        }
        resting.put(entry.key(), clock.millis() + REST_MS);
    }

    private boolean rests(DueEntry entry, long now) {
        Long until = resting.isEmpty() ? null : resting.get(entry.key());
        if (until == null) {
            return false;
        }
        if (until > now && until <= now + REST_MS) { // or the clock was set back
            return true;
        }
        resting.remove(entry.key());
        return false;
    }
}
