package io.agentserver.buffer.backup;

import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.LongAdder;

import static io.agentserver.buffer.store.ShardKey.SHARDS;

/** What this process has done and knows of the backup. Safe on any thread. */
public final class BackupProgress {
    private final AtomicLongArray completeMs = new AtomicLongArray(SHARDS);
    private final AtomicIntegerArray failing = new AtomicIntegerArray(SHARDS);
    private volatile boolean expiryFailing;
    private final LongAdder conversations = new LongAdder();
    private final LongAdder slots = new LongAdder();
    private final LongAdder bytes = new LongAdder();
    private final LongAdder failures = new LongAdder();
    private volatile Drilled drilled = Drilled.NEVER;

    /** What was journalled before is in the bucket, as far as this process knows; milliseconds since 1970, 0: it knows nothing. */
    public long completeMs(int shard) {
        return completeMs.get(shard);
    }

    /** Whether the last run over a shard that is this process's did not get all done. */
    public boolean isFailing(int shard) {
        return failing.get(shard) != 0;
    }

    /** Whether, when this process last looked for what has been kept for long enough, not all of it went. */
    public boolean isExpiryFailing() {
        return expiryFailing;
    }

    /** How many times a conversation was brought up to date. */
    public long conversations() {
        return conversations.sum();
    }

    public long slots() {
        return slots.sum();
    }

    /** As they are in the bucket. */
    public long bytes() {
        return bytes.sum();
    }

    /** How many times one could not be brought up to date. */
    public long failures() {
        return failures.sum();
    }

    /** What the last drill found. */
    public Drilled drilled() {
        return drilled;
    }

    /** @param nowMs it never was complete until later than that, whoever said so */
    void complete(int shard, long ms, long nowMs) {
        completeMs.updateAndGet(shard, before -> Math.max(before > nowMs ? 0 : before, Math.min(ms, nowMs)));
    }

    void failing(int shard, boolean is) {
        failing.set(shard, is ? 1 : 0);
    }

    void expiryFailing(boolean is) {
        expiryFailing = is;
    }

    void saved(ConversationBackups.Saved saved) {
        conversations.increment();
        slots.add(saved.slots());
        bytes.add(saved.bytes());
    }

    void failed() {
        failures.increment();
    }

    void drilled(Drilled last) {
        drilled = last;
    }
}
