package io.agentserver.standalone.simulation;

import io.agentserver.log.RecordHeaders;
import io.agentserver.pump.flow.LogMessage;
import io.agentserver.pump.flow.LogRecord;
import io.agentserver.pump.flow.Outbox;

import java.time.Clock;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** A topic of some partitions, and the dead letters. */
final class SimulatedLog implements Outbox {
    static final int PARTITIONS = 3;

    private final List<List<LogMessage>> partitions = new ArrayList<>();
    private final long[] committed = new long[PARTITIONS];
    private final List<LogRecord> deadLetters = new ArrayList<>();
    private final Clock clock;

    SimulatedLog(Clock clock) {
        this.clock = clock;
        for (int i = 0; i < PARTITIONS; i++) {
            partitions.add(new ArrayList<>());
        }
    }

    /** Whoever appends may be killed before, between two records, and before it hears of it. */
    @Override
    public void append(List<LogRecord> records) {
        Baton.point();
        for (LogRecord record : records) {
            add(record);
            Baton.point();
        }
    }

    void add(LogRecord record) {
        if (!record.topic().equals(Platform.TOPIC)) {
            deadLetters.add(record);
            return;
        }
        int partition = Math.floorMod(Arrays.hashCode(record.key()), PARTITIONS);
        List<LogMessage> messages = partitions.get(partition);
        messages.add(new LogMessage(
                record.topic(),
                partition,
                messages.size(),
                clock.millis(),
                record.key(),
                record.value(),
                record.headers().get(RecordHeaders.MAC),
                null));
    }

    /** Messages of all partitions. */
    long length() {
        return partitions.stream().mapToLong(List::size).sum();
    }

    LogMessage at(int partition, long offset) {
        return partitions.get(partition).get((int) offset);
    }

    long end(int partition) {
        return partitions.get(partition).size();
    }

    long committed(int partition) {
        return committed[partition];
    }

    void commit(int partition, long offset) {
        committed[partition] = offset;
    }

    List<LogRecord> deadLetters() {
        return deadLetters;
    }
}
