package io.agentserver.buffer.backup;

import io.agentserver.buffer.backup.BackupBucket.Listed;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * What the bucket has of a conversation.
 *
 * @param segments in the order of lives and numbers
 * @param erased when it was erased, for each time that it was; what had begun by then is to go
 */
record Contents(List<Segment> segments, List<Long> erased) {
    Contents {
        segments = List.copyOf(segments);
        erased = List.copyOf(erased);
    }

    record Segment(SegmentName name, long bytes, long modifiedMs) {}

    static Contents of(String folder, List<Listed> objects) {
        List<Segment> segments = new ArrayList<>();
        List<Long> erased = new ArrayList<>();
        for (Listed object : objects) {
            String name = object.key().substring(folder.length());
            if (name.startsWith(BackupNames.ERASED)) {
                erased.add(Long.valueOf(name.substring(BackupNames.ERASED.length())));
            } else {
                segments.add(new Segment(SegmentName.parse(name), object.bytes(), object.modifiedMs()));
            }
        }
        segments.sort(Comparator.comparing(Segment::name));
        return new Contents(segments, erased);
    }

    boolean isEmpty() {
        return segments.isEmpty() && erased.isEmpty();
    }

    /** 0: it was not. */
    long erasedAtMs() {
        return erased.stream().mapToLong(Long::longValue).max().orElse(0);
    }

    /** Those that no erasure has ended. */
    List<Segment> alive() {
        return segments.stream()
                .filter(segment -> segment.name().lifeMs() > erasedAtMs())
                .toList();
    }

    /** Those that one has. */
    List<Segment> dead() {
        return segments.stream()
                .filter(segment -> segment.name().lifeMs() <= erasedAtMs())
                .toList();
    }

    /** How far it has come. */
    Optional<SegmentName> newest() {
        List<Segment> alive = alive();
        return alive.isEmpty() ? Optional.empty() : Optional.of(alive.getLast().name());
    }

    /** The latest life's. */
    List<Segment> ofLatestLife() {
        return newest().map(newest -> alive().stream()
                        .filter(segment -> segment.name().lifeMs() == newest.lifeMs())
                        .toList())
                .orElse(List.of());
    }
}
