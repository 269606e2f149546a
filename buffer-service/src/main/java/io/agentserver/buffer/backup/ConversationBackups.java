package io.agentserver.buffer.backup;

import io.agentserver.buffer.backup.BackupBucket.Listed;
import io.agentserver.buffer.commit.Change;
import io.agentserver.buffer.commit.Commit;
import io.agentserver.buffer.store.ConversationKey;
import io.agentserver.buffer.store.Erasures;
import io.agentserver.buffer.store.Look;
import io.agentserver.buffer.store.StoreUnavailableException;
import io.agentserver.buffer.store.ThreadStore;
import io.agentserver.envelope.TenantId;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Single conversations in the bucket. What a conversation's journal has more than the bucket is put there as new objects, so that
 * each commit is written once; how far it has come, the names of the objects say. Safe on any thread and in any number of
 * processes: two that write the same conversation at once put the same commits there twice.
 */
public final class ConversationBackups implements BackupErasure {
    private static final Logger log = LoggerFactory.getLogger(ConversationBackups.class);
    private static final long MOST_BYTES = 8 << 20;
    /** Beside the remembered conversations, which have an eighth too. */
    private static final int PART_OF_HEAP = 8;
    /** What a conversation takes while it is written: its slots, and parts of them as they are and compressed. */
    private static final int TIMES_ITS_SLOTS = 2;

    private static final long AT_LEAST_BYTES = 256 << 10;

    /** How far the bucket's clock may be behind ours. */
    private static final long CLOCKS_MS = Duration.ofHours(1).toMillis();

    private final BackupBucket bucket;
    private final BackupNames names;
    private final ThreadStore journal;
    private final BytesAtOnce held;

    /** @param journal the store that has everything, never less than was acknowledged */
    public ConversationBackups(BackupBucket bucket, BackupNames names, ThreadStore journal) {
        this(bucket, names, journal, Runtime.getRuntime().maxMemory() / PART_OF_HEAP);
    }

    /** @param mostBytes of conversations, held at once while they are put into the bucket */
    ConversationBackups(BackupBucket bucket, BackupNames names, ThreadStore journal, long mostBytes) {
        this.held = new BytesAtOnce(mostBytes);
        this.bucket = bucket;
        this.names = names;
        this.journal = journal;
    }

    /** @param named what a manifest is to name: what was written, and what somebody wrote who died before his manifest */
    record Saved(List<Manifest.Named> named, long slots, long bytes) {
        Saved {
            named = List.copyOf(named);
        }
    }

    /** Those of a tenant of which there is something. */
    List<ConversationKey> conversations(TenantId tenant) {
        return bucket.folders(names.conversations(tenant)).stream()
                .flatMap(folder -> BackupNames.conversationOf(folder).stream())
                .map(conversation -> new ConversationKey(tenant, conversation))
                .toList();
    }

    Contents contents(ConversationKey key) {
        String folder = names.conversation(key);
        List<Listed> objects = new ArrayList<>();
        bucket.each(folder, objects::add);
        return Contents.of(folder, objects);
    }

    /**
     * Puts what the journal has more than the bucket into the bucket.
     *
     * @param sinceMs when the oldest change was due that this call is for
     */
    Saved save(ConversationKey key, long sinceMs) {
        long bytes = journal.last(key).map(last -> last.getBrief().getBytes()).orElse(0L);
        return held.hold(AT_LEAST_BYTES + TIMES_ITS_SLOTS * bytes, () -> saveNow(key, sinceMs));
    }

    private Saved saveNow(ConversationKey key, long sinceMs) {
        Contents there = contents(key);
        if (!there.dead().isEmpty()) {
            eraseOrTell(key, there.erasedAtMs(), there);
        }
        List<Manifest.Named> named = new ArrayList<>();
        there.alive().stream()
                .filter(segment -> segment.modifiedMs() >= sinceMs - CLOCKS_MS)
                .forEach(segment -> named.add(named(key, segment.name(), segment.bytes(), segment.modifiedMs())));
        there.erased().forEach(atMs -> named.add(erased(key, atMs)));
        Fresh fresh = fresh(key, there);
        if (fresh.commits.isEmpty()) {
            return new Saved(named, 0, 0);
        }
        if (Erasures.isErasure(fresh.commits.getLast())) {
            return erasedIn(key, fresh.commits.getLast().getAtMs());
        }
        if (fresh.lifeMs <= there.erasedAtMs()) {
            log.warn("{} was erased, and is in the journal again: a restore was ended in the middle; repeat it", key);
            return new Saved(named, 0, 0);
        }
        long bytes = 0;
        for (List<Commit> part : cut(fresh.commits)) {
            byte[] object = SegmentFormat.write(key, fresh.lifeMs, part);
            SegmentName name = new SegmentName(
                    fresh.lifeMs,
                    part.getFirst().getNumber(),
                    part.getLast().getNumber(),
                    SegmentName.hash(part.getLast()),
                    Sha256.hex(object));
            bucket.put(names.segment(key, name), object, name.sha256());
            named.add(named(key, name, object.length, 0));
            bytes += object.length;
        }
        List<Commit> since = journal.read(key, fresh.commits.getLast().getNumber() + 1, Look.CONSISTENT);
        if (!since.isEmpty() && Erasures.isErasure(since.getLast())) {
            // whoever erased it may have looked into the bucket before we wrote
            return erasedIn(key, since.getLast().getAtMs());
        }
        return new Saved(named, slots(fresh.commits), bytes);
    }

    private Saved erasedIn(ConversationKey key, long atMs) {
        Contents there = contents(key);
        if (there.isEmpty()) {
            return new Saved(List.of(), 0, 0);
        }
        eraseOrTell(key, atMs, there);
        return new Saved(List.of(erased(key, atMs)), 0, 0);
    }

    /** One that is locked must not hold up the backup of others; its erasure's mark hides it, and who erased it tries again. */
    private void eraseOrTell(ConversationKey key, long atMs, Contents there) {
        try {
            erase(key, atMs, there);
        } catch (UndeletableException e) {
            log.warn("{} is erased, and not yet gone from the backup: {}", key, e.getMessage());
        }
    }

    @Override
    public boolean erase(ConversationKey key, long atMs) {
        Contents there = contents(key);
        if (there.isEmpty()) {
            return false;
        }
        try {
            erase(key, atMs, there);
        } catch (UndeletableException e) {
            throw StoreUnavailableException.refused("S3", e);
        }
        return true;
    }

    private void erase(ConversationKey key, long atMs, Contents there) {
        if (there.erasedAtMs() < atMs) { // first, so that whoever finds half of it knows
            bucket.put(names.erased(key, atMs), new byte[0], Sha256.hex(new byte[0]));
        }
        bucket.delete(there.segments().stream()
                .filter(segment -> segment.name().lifeMs() <= Math.max(atMs, there.erasedAtMs()))
                .map(segment -> names.segment(key, segment.name()))
                .toList());
    }

    @Override
    public long eraseSome(TenantId tenant) {
        try {
            return bucket.deleteSome(names.tenant(tenant));
        } catch (UndeletableException e) {
            throw StoreUnavailableException.refused("S3", e);
        }
    }

    /** @param beforeHoleMs when the last commit before them was made that is not followed by them; 0: there is none */
    record Found(List<Commit> commits, long beforeHoleMs) {
        Found {
            commits = List.copyOf(commits);
        }
    }

    /**
     * What a restore would bring back: the latest commits that follow each other, of the latest life that was not erased.
     *
     * @param contents of the conversation, as they were a moment ago
     * @throws BrokenBackupException if an object is not what it was
     */
    Found commits(ConversationKey key, Contents contents) {
        SortedMap<Long, Commit> found = new TreeMap<>();
        for (Contents.Segment segment : contents.ofLatestLife()) {
            Optional<byte[]> object = bucket.get(names.segment(key, segment.name()));
            if (object.isEmpty()) {
                continue; // it has become too old, or was erased, since the list was made
            }
            for (Commit commit : SegmentFormat.read(key, segment.name(), object.get())) {
                Commit other = found.put(commit.getNumber(), commit);
                if (other != null && !other.equals(commit)) {
                    throw new BrokenBackupException("backup of " + key + " has two commits " + commit.getNumber());
                }
            }
        }
        List<Commit> commits = new ArrayList<>();
        long beforeHoleMs = 0;
        for (Commit commit : found.values()) {
            if (!commits.isEmpty() && commit.getNumber() != commits.getLast().getNumber() + 1) {
                beforeHoleMs = commits.getLast().getAtMs();
                commits.clear(); // there is nothing that they would follow
            }
            commits.add(commit);
        }
        return new Found(commits, beforeHoleMs);
    }

    static long slots(List<Commit> commits) {
        return commits.stream()
                .flatMap(commit -> commit.getChangesList().stream())
                .filter(Change::hasEntry)
                .count();
    }

    /** Without the places to go on after with which a journal may begin whose first commits have expired. */
    static List<Commit> real(List<Commit> commits) {
        return commits.stream()
                .dropWhile(commit -> commit.getChangesCount() == 0)
                .toList();
    }

    /** Commits that the bucket has not. */
    private record Fresh(long lifeMs, List<Commit> commits) {}

    private Fresh fresh(ConversationKey key, Contents there) {
        Optional<SegmentName> newest = there.newest();
        if (newest.isEmpty()) {
            return life(real(journal.read(key, 1, Look.CONSISTENT)), 0);
        }
        SegmentName known = newest.get();
        List<Commit> since = real(journal.read(key, known.last(), Look.CONSISTENT));
        if (since.isEmpty()) {
            List<Commit> all = real(journal.read(key, 1, Look.CONSISTENT));
            // a journal that was lost and begins again is shorter at first; one that has only lost its end is the same
            // life,
            // and what the bucket has more of it must not be hidden by another
            return all.isEmpty() || isSaved(key, there.ofLatestLife(), all.getLast())
                    ? new Fresh(known.lifeMs(), List.of())
                    : life(all, known.lifeMs());
        }
        if (since.getFirst().getNumber() > known.last()) { // what we know has expired
            return new Fresh(known.lifeMs(), since);
        }
        return known.endsWith(since.getFirst()) || Erasures.isErasure(since.getLast())
                ? new Fresh(known.lifeMs(), since.subList(1, since.size()))
                : life(real(journal.read(key, 1, Look.CONSISTENT)), known.lifeMs());
    }

    private boolean isSaved(ConversationKey key, List<Contents.Segment> segments, Commit commit) {
        return segments.stream()
                .map(Contents.Segment::name)
                .filter(name -> name.first() <= commit.getNumber() && commit.getNumber() <= name.last())
                .anyMatch(name -> bucket.get(names.segment(key, name))
                        .map(object -> SegmentFormat.read(key, name, object).contains(commit))
                        .orElse(false));
    }

    /** Of a journal that begins after another one. */
    private static Fresh life(List<Commit> all, long afterMs) {
        return new Fresh(all.isEmpty() ? 0 : Math.max(all.getFirst().getAtMs(), afterMs + 1), all);
    }

    private static List<List<Commit>> cut(List<Commit> commits) {
        List<List<Commit>> parts = new ArrayList<>();
        long bytes = 0;
        for (Commit commit : commits) {
            if (parts.isEmpty() || bytes + commit.getSerializedSize() > MOST_BYTES) {
                parts.add(new ArrayList<>());
                bytes = 0;
            }
            parts.getLast().add(commit);
            bytes += commit.getSerializedSize();
        }
        return parts;
    }

    private static Manifest.Named named(ConversationKey key, SegmentName name, long bytes, long modifiedMs) {
        return new Manifest.Named(key.conversation() + "/" + name.text(), bytes, name.sha256(), modifiedMs);
    }

    private Manifest.Named erased(ConversationKey key, long atMs) {
        String object = names.erased(key, atMs);
        return new Manifest.Named(
                object.substring(names.conversations(key.tenant()).length()), 0, Sha256.hex(new byte[0]));
    }
}
