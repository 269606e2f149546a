package io.agentserver.buffer.backup;

import io.agentserver.buffer.store.ConversationKey;
import io.agentserver.buffer.store.DueEntry;
import io.agentserver.buffer.store.DueStore;
import io.agentserver.buffer.store.StoreUnavailableException;
import io.agentserver.buffer.store.TenantErasure;
import io.agentserver.envelope.TenantId;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Gatherers;

/**
 * Brings one shard's backup up to date: objects, then the manifests that name them, then the index forgets, then it is said how far
 * the shard is. A process that dies in any of these steps leaves the index as it was, and whoever goes on finds what is done by
 * the objects' names. One thread at a time.
 */
final class ShardRun {
    private static final Logger log = LoggerFactory.getLogger(ShardRun.class);
    private static final int ENTRIES_AT_ONCE = 100;
    /** Most of the time is spent waiting for the bucket. */
    private static final int CONVERSATIONS_AT_ONCE = 8;

    private static final Duration TRIED_AGAIN = Duration.ofMinutes(1);
    /** So often at most a shard's state is written. */
    private static final Duration STATE_EVERY = Duration.ofSeconds(30);

    private final int shard;
    private final ConversationBackups backups;
    private final BackupBucket bucket;
    private final BackupNames names;
    private final DueStore index;
    private final TenantErasure deleted;
    private final BackupTimes times;
    private final BackupProgress progress;
    private final StoreClock clock;
    /** Conversations that cannot be backed up, and since when they should be: as in the shard's state, for whoever comes after this. */
    private final Map<ConversationKey, Long> stuck = new ConcurrentHashMap<>();

    private volatile boolean mine;
    private volatile ShardState written;

    ShardRun(
            int shard,
            ConversationBackups backups,
            BackupBucket bucket,
            BackupNames names,
            DueStore index,
            TenantErasure deleted,
            BackupTimes times,
            BackupProgress progress,
            StoreClock clock) {
        this.shard = shard;
        this.written = new ShardState(shard, 0, List.of());
        this.backups = backups;
        this.bucket = bucket;
        this.names = names;
        this.index = index;
        this.deleted = deleted;
        this.times = times;
        this.progress = progress;
        this.clock = clock;
    }

    /** @param saved null: it could not be */
    private record Outcome(ConversationKey key, List<DueEntry> entries, ConversationBackups.@Nullable Saved saved) {}

    /**
     * All that is due now.
     *
     * @throws StoreUnavailableException if a store or the bucket is away: the rest is done another time
     */
    void run() {
        try {
            if (!mine) {
                takeOver();
            }
            List<DueEntry> some;
            do {
                some = index.due(shard, clock.millis(), ENTRIES_AT_ONCE);
                if (!some.isEmpty()) {
                    save(some);
                }
            } while (some.size() == ENTRIES_AT_ONCE);
            tellHowFar();
            progress.failing(shard, !stuck.isEmpty());
        } catch (RuntimeException | Error e) {
            progress.failing(shard, true);
            throw e;
        }
    }

    /** It is another process's now, or has been. On any thread. */
    void lose() {
        mine = false;
        progress.failing(shard, false);
    }

    private void takeOver() {
        mine = true; // first: it may be lost again meanwhile
        try {
            readState();
        } catch (RuntimeException e) {
            mine = false;
            throw e;
        }
    }

    private void readState() {
        written = ShardState.read(bucket, names, shard);
        stuck.clear();
        Set<TenantId> gone = written.stuck().isEmpty() ? Set.of() : deleted.marked();
        for (ShardState.Stuck its : written.stuck()) {
            if (!gone.contains(its.key().tenant())) {
                stuck.put(its.key(), its.sinceMs());
                // whoever died may have backed it up, taken its entry away, and not said so
                index.put(BackedUpThreadStore.entry(its.key(), clock.millis()));
            }
        }
        progress.complete(shard, written.completeMs(), clock.millis());
    }

    private void save(List<DueEntry> some) {
        String run = UUID.randomUUID().toString().substring(0, 8);
        Map<ConversationKey, List<DueEntry>> due = new LinkedHashMap<>();
        Set<TenantId> gone = deleted.marked();
        some.forEach(entry -> due.computeIfAbsent(entry.conversation(), _ -> new ArrayList<>())
                .add(entry));
        List<Outcome> outcomes = due.entrySet().stream()
                .gather(Gatherers.mapConcurrent(
                        CONVERSATIONS_AT_ONCE,
                        each -> gone.contains(each.getKey().tenant())
                                ? new Outcome(
                                        each.getKey(), each.getValue(), new ConversationBackups.Saved(List.of(), 0, 0))
                                : save(each.getKey(), each.getValue())))
                .toList();
        // who was deleted meanwhile may have been swept from the bucket before we wrote
        Set<TenantId> goneMeanwhile = deleted.marked();
        due.keySet().stream()
                .map(ConversationKey::tenant)
                .filter(goneMeanwhile::contains)
                .distinct()
                .forEach(this::forget);
        stuck.keySet().removeIf(key -> goneMeanwhile.contains(key.tenant()));
        putManifests(run, outcomes, goneMeanwhile);
        if (!isStuckWritten()) {
            write(written.completeMs()); // before its entry goes
        }
        List<DueEntry> done = new ArrayList<>();
        for (Outcome outcome : outcomes) {
            if (outcome.saved == null && !goneMeanwhile.contains(outcome.key.tenant())) {
                // it must not be first for ever
                index.put(BackedUpThreadStore.entry(outcome.key, clock.millis() + TRIED_AGAIN.toMillis()));
            }
            done.addAll(outcome.entries);
        }
        index.removeAll(done);
    }

    private Outcome save(ConversationKey key, List<DueEntry> entries) {
        long sinceMs = entries.stream().mapToLong(DueEntry::dueMs).min().orElseThrow();
        try {
            ConversationBackups.Saved saved =
                    backups.save(key, Math.min(sinceMs, stuck.getOrDefault(key, Long.MAX_VALUE)));
            progress.saved(saved);
            stuck.remove(key);
            return new Outcome(key, entries, saved);
        } catch (StoreUnavailableException e) {
            throw e; // it is everybody's trouble
        } catch (RuntimeException e) {
            log.warn("{} cannot be backed up, and is tried again in {}: {}", key, TRIED_AGAIN, e.toString());
            progress.failed();
            stuck.putIfAbsent(key, sinceMs);
            return new Outcome(key, entries, null);
        }
    }

    private void forget(TenantId tenant) {
        while (backups.eraseSome(tenant) > 0) {
            // some more
        }
    }

    private void putManifests(String run, List<Outcome> outcomes, Set<TenantId> gone) {
        Map<TenantId, List<Manifest.Named>> named = new HashMap<>();
        for (Outcome outcome : outcomes) {
            if (outcome.saved != null && !outcome.saved.named().isEmpty() && !gone.contains(outcome.key.tenant())) {
                named.computeIfAbsent(outcome.key.tenant(), _ -> new ArrayList<>())
                        .addAll(outcome.saved.named());
            }
        }
        long nowMs = clock.millis();
        named.forEach((tenant, objects) -> {
            byte[] json = new Manifest(Manifest.VERSION, tenant.value(), shard, run, nowMs, objects).toJson();
            bucket.put(names.manifest(tenant, nowMs, shard, run), json, Sha256.hex(json));
        });
    }

    /** All before the period of the earliest entry that is left is in the bucket; if none is due, all before a period that is over. */
    private void tellHowFar() {
        long nowMs = clock.millis();
        long completeMs = index.due(shard, nowMs, 1).stream()
                .mapToLong(entry -> beforeDue(entry.dueMs()))
                .findFirst()
                .orElse(times.beginMs(times.periodOf(nowMs - times.marginMs())));
        if (!stuck.isEmpty()) {
            Set<TenantId> gone = deleted.marked();
            stuck.keySet().removeIf(key -> gone.contains(key.tenant()));
        }
        for (long sinceMs : stuck.values()) {
            completeMs = Math.min(completeMs, beforeDue(sinceMs));
        }
        progress.complete(shard, completeMs, nowMs);
        long step = Math.min(STATE_EVERY.toMillis(), times.period().toMillis());
        if (completeMs >= written.completeMs() + step
                || written.completeMs() > nowMs // by a clock that was ahead
                || !isStuckWritten()) {
            write(completeMs);
        }
    }

    private void write(long completeMs) {
        ShardState now = ShardState.of(shard, completeMs, stuck);
        now.write(bucket, names);
        written = now;
    }

    private boolean isStuckWritten() {
        return ShardState.of(shard, 0, stuck).stuck().equals(written.stuck());
    }

    private long beforeDue(long dueMs) {
        return Math.max(0, dueMs - times.marginMs() - times.period().toMillis());
    }
}
