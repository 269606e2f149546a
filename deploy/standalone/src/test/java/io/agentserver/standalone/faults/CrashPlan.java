package io.agentserver.standalone.faults;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/**
 * At which point which run's first crash comes: each has its turn, then those again that were not reached. A run's seed says
 * its point, so that the seed alone repeats it. A long series has to reach all: a renamed method would be one that never is.
 */
final class CrashPlan {
    private static final List<CrashPoint> POINTS = List.of(CrashPoint.values());

    /** Runs in which each point has its turn, and most that were not reached have three more. */
    static final int LONG = 40;

    private static final int MOST_TRIES_BEFORE_OTHERS = 4;

    private final Random random;
    private final Map<CrashPoint, Integer> tried = new EnumMap<>(CrashPoint.class);

    CrashPlan(Random random) {
        this.random = random;
    }

    static CrashPoint of(long seed) {
        return POINTS.get((int) Math.floorMod(seed, (long) POINTS.size()));
    }

    /** @param reached how often a process ended at each so far */
    long nextSeed(Map<CrashPoint, Long> reached) {
        List<CrashPoint> points = new ArrayList<>(POINTS);
        Collections.shuffle(points, random);
        CrashPoint next = Collections.min(
                points,
                Comparator.comparing((CrashPoint point) -> !isUrgent(point, reached))
                        .thenComparing(point -> tried.getOrDefault(point, 0)));
        tried.merge(next, 1, Integer::sum);
        long seed = random.nextLong() >> 1; // so that what is added stays in range
        return seed - Math.floorMod(seed, (long) points.size()) + POINTS.indexOf(next);
    }

    private boolean isUrgent(CrashPoint point, Map<CrashPoint, Long> reached) {
        return reached.getOrDefault(point, 0L) == 0 && tried.getOrDefault(point, 0) < MOST_TRIES_BEFORE_OTHERS;
    }

    /** @return what is wrong with a series of so many runs */
    static List<String> missed(int runs, Map<CrashPoint, Long> reached) {
        List<CrashPoint> never = POINTS.stream()
                .filter(point -> reached.getOrDefault(point, 0L) == 0)
                .toList();
        return runs < LONG || never.isEmpty()
                ? List.of()
                : List.of("in " + runs + " runs no process ended at " + never
                        + ": is there no such method any more, or does nothing pass by?");
    }
}
