package io.agentserver.buffer.backup;

import io.agentserver.buffer.backup.LostSegments.Lost;
import io.agentserver.buffer.commit.Commit;
import io.agentserver.buffer.store.ConversationKey;
import io.agentserver.buffer.store.Erasures;
import io.agentserver.buffer.store.Look;
import io.agentserver.buffer.store.Retention;
import io.agentserver.buffer.store.TenantErasure;
import io.agentserver.buffer.store.ThreadStore;
import io.agentserver.envelope.TenantId;

import java.time.Clock;
import java.time.Duration;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;

/**
 * Brings a conversation back from the bucket: appends to its journal the commits that it lacks, each on the condition that nobody
 * has written one of its number. So it overwrites nothing, goes on after a crash, and may run while everybody works. What was
 * erased, or is a deleted tenant's, stays away.
 */
public final class Restore {
    /** So long after its TTL a store may still show a commit. */
    private static final Duration HIDDEN_LATER = Duration.ofHours(24);

    private static final int PART_OF_HEAP = 4;
    /**
     * So much larger than in the bucket a conversation is taken to be: XML seldom shrinks to less than a sixteenth. How large it is
     * only the end of each object says, which would be one request more for each.
     */
    private static final int TIMES_ITS_OBJECTS = 16;

    private final ConversationBackups backups;
    private final BytesAtOnce held;
    private final ThreadStore journal;
    private final SharedMarks deleted;
    private final LostSegments lost;
    private final Consumer<ConversationKey> erase;
    private final Retention retention;
    private final Clock clock;

    /**
     * @param journal where it goes
     * @param erase erases a conversation there: it was erased, or its tenant deleted, while it was brought back
     */
    Restore(
            ConversationBackups backups,
            ThreadStore journal,
            TenantErasure deleted,
            LostSegments lost,
            Consumer<ConversationKey> erase,
            Retention retention,
            Clock clock) {
        this(
                backups,
                journal,
                deleted,
                lost,
                erase,
                retention,
                clock,
                Runtime.getRuntime().maxMemory() / PART_OF_HEAP);
    }

    /** @param mostBytes of conversations, held at once while they are brought back */
    Restore(
            ConversationBackups backups,
            ThreadStore journal,
            TenantErasure deleted,
            LostSegments lost,
            Consumer<ConversationKey> erase,
            Retention retention,
            Clock clock,
            long mostBytes) {
        this.held = new BytesAtOnce(mostBytes);
        this.backups = backups;
        this.journal = journal;
        this.deleted = new SharedMarks(deleted::marked);
        this.lost = lost;
        this.erase = erase;
        this.retention = retention;
        this.clock = clock;
    }

    /** What became of a conversation. */
    public enum Outcome {
        /** The journal has now what the backup has. */
        RESTORED,
        /** It had it before. */
        THERE,
        /** The journal lacks what should be in the backup and is not; what follows that, or comes before it, is there. */
        INCOMPLETE,
        /** The journal says something else than the backup; it stays as it is. */
        DIFFERS,
        ERASED,
        /** Its tenant is. */
        DELETED,
        /** Its last activity is longer ago than its tenant's conversations are kept: nobody could read it. */
        EXPIRED,
        /** The backup has nothing of it. */
        UNKNOWN
    }

    /**
     * @param slots how many were brought back
     * @param lacks what the backup lacks; empty: nothing is known of
     * @param loss whether somebody could have read that
     */
    public record Result(Outcome outcome, long slots, String lacks, boolean loss) {
        Result(Outcome outcome, long slots) {
            this(outcome, slots, "", false);
        }

        static Result of(Outcome outcome) {
            return new Result(outcome, 0);
        }

        static Result incomplete(long slots, String lacks) {
            return new Result(Outcome.INCOMPLETE, slots, lacks, true);
        }

        private Result lacking(SegmentName segment, boolean loss) {
            return new Result(outcome, slots, "the object " + segment.text(), loss);
        }
    }

    /**
     * Those of a tenant of which the backup has something, or should have. To be called before many of them are brought back: so the
     * manifests are read once for all.
     */
    public List<ConversationKey> conversations(TenantId tenant) {
        Set<ConversationKey> all = new LinkedHashSet<>(backups.conversations(tenant));
        lost.lookFor(tenant).forEach(conversation -> all.add(new ConversationKey(tenant, conversation)));
        return List.copyOf(all);
    }

    /** @throws BrokenBackupException if what is in the bucket is not what was put there */
    public Result conversation(ConversationKey key) {
        Result result = bring(key);
        return switch (result.outcome) {
            case RESTORED, THERE, INCOMPLETE ->
                lacking(key).stream()
                        .map(Lost::name)
                        .min(Comparator.naturalOrder())
                        .map(name -> Result.incomplete(result.slots, "the object " + name.text()))
                        .orElse(result);
            case EXPIRED, UNKNOWN -> withLost(key, result);
            case DIFFERS, ERASED, DELETED -> result;
        };
    }

    /** Manifests that could not be read so far, and why; what they alone name would not be missed. */
    public List<String> unreadManifests() {
        return lost.unread();
    }

    /** Of one of which nothing was brought back: what was lost is one only if it was its end, and not too old itself. */
    private Result withLost(ConversationKey key, Result result) {
        List<Lost> lacking = lacking(key);
        Optional<SegmentName> newest = backups.contents(key).newest();
        long visibleMs = retention.oldestVisibleMs(key.tenant(), clock.millis());
        return lacking.stream()
                .filter(segment -> segment.putByMs() >= visibleMs)
                .map(Lost::name)
                .filter(name -> newest.isEmpty() || name.compareTo(newest.get()) > 0)
                .min(Comparator.naturalOrder())
                .map(name -> result.lacking(name, true))
                .or(() -> lacking.stream()
                        .map(Lost::name)
                        .min(Comparator.naturalOrder())
                        .map(name -> result.lacking(name, false)))
                .orElse(result);
    }

    /** Segments that the bucket should have, and neither it nor the journal has. */
    private List<Lost> lacking(ConversationKey key) {
        List<Lost> gone = lost.of(key);
        if (gone.isEmpty()) {
            return List.of();
        }
        Contents contents = backups.contents(key);
        long lifeMs = contents.newest().map(SegmentName::lifeMs).orElse(0L);
        List<Commit> there = journal.read(key, 1, Look.CONSISTENT);
        if (!there.isEmpty() && Erasures.isErasure(there.getLast())) {
            return List.of();
        }
        return gone.stream()
                .filter(segment -> segment.name().lifeMs() > contents.erasedAtMs()
                        && segment.name().lifeMs() >= lifeMs)
                .filter(segment -> there.stream().noneMatch(segment.name()::endsWith)
                        || there.getFirst().getNumber() > segment.name().first())
                .toList();
    }

    /** As {@link #conversation}, but for what only a manifest would tell. */
    Result bring(ConversationKey key) {
        if (deleted.has(key.tenant())) {
            return Result.of(Outcome.DELETED);
        }
        Contents contents = backups.contents(key);
        long bytes = contents.ofLatestLife().stream()
                .mapToLong(Contents.Segment::bytes)
                .sum();
        return held.hold(TIMES_ITS_OBJECTS * bytes, () -> bring(key, contents));
    }

    private Result bring(ConversationKey key, Contents contents) {
        List<Commit> all = journal.read(key, 1, Look.CONSISTENT);
        if (contents.alive().isEmpty()) {
            if (hasErased(all, contents.erasedAtMs())) {
                erase.accept(key); // a restore died between bringing it back and seeing that it was erased meanwhile
            }
            return Result.of(contents.isEmpty() ? Outcome.UNKNOWN : Outcome.ERASED);
        }
        if (!all.isEmpty() && Erasures.isErasure(all.getLast())) {
            return Result.of(Outcome.ERASED);
        }
        ConversationBackups.Found found = backups.commits(key, contents);
        List<Commit> whole = found.commits();
        if (whole.isEmpty()) {
            return Result.of(Outcome.UNKNOWN);
        }
        long nowMs = clock.millis();
        long visibleMs = retention.oldestVisibleMs(key.tenant(), nowMs);
        if (whole.getLast().getAtMs() < visibleMs) {
            return Result.of(Outcome.EXPIRED);
        }
        long oldestMs = oldestKeptMs(retention, key.tenant(), nowMs);
        // what the journal itself would hide, a restore that goes on after a crash would not find there
        List<Commit> saved =
                whole.stream().dropWhile(commit -> commit.getAtMs() < oldestMs).toList();
        List<Commit> there = ConversationBackups.real(all);
        if (there.isEmpty()
                && !all.isEmpty()
                && all.getLast().getNumber() >= saved.getFirst().getNumber()) {
            return Result.of(
                    Outcome.DIFFERS); // its place says that it came further; a lower one an earlier restore has left
        }
        if (!agree(there, saved)) {
            return Result.of(Outcome.DIFFERS);
        }
        long last = there.isEmpty() ? 0 : there.getLast().getNumber();
        List<Commit> missing =
                saved.stream().filter(commit -> commit.getNumber() > last).toList();
        boolean complete = found.beforeHoleMs() == 0
                || saved.size() < whole.size() // what was in the hole nobody could read
                || found.beforeHoleMs() < whole.getFirst().getAtMs() - (nowMs - oldestMs)
                || !there.isEmpty()
                        && there.getFirst().getNumber() < whole.getFirst().getNumber();
        if (missing.isEmpty()) {
            return complete ? Result.of(Outcome.THERE) : incomplete(0, whole.getFirst());
        }
        Result result = append(key, last, missing);
        if (deleted.has(key.tenant())) {
            erase.accept(key);
            return Result.of(Outcome.DELETED);
        }
        if (backups.contents(key).alive().isEmpty()) {
            erase.accept(key);
            return Result.of(Outcome.ERASED);
        }
        return complete || result.outcome != Outcome.RESTORED ? result : incomplete(result.slots, whole.getFirst());
    }

    private static Result incomplete(long slots, Commit first) {
        return Result.incomplete(slots, "commits before " + first.getNumber());
    }

    /** What was made before no store shows any more. */
    static long oldestKeptMs(Retention retention, TenantId tenant, long nowMs) {
        return retention.oldestVisibleMs(tenant, nowMs) - HIDDEN_LATER.toMillis();
    }

    private static boolean hasErased(List<Commit> all, long erasedAtMs) {
        List<Commit> there = ConversationBackups.real(all);
        return !there.isEmpty()
                && !Erasures.isErasure(there.getLast())
                && there.getFirst().getAtMs() <= erasedAtMs;
    }

    private Result append(ConversationKey key, long last, List<Commit> missing) {
        Commit first = missing.getFirst();
        long previousMs = 0;
        for (int i = 0; i < missing.size(); i++) {
            Commit commit = missing.get(i);
            boolean appended = journal.append(key, commit, previousMs);
            if (!appended && i == 0 && last == 0 && first.getNumber() > 1) {
                // a store that knows commits by their place: what has expired before the first one leaves its places
                for (long number = 1; number < first.getNumber(); number++) {
                    journal.append(key, Erasures.placeholder(first, number), first.getAtMs());
                }
                appended = journal.append(key, commit, first.getAtMs());
            }
            if (!appended && !isThere(key, commit)) {
                return Result.of(Outcome.DIFFERS); // somebody goes on with it at this moment
            }
            previousMs = commit.getAtMs();
        }
        return new Result(Outcome.RESTORED, ConversationBackups.slots(missing));
    }

    /** Another restore was a moment earlier, or an answer of the store got lost. */
    private boolean isThere(ConversationKey key, Commit commit) {
        List<Commit> there = journal.read(key, commit.getNumber(), Look.CONSISTENT);
        return !there.isEmpty() && there.getFirst().equals(commit);
    }

    /** Whether both say the same wherever both say something, and the later one goes on where the other ends. */
    private static boolean agree(List<Commit> there, List<Commit> saved) {
        if (there.isEmpty()) {
            return true;
        }
        long thereFirst = there.getFirst().getNumber();
        for (Commit commit : saved) {
            long at = commit.getNumber() - thereFirst;
            if (at >= 0 && at < there.size() && !there.get((int) at).equals(commit)) {
                return false;
            }
        }
        return saved.getFirst().getNumber() <= there.getLast().getNumber() + 1;
    }
}
