package io.agentserver.pump.log;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import io.agentserver.pump.log.Intake.Bound;
import io.agentserver.pump.log.Intake.Slice;
import io.agentserver.pump.log.ScriptedWork.Outcome;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.slf4j.LoggerFactory;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.random.RandomGenerator;
import java.util.stream.LongStream;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Several pumps' lanes over a few partitions, and all that may happen to them, in an order that a seed decides: polls, work
 * that ends in any order, fails or goes on off the log, commits that are answered late or refused, partitions that move while work runs, pumps
 * that do not notice it, lost consumers, crashes, offsets that are set back, logs that lose their end. No time passes in it.
 * {@code -Dseed=…} runs one seed alone.
 */
class LanesSimulationTest {
    private static final int SEEDS = 200;
    private static final int STEPS = 300;
    private static final int PODS = 3;
    private static final int MOST_BYTES = 12;
    private static final int LAST_STEPS_SHOWN = 25;
    private static final List<Outcome> OUTCOMES = List.of(Outcome.values());

    private static final Logger LANES = (Logger) LoggerFactory.getLogger(Lanes.class);
    private static final Level BEFORE = LANES.getLevel();

    @BeforeAll
    static void failures_are_expected() {
        LANES.setLevel(Level.OFF);
    }

    @AfterAll
    static void failures_are_news_again() {
        LANES.setLevel(BEFORE);
    }

    /** The same ones each time, and one that is new. */
    static LongStream seeds() {
        Long again = Long.getLong("seed");
        return again != null
                ? LongStream.of(again)
                : LongStream.concat(
                        LongStream.range(0, SEEDS),
                        LongStream.of(RandomGenerator.getDefault().nextLong()));
    }

    @ParameterizedTest(name = "-Dseed={0}")
    @MethodSource("seeds")
    void keeps_its_promises_whatever_happens(long seed) {
        new World(seed).run();
    }

    @Test
    void a_seed_repeats_its_run() {
        long seed = RandomGenerator.getDefault().nextLong();
        assertThat(new World(seed).run()).as("-Dseed=%d", seed).isEqualTo(new World(seed).run());
    }

    private static final class World {
        private final long seed;
        private final Random random;
        private final List<SimulatedLog> logs = new ArrayList<>();
        private final List<SimulatedPod> pods = new ArrayList<>();
        private final List<String> history = new ArrayList<>();

        World(long seed) {
            this.seed = seed;
            this.random = new Random(seed);
            for (int i = 0; i < 4; i++) {
                logs.add(new SimulatedLog(new Slice("messages." + (i < 2 ? "light" : "heavy"), i % 2)));
            }
            for (int i = 0; i < PODS; i++) {
                pods.add(pod(i));
            }
        }

        private SimulatedPod pod(int number) {
            return new SimulatedPod(
                    number,
                    new IntakeModel(
                            new Bound(4, 40),
                            new Bound(6, 60),
                            new Bound(9, 90),
                            Map.of("messages.light", 1, "messages.heavy", 3)),
                    Comparator.comparingInt(logs::indexOf));
        }

        List<String> run() {
            try {
                for (int i = 0; i < STEPS; i++) {
                    happens(step());
                }
                finish();
                return history;
            } catch (RuntimeException | AssertionError e) {
                int shown = Math.max(0, history.size() - LAST_STEPS_SHOWN);
                throw new AssertionError(
                        "-Dseed=" + seed + ": " + e.getMessage() + "\nafter\n"
                                + String.join("\n", history.subList(shown, history.size())),
                        e);
            }
        }

        private void happens(String step) {
            history.add(step + ": " + pods);
            pods.forEach(pod -> pod.check(logs));
        }

        private String step() {
            SimulatedLog log = logs.get(random.nextInt(logs.size()));
            SimulatedPod pod = pods.get(random.nextInt(PODS));
            int dice = random.nextInt(100);
            if (dice < 20) {
                log.append(random, MOST_BYTES);
                return "append to " + log.slice;
            } else if (dice < 40) {
                pod.poll(1 + random.nextInt(6), random.nextBoolean());
                return "poll";
            } else if (dice < 70) {
                return work(pod);
            } else if (dice < 85) {
                return commit(pod);
            }
            return move(log, pod, dice);
        }

        private String work(SimulatedPod pod) {
            int running = pod.running().size();
            if (running == 0) {
                return "nothing to end";
            }
            int which = random.nextInt(running);
            if (random.nextInt(8) == 0) {
                pod.detach(which);
                return "the " + which + "th goes on off the log";
            }
            Outcome outcome = random.nextInt(3) > 0 ? Outcome.FINISHED : OUTCOMES.get(random.nextInt(OUTCOMES.size()));
            pod.end(which, outcome);
            return "the " + which + "th is " + outcome;
        }

        private String commit(SimulatedPod pod) {
            switch (random.nextInt(3)) {
                case 0 -> pod.commit();
                case 1 -> pod.brokerTakesCommit();
                default -> pod.hearOfCommit();
            }
            return "commit";
        }

        private String move(SimulatedLog log, SimulatedPod pod, int dice) {
            SimulatedPod owner = log.owner;
            if (owner == null) {
                pod.assign(log);
                return "assign " + log.slice;
            }
            switch (dice) {
                case 85, 86, 87 -> owner.giveUp(log);
                case 88, 89 -> log.own(null);
                case 90, 91 -> {
                    log.own(null);
                    pod.assign(log);
                }
                case 92, 93 -> pod.noticeLosses();
                case 94 -> pod.loseConsumer();
                case 95, 96 -> crash(pods.indexOf(pod));
                case 97 -> {
                    for (int i = 0; i < PODS; i++) {
                        crash(i);
                    }
                    log.reset(random);
                }
                default -> log.truncate(random);
            }
            return "move " + log.slice + " by " + dice;
        }

        private void crash(int number) {
            pods.get(number).crash();
            pods.set(number, pod(number));
        }

        /** Nothing goes wrong any more: all there is gets finished and committed, and nothing is held. */
        private void finish() {
            logs.forEach(log -> log.append(random, MOST_BYTES));
            for (int round = 0; round < 100 || !isAllCommitted(); round++) {
                assertThat(round).as("rounds without an end").isLessThan(2_000);
                for (SimulatedPod pod : pods) {
                    pod.noticeLosses();
                    pod.poll(10, true);
                    if (!pod.running().isEmpty()) {
                        pod.end(random.nextInt(pod.running().size()), Outcome.FINISHED);
                    }
                    pod.commitAndHear();
                }
                logs.stream().filter(log -> log.owner == null).forEach(pods.get(round % PODS)::assign);
                happens("finish");
            }
            logs.forEach(log -> log.assertFinishedBelow(log.end()));
            pods.forEach(pod -> pod.poll(10, true));
            pods.forEach(SimulatedPod::assertEmpty);
        }

        private boolean isAllCommitted() {
            return logs.stream().allMatch(log -> log.committed == log.end())
                    && pods.stream().allMatch(pod -> pod.running().isEmpty());
        }
    }
}
