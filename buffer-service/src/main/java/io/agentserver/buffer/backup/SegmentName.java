package io.agentserver.buffer.backup;

import io.agentserver.buffer.commit.Commit;

import java.util.Comparator;
import java.util.Locale;

/**
 * What an object with commits is called, so that a list of names says all that a backup needs to know: how far it has come, and
 * whether the journal still is the one that it began with.
 *
 * @param lifeMs when the conversation's journal began; one that was lost or has expired and begins again at 1 is another life
 * @param first number of the first commit, and {@code last} of the last
 * @param lastHash the first 8 digits of the last commit's SHA-256
 * @param sha256 of the object
 */
record SegmentName(long lifeMs, long first, long last, String lastHash, String sha256)
        implements Comparable<SegmentName> {
    private static final Comparator<SegmentName> ORDER = Comparator.comparingLong(SegmentName::lifeMs)
            .thenComparingLong(SegmentName::last)
            .thenComparingLong(SegmentName::first)
            .thenComparing(SegmentName::sha256);
    private static final int PARTS = 5;
    private static final int HASH_DIGITS = 8;

    static String hash(Commit commit) {
        return Sha256.hex(commit.toByteArray()).substring(0, HASH_DIGITS);
    }

    boolean endsWith(Commit commit) {
        return commit.getNumber() == last && hash(commit).equals(lastHash);
    }

    String text() {
        return String.format(Locale.ROOT, "%013d-%010d-%010d-%s-%s", lifeMs, first, last, lastHash, sha256);
    }

    /** @throws BrokenBackupException for any other text */
    static SegmentName parse(String text) {
        String[] parts = text.split("-", -1);
        try {
            if (parts.length == PARTS) {
                return new SegmentName(
                        Long.parseLong(parts[0]),
                        Long.parseLong(parts[1]),
                        Long.parseLong(parts[2]),
                        parts[3],
                        parts[4]);
            }
        } catch (NumberFormatException e) {
            throw new BrokenBackupException("no name of a segment: <" + text + ">", e);
        }
        throw new BrokenBackupException("no name of a segment: <" + text + ">");
    }

    @Override
    public int compareTo(SegmentName other) {
        return ORDER.compare(this, other);
    }
}
