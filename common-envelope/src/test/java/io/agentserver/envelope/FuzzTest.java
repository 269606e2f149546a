package io.agentserver.envelope;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;
import java.util.stream.Stream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

/**
 * The fuzz targets, over the samples and the kept corpus always, and by Jazzer for {@code -Dfuzz.seconds} each: 15 where
 * {@code CI=true}, else none, from a seed that it prints and {@code -Dfuzz.seed} repeats. What it is and how to run it longer:
 * common-envelope/README.md.
 */
class FuzzTest {
    private static final Path KEPT = Path.of("src/test/fuzz");
    /** libFuzzer's, 32 bits without a sign; its 0 means any. */
    private static final long SEED =
            Long.getLong("fuzz.seed", RandomGenerator.getDefault().nextLong(1, 1L << 32));

    private static final int MOST_BYTES = 64 * 1024; // of one input; the larger samples are for the corpus alone

    enum Target {
        READER(ReaderTarget.class),
        CANONICAL(CanonicalTarget.class),
        TOKEN(TokenTarget.class);

        private final Class<?> type;

        Target(Class<?> type) {
            this.type = type;
        }

        void run(byte[] input) {
            switch (this) {
                case READER -> ReaderTarget.fuzzerTestOneInput(input);
                case CANONICAL -> CanonicalTarget.fuzzerTestOneInput(input);
                case TOKEN -> TokenTarget.fuzzerTestOneInput(input);
            }
        }

        List<byte[]> seeds() {
            Samples samples = Samples.load();
            return this == TOKEN
                    ? samples.tokens().stream()
                            .flatMap(token -> Stream.concat(
                                    Stream.of(token.getBytes(StandardCharsets.UTF_8)),
                                    TokenTarget.decoded(token).stream()))
                            .toList()
                    : samples.samples().stream().map(Samples.Sample::bytes).toList();
        }

        Path kept() {
            return KEPT.resolve(name().toLowerCase(Locale.ROOT));
        }
    }

    @ParameterizedTest
    @EnumSource
    void holds_for_the_samples_and_for_what_was_found_before(Target target) throws IOException {
        target.seeds().forEach(target::run);
        try (Stream<Path> kept = Files.list(target.kept())) {
            List<Path> files = kept.toList();
            assertThat(files).isNotEmpty();
            for (Path file : files) {
                try {
                    target.run(Files.readAllBytes(file));
                } catch (RuntimeException | AssertionError e) {
                    throw new AssertionError(file.toString(), e);
                }
            }
        }
    }

    /** Two at a time: each is a process with one thread that works. */
    @Test
    void holds_for_what_a_fuzzer_makes_of_them(@TempDir Path directory) throws Exception {
        long seconds = Long.getLong("fuzz.seconds", "true".equals(System.getenv("CI")) ? 15 : 0);
        assumeTrue(seconds > 0, "fuzzing takes -Dfuzz.seconds=15");
        List<Future<?>> targets = new ArrayList<>();
        try (ExecutorService two = Executors.newFixedThreadPool(2)) {
            for (Target target : Target.values()) {
                Path own = Files.createDirectory(directory.resolve(target.name()));
                targets.add(two.submit(() -> {
                    fuzz(target, seconds, own);
                    return own;
                }));
            }
        }
        for (Future<?> target : targets) {
            target.get();
        }
    }

    private static void fuzz(Target target, long seconds, Path directory) throws IOException, InterruptedException {
        Path seeds = Files.createDirectory(directory.resolve("seeds"));
        int name = 0;
        for (byte[] seed : target.seeds()) {
            if (seed.length <= MOST_BYTES) {
                Files.write(seeds.resolve("seed-" + name++), seed);
            }
        }
        // what it finds new goes to the first of the directories; what breaks a target, to target/fuzz
        Path found = Files.createDirectories(
                Path.of("target/fuzz", target.kept().getFileName().toString(), "found"));
        Path log = found.resolveSibling("log.txt");
        String again = "-Dfuzz.seconds=" + seconds + " -Dfuzz.seed=" + SEED;
        System.out.println("seed: " + again);
        Process jazzer = new ProcessBuilder(command(target, seconds, found, seeds))
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
        try {
            assertThat(jazzer.waitFor(2 * seconds + 120, TimeUnit.SECONDS))
                    .as("it ends; %s; %s", again, log)
                    .isTrue();
        } finally {
            jazzer.destroyForcibly();
        }
        String told = Files.readString(log, StandardCharsets.ISO_8859_1);
        assertThat(jazzer.exitValue())
                .as("%s; %s%n%s", again, log.toAbsolutePath(), told)
                .isZero();
        assertThat(told).contains("INFO: Seed: " + SEED, "INITED", "DONE");
    }

    private static List<String> command(Target target, long seconds, Path found, Path seeds) {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx512m",
                "--enable-native-access=ALL-UNNAMED",
                "--sun-misc-unsafe-memory-access=allow",
                "-XX:+EnableDynamicAgentLoading",
                "-cp",
                System.getProperty("java.class.path"),
                "com.code_intelligence.jazzer.Jazzer",
                "--target_class=" + target.type.getName(),
                // the parsers and the canonicaliser too: what is not instrumented gives no guidance
                "--instrumentation_includes=io.agentserver.envelope.**:com.ctc.wstx.**:org.apache.xml.security.c14n.**:tools.jackson.core.**",
                "--custom_hook_includes=io.agentserver.**:com.ctc.wstx.**:org.apache.xml.security.**",
                "--reproducer_path=" + found.getParent(),
                "-artifact_prefix=" + found.getParent() + "/",
                "-seed=" + SEED,
                "-max_total_time=" + seconds,
                "-timeout=60",
                "-max_len=" + MOST_BYTES,
                "-len_control=0",
                "-rss_limit_mb=4096",
                "-print_final_stats=1"));
        command.addAll(List.of(found.toString(), target.kept().toString(), seeds.toString()));
        return command;
    }
}
