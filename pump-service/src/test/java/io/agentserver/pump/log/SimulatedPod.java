package io.agentserver.pump.log;

import io.agentserver.pump.flow.Hold;
import io.agentserver.pump.log.Intake.Slice;
import io.agentserver.pump.log.ScriptedWork.Call;
import io.agentserver.pump.log.ScriptedWork.Outcome;
import io.agentserver.pump.log.SimulatedLog.Entry;
import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

/**
 * A pump's lanes, and beside them a model of what they must hold: each step is done to both, and then they must agree. A step
 * ends when every lane that has a message is in that message's work, so its outcome is the same each time.
 */
final class SimulatedPod {
    private static final Duration STUCK = Duration.ofSeconds(20);

    private final int number;
    private final ScriptedWork work = new ScriptedWork();
    private final IntakeModel model;
    private final Intake intake;
    private final Lanes lanes;
    private final Map<SimulatedLog, Position> positions;
    private final Map<Slice, Held> held = new HashMap<>();
    /** What runs although its partition was let go, with the hold that it has. */
    private final List<Running> leftovers = new ArrayList<>();
    /** What runs off the log, whoever has its partition. */
    private final List<Running> detached = new ArrayList<>();

    private boolean stopped;

    private final Deque<Commit> unanswered = new ArrayDeque<>();
    private final Deque<Commit> accepted = new ArrayDeque<>();

    /** An assigned partition: where it is read next. */
    private static final class Position {
        private final int assignment;
        private long offset;
        private int epoch;
        private boolean paused;

        Position(SimulatedLog log) {
            this.assignment = log.assignment;
            this.offset = log.committed;
            this.epoch = log.committedEpoch();
        }
    }

    /** A partition from the first message that was taken of it until it is let go. */
    private static final class Held {
        private final TreeMap<Long, Entry> unfinished = new TreeMap<>();
        private long next;
        private int epoch;
        private long acknowledged = -1;
        private long lastCommittable;
        /** Of what is in work, by offset. */
        private final Map<Long, Hold> holds = new HashMap<>();

        long committable() {
            return unfinished.isEmpty() ? next : unfinished.firstKey();
        }

        void take(Entry entry) {
            unfinished.put(entry.offset(), entry);
            next = entry.offset() + 1;
        }

        /** The first unfinished of each thread. */
        List<Entry> begun() {
            Set<String> threads = new HashSet<>();
            return unfinished.values().stream()
                    .filter(entry -> threads.add(entry.key))
                    .toList();
        }
    }

    record Running(Entry entry, Hold hold) {}

    private record Commit(Map<SimulatedLog, Part> parts) {}

    private record Part(Held held, long offset, int epoch, int assignment) {}

    SimulatedPod(int number, IntakeModel model, Comparator<SimulatedLog> order) {
        this.number = number;
        this.model = model;
        this.intake = model.intake();
        this.lanes = new Lanes(work, intake);
        this.positions = new TreeMap<>(order);
    }

    void assign(SimulatedLog log) {
        noticeLosses();
        log.own(this);
        positions.put(log, new Position(log));
    }

    /** As {@link Pump} does: adds what a poll gives, then pauses what is full and resumes what is not. */
    void poll(int most, boolean fromStart) {
        int left = most;
        for (Map.Entry<SimulatedLog, Position> each : positions.entrySet()) {
            if (!each.getValue().paused) {
                left -= fetch(each.getKey(), each.getValue(), left, fromStart);
            }
        }
        settle();
        positions.forEach((log, position) -> {
            position.paused = lanes.isFull(log.slice);
            assertThat(position.paused).as("%s is full", log.slice).isEqualTo(model.isFull(log.slice, items()));
        });
    }

    private int fetch(SimulatedLog log, Position position, int most, boolean fromStart) {
        long next = log.next(position.offset, position.epoch, fromStart);
        Held holding = held.get(log.slice);
        if (next == position.offset && holding != null && holding.epoch == position.epoch) {
            holding.epoch = log.epoch();
        }
        position.offset = next;
        position.epoch = log.epoch();
        List<Entry> batch = log.entries.stream()
                .filter(entry -> entry.offset() >= next)
                .limit(most)
                .toList();
        for (Entry entry : batch) {
            take(log, entry);
            lanes.add(entry.message);
            position.offset = entry.offset() + 1;
        }
        return batch.size();
    }

    private void take(SimulatedLog log, Entry entry) {
        Held known = held.get(log.slice);
        List<Entry> stillToDo = List.of();
        if (known != null && entry.offset() < known.next) {
            stillToDo = List.copyOf(known.unfinished.headMap(entry.offset()).values());
            forget(log.slice);
        }
        Held holding = held.computeIfAbsent(log.slice, _ -> new Held());
        holding.epoch = log.epoch();
        stillToDo.forEach(holding::take);
        holding.take(entry);
    }

    /** What is in work, in an order that depends on nothing but the steps so far. */
    List<Running> running() {
        List<Running> all = new ArrayList<>();
        held.forEach((_, holding) -> holding.begun()
                .forEach(entry -> Optional.ofNullable(holding.holds.get(entry.offset()))
                        .ifPresent(hold -> all.add(new Running(entry, hold)))));
        all.sort(Comparator.comparing((Running each) -> each.entry.message.topic())
                .thenComparingInt(each -> each.entry.message.partition())
                .thenComparingLong(each -> each.entry.offset()));
        all.addAll(leftovers);
        all.addAll(detached);
        return all;
    }

    /** The journal takes care of it: for the log it is done. Of what is off the log already, or let go, nothing comes of it. */
    void detach(int which) {
        Running chosen = running().get(which);
        chosen.hold.detach();
        for (Held holding : held.values()) {
            if (holding.holds.remove(chosen.entry.offset(), chosen.hold)) {
                holding.unfinished.remove(chosen.entry.offset());
                chosen.entry.done = true;
                detached.add(chosen);
            }
        }
        settle();
    }

    void end(int which, Outcome outcome) {
        Running chosen = running().get(which);
        Call call = work.running().stream()
                .filter(each -> each.hold.equals(chosen.hold) && each.message.equals(chosen.entry.message))
                .findFirst()
                .orElseThrow();
        if (outcome == Outcome.FINISHED) {
            chosen.entry.done = true;
        }
        if (leftovers.remove(chosen)) {
            assertThat(chosen.hold.isLetGo()).isTrue();
        } else if (detached.contains(chosen)) {
            assertThat(chosen.hold.isLetGo()).as("off the log").isEqualTo(stopped);
            if (outcome == Outcome.FINISHED || stopped) {
                detached.remove(chosen);
            }
        } else if (outcome == Outcome.FINISHED) {
            held.values().stream()
                    .filter(holding -> holding.holds.remove(chosen.entry.offset(), chosen.hold))
                    .forEach(holding -> holding.unfinished.remove(chosen.entry.offset()));
        }
        work.end(call, outcome);
        settle();
    }

    void commit() {
        unanswered.add(toCommit());
    }

    private Commit toCommit() {
        Map<Slice, Long> offsets = lanes.committable();
        Map<SimulatedLog, Part> parts = new HashMap<>();
        positions.forEach((log, position) -> {
            Long offset = offsets.get(log.slice);
            Held holding = held.get(log.slice);
            if (offset != null && holding != null) {
                parts.put(log, new Part(holding, offset, holding.epoch, position.assignment));
            }
        });
        return new Commit(parts);
    }

    /** All of it, unless one of its partitions has another owner by now. */
    void brokerTakesCommit() {
        Commit commit = unanswered.poll();
        if (commit == null
                || !commit.parts.entrySet().stream()
                        .allMatch(part -> part.getKey().assignment == part.getValue().assignment)) {
            return;
        }
        commit.parts.forEach((log, part) -> log.commit(part.offset, part.epoch));
        accepted.add(commit);
    }

    void hearOfCommit() {
        Commit commit = accepted.poll();
        if (commit == null) {
            return;
        }
        Map<Slice, Long> offsets = new HashMap<>();
        commit.parts.forEach((log, part) -> {
            offsets.put(log.slice, part.offset);
            Held holding = held.get(log.slice);
            if (holding != null && part.offset <= holding.committable()) {
                holding.acknowledged = Math.max(holding.acknowledged, part.offset);
            }
        });
        lanes.committed(offsets);
    }

    void commitAndHear() {
        commit();
        while (!unanswered.isEmpty()) {
            brokerTakesCommit();
        }
        while (!accepted.isEmpty()) {
            hearOfCommit();
        }
    }

    /** In good order: commits first. */
    void giveUp(SimulatedLog log) {
        commitAndHear();
        log.own(null);
        noticeLosses();
    }

    /** What the group has given to others meanwhile. */
    void noticeLosses() {
        for (SimulatedLog log : List.copyOf(positions.keySet())) {
            Position position = positions.get(log);
            if (position != null && position.assignment != log.assignment) {
                positions.remove(log);
                forget(log.slice);
                lanes.letGo(log.slice);
            }
        }
        settle();
    }

    /** Its consumer breaks, without a commit; the lanes stay. */
    void loseConsumer() {
        positions.keySet().stream().filter(log -> log.owner == this).forEach(log -> log.own(null));
        positions.clear();
        List.copyOf(held.keySet()).forEach(this::forget);
        unanswered.clear();
        accepted.clear();
        lanes.letGoOfAll();
        settle();
    }

    /** Nobody hears of it again; what it was at ends somehow. */
    void crash() {
        loseConsumer();
        lanes.stop();
        stopped = true;
        while (!running().isEmpty()) {
            Entry entry = running().getFirst().entry;
            boolean done = entry.done;
            end(0, detached.isEmpty() ? Outcome.FINISHED : Outcome.NOT_FINISHED);
            entry.done = done;
        }
        assertEmpty();
    }

    private void forget(Slice slice) {
        Held holding = held.remove(slice);
        if (holding != null) {
            for (Entry entry : holding.begun()) {
                leftovers.add(new Running(
                        entry, Objects.requireNonNull(holding.holds.get(entry.offset()), "every lane is in work")));
            }
        }
    }

    private List<IntakeModel.Item> items() {
        List<Entry> all = new ArrayList<>();
        held.values().forEach(holding -> all.addAll(holding.unfinished.values()));
        leftovers.forEach(left -> all.add(left.entry));
        return Stream.concat(
                        all.stream().map(entry -> item(entry, true)),
                        detached.stream().map(running -> item(running.entry, false)))
                .toList();
    }

    private static IntakeModel.Item item(Entry entry, boolean isOfLog) {
        return new IntakeModel.Item(slice(entry), entry.message.value().length, isOfLog);
    }

    /** Waits until every lane is in the work that it must be in, and in no other. */
    private void settle() {
        int expected = leftovers.size()
                + held.values().stream().mapToInt(each -> each.begun().size()).sum();
        long stuck = System.nanoTime() + STUCK.toNanos();
        while (work.running().size() != expected + detached.size()
                || lanes.count() != expected
                || lanes.detached() != detached.size()) {
            LockSupport.parkNanos(20_000);
            if (System.nanoTime() > stuck) {
                fail(
                        "pod %d: %d lanes, %d in work, of %d and %d off the log",
                        number, lanes.count(), work.running().size(), expected, detached.size());
            }
        }
        for (Call call : work.running()) {
            if (Stream.concat(leftovers.stream(), detached.stream()).anyMatch(each -> each.hold.equals(call.hold))) {
                continue;
            }
            Held holding = held.get(new Slice(call.message.topic(), call.message.partition()));
            if (holding != null && !call.hold.isLetGo()) {
                holding.holds.putIfAbsent(call.message.offset(), call.hold);
            }
        }
        assertThat(running()).as("pod %d runs", number).containsExactlyInAnyOrderElementsOf(inWork());
    }

    private List<Running> inWork() {
        List<Entry> all = new ArrayList<>();
        held.values().forEach(holding -> all.addAll(holding.unfinished.values()));
        leftovers.forEach(left -> all.add(left.entry));
        detached.forEach(each -> all.add(each.entry));
        return work.running().stream()
                .map(call -> new Running(
                        all.stream()
                                .filter(entry -> entry.message.equals(call.message))
                                .findFirst()
                                .orElseThrow(() -> new AssertionError("pod " + number + " handles " + call.message)),
                        call.hold))
                .toList();
    }

    /** What must hold after each step, whatever it was. */
    void check(List<SimulatedLog> logs) {
        Map<Slice, Long> committable = lanes.committable();
        List<IntakeModel.Item> items = items();
        for (SimulatedLog log : logs) {
            assertThat(lanes.inFlight(log.slice))
                    .as("pod %d holds of %s", number, log.slice)
                    .isEqualTo((int) items.stream()
                            .filter(item -> item.isOfLog() && item.slice().equals(log.slice))
                            .count());
            Held holding = held.get(log.slice);
            if (holding == null) {
                assertThat(committable).doesNotContainKey(log.slice);
            } else {
                check(log, holding, committable.get(log.slice));
            }
        }
        assertThat(intake.messages()).isEqualTo(items.size());
    }

    private void check(SimulatedLog log, Held holding, @Nullable Long committable) {
        long expected = holding.committable();
        assertThat(committable)
                .as("pod %d may commit of %s", number, log.slice)
                .isEqualTo(expected > holding.acknowledged ? expected : null);
        assertThat(expected).as("%s goes back", log.slice).isGreaterThanOrEqualTo(holding.lastCommittable);
        holding.lastCommittable = expected;
        if (holding.epoch == log.epoch()) {
            log.assertFinishedBelow(expected);
            holding.begun().forEach(log::assertEarlierOfItsThreadFinished);
        }
    }

    void assertEmpty() {
        assertThat(lanes.count()).isZero();
        assertThat(lanes.detached()).isZero();
        assertThat(intake.messages()).isZero();
        assertThat(positions.values()).noneMatch(position -> position.paused);
    }

    private static Slice slice(Entry entry) {
        return new Slice(entry.message.topic(), entry.message.partition());
    }

    @Override
    public String toString() {
        return "pod " + number + " runs "
                + running().stream()
                        .map(each -> each.entry.message.topic() + "-" + each.entry.message.partition() + "@"
                                + each.entry.offset())
                        .toList();
    }
}
