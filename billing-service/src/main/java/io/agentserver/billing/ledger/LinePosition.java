package io.agentserver.billing.ledger;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Base64;
import java.util.Locale;

/**
 * Where a posting group stands in its tenant's statement: by time, and by id where times are alike.
 *
 * @param key sorts as text: the time in nanoseconds, then the id
 */
public record LinePosition(String key) implements Comparable<LinePosition> {
    private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern(
                    "uuuu-MM-dd'T'HH:mm:ss.SSSSSSSSS'Z'", Locale.ROOT)
            .withZone(ZoneOffset.UTC);
    private static final int TIME_LENGTH = "2026-03-14T12:00:00.000000000Z".length();
    private static final int LONGEST = 400;

    public static LinePosition of(PostingGroup group) {
        return new LinePosition(TIME.format(group.at()) + "#" + group.id());
    }

    /** Before every group of this time and after every earlier one. */
    public static LinePosition at(Instant time) {
        return new LinePosition(TIME.format(time) + "#");
    }

    public Instant time() {
        return Instant.parse(key.substring(0, TIME_LENGTH));
    }

    public String cursor() {
        return Base64.getUrlEncoder().withoutPadding().encodeToString(key.getBytes(StandardCharsets.UTF_8));
    }

    /** @throws IllegalArgumentException if it is none that {@link #cursor} made */
    public static LinePosition ofCursor(String cursor) {
        if (cursor.length() <= LONGEST * 2) {
            String key = new String(Base64.getUrlDecoder().decode(cursor), StandardCharsets.UTF_8);
            if (key.length() > TIME_LENGTH && key.length() <= LONGEST && key.charAt(TIME_LENGTH) == '#') {
                try {
                    LinePosition position = new LinePosition(key);
                    position.time();
                    return position;
                } catch (java.time.DateTimeException noTime) {
                    throw new IllegalArgumentException(
                            "cursor: not one of a statement; leave it out to begin anew", noTime);
                }
            }
        }
        throw new IllegalArgumentException("cursor: not one of a statement; leave it out to begin anew");
    }

    @Override
    public int compareTo(LinePosition other) {
        return key.compareTo(other.key);
    }
}
