package io.agentserver.gateway.deadletters;

import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * How far a reader has come in each partition: a cursor. Its text is {@code <kind>.<partition>-<offset>.…}; the kind tells a
 * reader that goes back in time from one that goes forward, whose places mean something else.
 *
 * @param offsets by partition; one that is missing has not been begun
 */
record Places(Map<Integer, Long> offsets) {
    static final Places START = new Places(Map.of());
    private static final int LONGEST = 16 * 1024;

    enum Kind {
        BEFORE,
        FROM;

        private String prefix() {
            return name().toLowerCase(java.util.Locale.ROOT) + ".";
        }
    }

    Places {
        offsets = Map.copyOf(offsets);
    }

    /** Empty: no such cursor. The empty text is the start. */
    static Optional<Places> parse(Kind kind, String text) {
        if (text.isEmpty()) {
            return Optional.of(START);
        }
        if (text.length() > LONGEST || !text.startsWith(kind.prefix())) {
            return Optional.empty();
        }
        Map<Integer, Long> offsets = new TreeMap<>();
        for (String part : text.substring(kind.prefix().length()).split("\\.", -1)) {
            Optional<LetterId> place = LetterId.parse(part);
            if (place.isEmpty()
                    || offsets.put(place.get().partition(), place.get().offset()) != null) {
                return Optional.empty();
            }
        }
        return Optional.of(new Places(offsets));
    }

    long in(int partition, long unlessBegun) {
        return offsets.getOrDefault(partition, unlessBegun);
    }

    String text(Kind kind) {
        return new TreeMap<>(offsets)
                .entrySet().stream()
                        .map(place -> place.getKey() + "-" + place.getValue())
                        .collect(Collectors.joining(".", kind.prefix(), ""));
    }
}
