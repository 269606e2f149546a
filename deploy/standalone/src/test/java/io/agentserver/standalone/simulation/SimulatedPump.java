package io.agentserver.standalone.simulation;

import io.agentserver.pump.flow.LogMessage;
import io.agentserver.pump.flow.MessageFlows;
import org.jspecify.annotations.Nullable;

import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.function.Supplier;

/** A pump process: what it holds of the log, and what it is doing. */
final class SimulatedPump {
    /** More would wait for a place of the real gate, which is no point. */
    private static final int MOST_TASKS = 12;

    private final Supplier<MessageFlows.Parts> parts;
    private final SimulatedLog log;
    private final boolean commitsEarly;
    private final Map<Integer, Holding> holdings = new LinkedHashMap<>();
    private final List<Baton.Task> tasks = new ArrayList<>();
    private MessageFlows.Parts running;
    private Baton.@Nullable Task due;

    /** A partition from its assignment on; a zombie goes on with it until it knows. */
    private static final class Holding {
        final int partition;
        final TreeSet<Long> unfinished = new TreeSet<>();
        final Map<String, Deque<LogMessage>> lanes = new HashMap<>();
        long next;
        boolean letGo;

        Holding(int partition, long next) {
            this.partition = partition;
            this.next = next;
        }
    }

    SimulatedPump(Supplier<MessageFlows.Parts> parts, SimulatedLog log, boolean commitsEarly) {
        this.parts = parts;
        this.log = log;
        this.commitsEarly = commitsEarly;
        this.running = parts.get();
    }

    boolean holds(int partition) {
        return holdings.containsKey(partition);
    }

    void assign(int partition) {
        holdings.put(partition, new Holding(partition, log.committed(partition)));
    }

    /** @param knows else it goes on as a zombie: it takes nothing new, and cannot commit */
    void revoke(int partition, boolean knows) {
        Holding holding = holdings.remove(partition);
        if (holding != null) {
            holding.letGo = knows;
            holding.lanes.values().forEach(lane -> {
                while (lane.size() > 1) {
                    lane.removeLast();
                }
            });
        }
    }

    /** Takes the next message of a partition; false: there is none, or it is full. */
    boolean poll(int partition) {
        Holding holding = holdings.get(partition);
        tasks.removeIf(Baton.Task::hasEnded);
        if (holding == null || holding.next >= log.end(partition) || tasks.size() >= MOST_TASKS) {
            return false;
        }
        LogMessage message = log.at(partition, holding.next++);
        holding.unfinished.add(message.offset());
        String key = new String(message.key(), StandardCharsets.ISO_8859_1);
        Deque<LogMessage> lane = holding.lanes.computeIfAbsent(key, _ -> new ArrayDeque<>());
        lane.add(message);
        if (lane.size() == 1) {
            tasks.add(new Baton.Task(() -> run(holding, key)));
        }
        return true;
    }

    private void run(Holding holding, String key) {
        Deque<LogMessage> lane = holding.lanes.get(key);
        while (lane != null && !lane.isEmpty()) {
            LogMessage message = lane.getFirst();
            if (running.flow().handle(message, () -> holding.letGo)) {
                holding.unfinished.remove(message.offset());
            }
            lane.removeFirst();
        }
        holding.lanes.remove(key);
    }

    void commit(int partition) {
        Holding holding = holdings.get(partition);
        if (holding != null) {
            log.commit(
                    partition,
                    holding.unfinished.isEmpty() || commitsEarly ? holding.next : holding.unfinished.first());
        }
    }

    void askWhatIsDue() {
        if (due == null || due.hasEnded()) {
            due = new Baton.Task(() -> running.due().bringBack());
            tasks.add(due);
        }
    }

    List<Baton.Task> tasks() {
        tasks.removeIf(Baton.Task::hasEnded);
        return tasks;
    }

    /** kill -9 and a new process, which goes on at what was committed. */
    void restart() {
        tasks().forEach(Baton.Task::kill);
        tasks.clear();
        running = parts.get();
        holdings.keySet().forEach(this::assign);
    }

    boolean isAtRest() {
        return tasks().isEmpty()
                && holdings.values().stream().allMatch(holding -> holding.next >= log.end(holding.partition));
    }
}
