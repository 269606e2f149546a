package io.agentserver.billing.ledger;

import java.time.Instant;
import java.util.Arrays;
import java.util.Base64;

/**
 * A record of the {@code usage} topic that cannot be posted, kept for whoever mends it.
 *
 * @param value its bytes in base64, cut at 64 KiB
 * @param size how many bytes it had
 */
public record RejectedRecord(
        int partition, long offset, String key, String value, int size, String reason, Instant at) {
    private static final int MOST_BYTES = 65_536;
    private static final int LONGEST_TEXT = 256;

    public static RejectedRecord of(int partition, long offset, String key, byte[] value, String reason, Instant at) {
        byte[] kept = Arrays.copyOf(value, Math.min(value.length, MOST_BYTES));
        return new RejectedRecord(
                partition, offset, cut(key), Base64.getEncoder().encodeToString(kept), value.length, cut(reason), at);
    }

    private static String cut(String text) {
        return text.length() <= LONGEST_TEXT ? text : text.substring(0, LONGEST_TEXT);
    }
}
