package io.agentserver.pump.log;

import io.agentserver.pump.flow.LogMessage;
import org.jspecify.annotations.Nullable;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

import static org.assertj.core.api.Assertions.assertThat;

/** One partition as its broker has it: what is on it, whose it is, and what its group has committed. */
final class SimulatedLog {
    final Intake.Slice slice;
    final List<Entry> entries = new ArrayList<>();
    private final List<Long> truncations = new ArrayList<>();
    private long end;

    @Nullable
    SimulatedPod owner;
    /** Grows with each change of owner: a commit under an earlier one is refused. */
    int assignment;

    long committed;
    private int committedEpoch;

    /** A message; {@code done}: some pod's work has finished it. */
    static final class Entry {
        final LogMessage message;
        final String key;
        boolean done;

        Entry(Intake.Slice slice, long offset, String key, int bytes) {
            this.key = key;
            this.message = new LogMessage(
                    slice.topic(),
                    slice.partition(),
                    offset,
                    0,
                    key.getBytes(StandardCharsets.UTF_8),
                    new byte[bytes],
                    null,
                    null);
        }

        long offset() {
            return message.offset();
        }
    }

    SimulatedLog(Intake.Slice slice) {
        this.slice = slice;
    }

    /** Sometimes with a gap before it, as compaction and transactions leave them. */
    void append(Random random, int mostBytes) {
        long offset = end + (random.nextInt(6) == 0 ? 1 + random.nextInt(2) : 0);
        entries.add(new Entry(slice, offset, "t" + random.nextInt(3), random.nextInt(mostBytes + 1)));
        end = offset + 1;
    }

    long end() {
        return end;
    }

    /** Loses its end, as after an election of a replica that had less. */
    void truncate(Random random) {
        end = random.nextInt((int) end + 1);
        entries.removeIf(entry -> entry.offset() >= end);
        truncations.add(end);
    }

    /** How often it has lost its end. */
    int epoch() {
        return truncations.size();
    }

    void own(@Nullable SimulatedPod pod) {
        owner = pod;
        assignment++;
    }

    /** Where a consumer goes on that read up to this position in that epoch: earlier, if the log has lost that. */
    long next(long position, int positionEpoch, boolean fromStart) {
        long kept = truncations.subList(positionEpoch, epoch()).stream()
                .mapToLong(Long::longValue)
                .min()
                .orElse(position);
        if (position <= kept) {
            return position;
        }
        return fromStart ? 0 : kept;
    }

    int committedEpoch() {
        return committedEpoch;
    }

    void commit(long offset, int commitEpoch) {
        if (commitEpoch == epoch()) {
            assertFinishedBelow(offset);
        }
        committed = offset;
        committedEpoch = commitEpoch;
    }

    /** The group's offset is lost, or set back by hand. */
    void reset(Random random) {
        // set back, not forward: what it committed before the log lost its end may be somebody else's offset by now
        committed = random.nextInt((int) next(committed, committedEpoch, false) + 1);
        committedEpoch = epoch();
    }

    void assertFinishedBelow(long offset) {
        assertThat(entries.stream().filter(entry -> entry.offset() < offset && !entry.done))
                .as("%s: below the committable %d, by nobody finished", slice, offset)
                .extracting(Entry::offset)
                .isEmpty();
    }

    void assertEarlierOfItsThreadFinished(Entry begun) {
        assertThat(entries.stream()
                        .filter(entry -> entry.key.equals(begun.key) && entry.offset() < begun.offset() && !entry.done))
                .as("%s: skipped by %s's %d", slice, begun.key, begun.offset())
                .extracting(Entry::offset)
                .isEmpty();
    }
}
