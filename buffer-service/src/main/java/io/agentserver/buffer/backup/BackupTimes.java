package io.agentserver.buffer.backup;

import java.time.Duration;

/**
 * How soon what changes is in the backup, and how long it is kept there.
 *
 * @param period changes are gathered for so long, and a conversation is written at most once in it
 * @param kept how long an object stays
 */
public record BackupTimes(Duration period, Duration kept) {
    /** An object is named by manifests of an hour, and goes with the first of them; an hour more for the bucket's clock. */
    private static final Duration NAMED_AGAIN = Duration.ofHours(2);

    private static final Duration LONGEST_MARGIN = Duration.ofMinutes(1);

    public BackupTimes {
        if (period.toMillis() < 1) {
            throw new IllegalArgumentException("period: <" + period + "> is not at least a millisecond");
        }
    }

    /** The period that a time is in. */
    long periodOf(long atMs) {
        return atMs / period.toMillis();
    }

    long beginMs(long ofPeriod) {
        return ofPeriod * period.toMillis();
    }

    /** By then no commit of that period is on its way any more. */
    long dueMs(long ofPeriod) {
        return beginMs(ofPeriod + 1) + marginMs();
    }

    /** For what is noted aside: at least a margin from now, and the same for all of some moments. */
    long laterMs(long nowMs) {
        return (nowMs / marginMs() + 2) * marginMs();
    }

    /** What only manifests from before name may have been kept for long enough. */
    long oldestNamedMs(long nowMs) {
        return nowMs - kept.toMillis() + NAMED_AGAIN.toMillis();
    }

    long marginMs() {
        return Math.min(period.toMillis(), LONGEST_MARGIN.toMillis());
    }
}
