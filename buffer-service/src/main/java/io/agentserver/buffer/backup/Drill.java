package io.agentserver.buffer.backup;

import io.agentserver.buffer.backup.BackupBucket.Listed;
import io.agentserver.buffer.commit.Change;
import io.agentserver.buffer.commit.Commit;
import io.agentserver.buffer.store.ConversationKey;
import io.agentserver.buffer.store.Erasures;
import io.agentserver.buffer.store.Look;
import io.agentserver.buffer.store.MemoryDueStore;
import io.agentserver.buffer.store.MemoryTenantErasure;
import io.agentserver.buffer.store.MemoryThreadStore;
import io.agentserver.buffer.store.Retention;
import io.agentserver.buffer.store.ShardKey;
import io.agentserver.buffer.store.ThreadStore;
import io.agentserver.envelope.TenantId;
import io.agentserver.envelope.ThreadId;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;

/**
 * Tries out whether the backup would do: restores into memory, as a restore does, and compares what comes of it with the journal,
 * commit by commit and the slots byte by byte. Also that all is there which manifests name. Changes nothing. One drill at a time.
 */
public final class Drill {
    private static final Retention FOR_EVER = Retention.ofAll(Duration.ofDays(365_000));
    /** So many periods a shard may be behind, and at least so long. */
    private static final int LATE_PERIODS = 3;

    private static final Duration NEVER_LATE = Duration.ofMinutes(10);

    private final ConversationBackups backups;
    private final BackupBucket bucket;
    private final LostObjects lost;
    private final BackupNames names;
    private final ThreadStore journal;
    private final BackupTimes times;
    private final Retention retention;
    private final Clock clock;
    private final Consumer<String> difference;
    private final Map<Integer, Long> completeMs = new HashMap<>();
    private final Set<Integer> late = new HashSet<>();
    private long conversations;
    private long notYet;
    private long slots;
    private long expired;
    private long differences;

    /**
     * @param journal the store that has everything
     * @param difference told of each in one line, without content
     */
    public Drill(
            ConversationBackups backups,
            BackupBucket bucket,
            BackupNames names,
            ThreadStore journal,
            BackupTimes times,
            Retention retention,
            Clock clock,
            Consumer<String> difference) {
        this.backups = backups;
        this.bucket = bucket;
        this.lost = new LostObjects(backups, bucket, names);
        this.names = names;
        this.journal = journal;
        this.times = times;
        this.retention = retention;
        this.clock = clock;
        this.difference = difference;
    }

    /** @param live those that the journal has */
    public void tenant(TenantId tenant, Set<ThreadId> live) {
        NameSet objects = new NameSet();
        String folder = names.conversations(tenant);
        bucket.each(folder, (Listed object) -> {
            String name = object.key().substring(folder.length());
            objects.add(name);
            if (BackupNames.conversationOf(name).isEmpty()) {
                differs("not of a backup: " + object.key());
            }
            return true;
        });
        compareManifests(tenant, objects);
        Set<ThreadId> notThere = new HashSet<>(live);
        eachConversation(tenant, conversation -> {
            notThere.remove(conversation);
            conversation(new ConversationKey(tenant, conversation));
        });
        notThere.forEach(conversation -> conversation(new ConversationKey(tenant, conversation)));
    }

    /** Those in the backup, as they come: more than there need be memory for. */
    private void eachConversation(TenantId tenant, Consumer<ThreadId> taker) {
        String folder = names.conversations(tenant);
        AtomicReference<Optional<ThreadId>> before = new AtomicReference<>(Optional.empty());
        bucket.each(folder, (Listed object) -> {
            Optional<ThreadId> its = BackupNames.conversationOf(object.key().substring(folder.length()));
            if (its.isPresent() && !its.equals(before.getAndSet(its))) {
                taker.accept(its.get());
            }
            return true;
        });
    }

    /** One conversation. */
    public void conversation(ConversationKey key) {
        readStates();
        try {
            compare(key);
        } catch (BrokenBackupException e) {
            differs(String.valueOf(e.getMessage()));
        }
    }

    /** Of how many something was compared. */
    public long conversations() {
        return conversations;
    }

    /** How many the journal has and the backup need not have yet. */
    public long notYet() {
        return notYet;
    }

    public long slots() {
        return slots;
    }

    /** How many the backup has that the journal need not have any more. */
    public long expired() {
        return expired;
    }

    public long differences() {
        return differences;
    }

    /** Keeps what was found, for the services, which tell it as metrics. */
    public void keep() {
        new Drilled(clock.millis(), conversations, slots, differences).write(bucket, names);
    }

    private void compareManifests(TenantId tenant, NameSet objects) {
        readStates();
        lost.of(tenant, objects, oldestNamedMs(), broken -> differs(String.valueOf(broken.getMessage())))
                .keySet()
                .forEach(name -> differs("lost from the bucket: " + folder(tenant) + name));
    }

    private String folder(TenantId tenant) {
        return names.conversations(tenant);
    }

    private void compare(ConversationKey key) {
        List<Commit> restored = restored(key);
        List<Commit> live = ConversationBackups.real(journal.read(key, 1, Look.CONSISTENT));
        if (!live.isEmpty() && Erasures.isErasure(live.getLast())) {
            if (!restored.isEmpty() && live.getLast().getAtMs() < completeMs(key)) {
                differs(key + " is erased, and still in the backup");
            }
            return;
        }
        if (live.isEmpty()) {
            if (!restored.isEmpty() && mustBeThere(key, restored.getLast())) {
                differs(key + " is in the backup, and not in the journal");
            } else if (!restored.isEmpty()) {
                expired++;
            }
            return;
        }
        tellIfLate(key, live.getFirst());
        if (restored.isEmpty()) {
            notYet++;
        } else {
            conversations++;
        }
        compare(key, live, restored);
    }

    /** A backup that stands still, or was never begun, has nothing that could differ. */
    private void tellIfLate(ConversationKey key, Commit first) {
        int shard = ShardKey.of(key.conversation(), ShardKey.SHARDS);
        long enoughMs = clock.millis()
                - Math.max(LATE_PERIODS * times.period().toMillis() + times.marginMs(), NEVER_LATE.toMillis());
        if (first.getAtMs() < enoughMs && completeMs(key) < enoughMs && late.add(shard)) {
            differs("shard " + shard + " is backed up until " + Instant.ofEpochMilli(completeMs(key)) + " only");
        }
    }

    private void compare(ConversationKey key, List<Commit> live, List<Commit> restored) {
        Map<Long, Commit> saved = new HashMap<>();
        restored.forEach(commit -> saved.put(commit.getNumber(), commit));
        for (Commit commit : live) {
            Commit other = saved.remove(commit.getNumber());
            if (other == null) {
                if (commit.getAtMs() < completeMs(key)
                        && commit.getAtMs() > oldestNamedMs()
                        && mustBeThere(key, commit)) {
                    differs(key + " lacks commit " + commit.getNumber() + " in the backup");
                    return;
                }
            } else {
                compare(key, commit, other);
            }
        }
        saved.values().stream()
                .filter(commit -> commit.getNumber() > live.getLast().getNumber())
                .mapToLong(Commit::getNumber)
                .min()
                .ifPresent(number -> differs(key + " lacks commit " + number + " in the journal"));
    }

    /** What was put before may have been kept for long enough; a tenant's conversations can outlast that. */
    private long oldestNamedMs() {
        return times.oldestNamedMs(clock.millis());
    }

    /** It can be read, and stores were told to keep it so long: it may have been written when the tenant's retention was shorter. */
    private boolean mustBeThere(ConversationKey key, Commit commit) {
        long nowMs = clock.millis();
        return commit.getAtMs() > retention.oldestVisibleMs(key.tenant(), nowMs)
                && (commit.getKeptUntilMs() == 0 || commit.getKeptUntilMs() > nowMs);
    }

    private void compare(ConversationKey key, Commit live, Commit saved) {
        for (int i = 0; i < Math.min(live.getChangesCount(), saved.getChangesCount()); i++) {
            Change change = live.getChanges(i);
            if (change.hasEntry()) {
                slots++;
                byte[] slot = change.getEntry().getSlot().toByteArray();
                if (!Arrays.equals(
                        slot, saved.getChanges(i).getEntry().getSlot().toByteArray())) {
                    differs(key + " has another slot "
                            + change.getEntry().getSlot().getSequence() + " in the backup than in the journal");
                    return;
                }
            }
        }
        if (!live.equals(saved)) {
            differs(key + " has another commit " + live.getNumber() + " in the backup than in the journal");
        }
    }

    /** By the same way as a restore of what was lost. */
    private List<Commit> restored(ConversationKey key) {
        try (MemoryThreadStore scratch = new MemoryThreadStore(FOR_EVER, clock)) {
            new Restore(
                            backups,
                            scratch,
                            new MemoryTenantErasure(scratch, new MemoryDueStore()),
                            new LostSegments(lost, bucket, names, times, FOR_EVER, clock),
                            _ -> {},
                            FOR_EVER,
                            clock)
                    .bring(key); // what manifests name was looked for
            return ConversationBackups.real(scratch.read(key, 1, Look.CONSISTENT));
        }
    }

    /** Before anything else is looked at: what is complete by then is there. */
    private void readStates() {
        for (int shard = completeMs.size(); shard < ShardKey.SHARDS; shard++) {
            completeMs.put(shard, ShardState.read(bucket, names, shard).completeMs());
        }
    }

    private long completeMs(ConversationKey key) {
        return completeMs.getOrDefault(ShardKey.of(key.conversation(), ShardKey.SHARDS), 0L);
    }

    private void differs(String how) {
        differences++;
        difference.accept(how);
    }
}
