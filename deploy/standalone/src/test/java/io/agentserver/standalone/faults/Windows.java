package io.agentserver.standalone.faults;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiPredicate;
import java.util.stream.Stream;

/**
 * When faults of some kinds were at work, by the wall clock of this machine: each from its beginning to when all were ready
 * again, and as much longer as a call may take that had begun by then.
 */
record Windows(List<Window> all) {
    static final Windows NONE = new Windows(List.of());
    static final Windows ALWAYS = new Windows(List.of(new Window(Instant.MIN, Instant.MAX)));
    /** In the history: all that should run is ready. */
    static final String READY = "ready";

    /** As long as a call of a model lasts at most, by the fleet's route. */
    static final Duration LONGEST_CALL = Duration.ofSeconds(20);

    record Window(Instant from, Instant to) {}

    Windows {
        all = List.copyOf(all);
    }

    /** When calls of models may have broken off; always, where nobody knows by the records' times. */
    static Windows breakOffs(List<History.Line> history) {
        return of(history, Fault::spoilsTimes).all().isEmpty() ? of(history, Fault::mayBreakOffAnswers) : ALWAYS;
    }

    /**
     * @param history of one run; a fault that it does not see healed lasts for ever
     * @param which of the faults, by what they were done to
     */
    static Windows of(List<History.Line> history, BiPredicate<Fault, String> which) {
        List<Window> windows = new ArrayList<>();
        List<Instant> begun = new ArrayList<>();
        Instant invoked = Instant.MIN;
        for (History.Line line : history) {
            Instant at = Instant.ofEpochMilli(line.atMs());
            if (!line.process().equals(History.RUN)) {
                continue;
            }
            if (line.type() == History.Type.INVOKE) {
                invoked = at;
            } else if (line.operation().equals(READY)) {
                begun.forEach(from -> windows.add(new Window(from, at.plus(LONGEST_CALL))));
                begun.clear();
            } else if (which.test(Fault.valueOf(line.operation()), line.detail())) {
                begun.add(invoked);
            }
        }
        begun.forEach(from -> windows.add(new Window(from, Instant.MAX)));
        return new Windows(windows);
    }

    Windows and(Windows others) {
        return new Windows(Stream.concat(all.stream(), others.all.stream()).toList());
    }

    /** Whether one of them was at work at some time between the two, both included. */
    boolean touch(Instant first, Instant last) {
        return all.stream().anyMatch(window -> !last.isBefore(window.from()) && !first.isAfter(window.to()));
    }
}
