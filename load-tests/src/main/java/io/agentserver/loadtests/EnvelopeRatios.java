package io.agentserver.loadtests;

import org.openjdk.jmh.results.Result;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;

import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;

/** Runs {@link EnvelopeBench} and prints each cost beside its floor. */
final class EnvelopeRatios {
    private static final String READ_FLOOR = "bareWoodstox";
    private static final String SIGNED_FLOOR = "bareEd25519";

    /** What is compared with which floor, in the order of the table. */
    private static final Map<String, String> FLOORS = floors();

    /**
     * @param forks processes for each
     * @param iterations that count, in each process, after three that do not
     * @param seconds of each iteration
     */
    record Settings(int forks, int iterations, int seconds) {
        static Settings of(Options options) {
            options.only("forks", "iterations", "seconds");
            return new Settings(
                    options.number("forks", 2), options.number("iterations", 5), options.number("seconds", 1));
        }
    }

    private final Settings settings;

    EnvelopeRatios(Settings settings) {
        this.settings = settings;
    }

    void run() throws IOException, RunnerException {
        Map<String, Result<?>> results = new LinkedHashMap<>();
        try (UnpackedJar jar = UnpackedJar.ofThisProcess()) {
            jar.asClassPath();
            for (RunResult result : new Runner(new OptionsBuilder()
                            .include(EnvelopeBench.class.getName() + "\\..*")
                            .threads(1)
                            .forks(settings.forks())
                            .warmupIterations(3)
                            .warmupTime(TimeValue.seconds(settings.seconds()))
                            .measurementIterations(settings.iterations())
                            .measurementTime(TimeValue.seconds(settings.seconds()))
                            .jvmArgs("--enable-native-access=ALL-UNNAMED", "--sun-misc-unsafe-memory-access=allow")
                            .shouldFailOnError(true)
                            .build())
                    .run()) {
                results.put(result.getPrimaryResult().getLabel(), result.getPrimaryResult());
            }
        }
        print(results);
    }

    private static void print(Map<String, Result<?>> results) {
        System.out.printf(
                "%n| an envelope of %d bytes | a second | ± | of the floor |%n|---|---|---|---|%n",
                EnvelopeBench.BYTES);
        FLOORS.forEach((name, floor) -> {
            Result<?> result = Objects.requireNonNull(results.get(name), name);
            System.out.printf(
                    Locale.ROOT,
                    "| %s | %,.0f | %,.0f | %.0f %% of %s |%n",
                    name,
                    result.getScore(),
                    result.getScoreError(),
                    100
                            * result.getScore()
                            / Objects.requireNonNull(results.get(floor), floor).getScore(),
                    floor);
        });
    }

    private static Map<String, String> floors() {
        Map<String, String> floors = new LinkedHashMap<>();
        floors.put(READ_FLOOR, READ_FLOOR);
        floors.put("bareAalto", READ_FLOOR);
        floors.put("readAndCanonicalise", READ_FLOOR);
        floors.put("domAndSantuario", READ_FLOOR);
        floors.put("validatorOverWoodstox", READ_FLOOR);
        floors.put(SIGNED_FLOOR, SIGNED_FLOOR);
        floors.put("readAndVerify", SIGNED_FLOOR);
        floors.put("sign", "sign");
        floors.put("signWithLoadedKey", "sign");
        return floors;
    }
}
