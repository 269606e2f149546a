package io.agentserver.loadtests;

import jdk.jfr.Recording;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class ProfileTest {
    private static final String PARTS = """
            # two classes of this test
            io.agentserver.loadtests.ProfileTest$Busy  the busy one
            io.agentserver.loadtests.ProfileTest       around it
            """;

    @TempDir
    private Path directory;

    @Test
    void a_sample_counts_for_the_innermost_frame_that_is_listed() throws IOException {
        Path parts = Files.writeString(directory.resolve("parts.txt"), PARTS);
        Path file = directory.resolve("busy.jfr");
        try (Recording recording = new Recording()) {
            recording.enable("jdk.ExecutionSample").withPeriod(Duration.ofMillis(10));
            recording.start();
            Busy.spin(Duration.ofMillis(500));
            recording.stop();
            recording.dump(file);
        }

        Map<String, Long> samples =
                profile("--jfr", file.toString(), "--parts", parts.toString()).samples();

        assertThat(samples).containsKey("the busy one");
        assertThat(samples.get("the busy one")).isGreaterThan(samples.getOrDefault("around it", 0L));
    }

    @Test
    void the_longest_prefix_that_ends_with_a_word_decides() {
        Parts parts = Parts.read("a.b one\na.b.C  two words\n");

        assertThat(parts.of("a.b.D")).hasValue("one");
        assertThat(parts.of("a.b.C")).hasValue("two words");
        assertThat(parts.of("a.b.C$Inner")).hasValue("two words");
        assertThat(parts.of("a.b.CD")).hasValue("one");
        assertThat(parts.of("a.bc.D")).isEmpty();
    }

    @Test
    void the_table_has_the_largest_share_first() {
        assertThat(Profile.table(Map.of("small", 1L, "large", 3L))).isEqualTo("""
                4 execution samples

                | part | share |
                |---|---|
                | large | 75.0 % |
                | small | 25.0 % |
                """);
    }

    @Test
    void every_listed_part_has_a_name_and_a_missing_file_is_told() throws IOException {
        Path empty = Files.createFile(directory.resolve("empty.jfr"));

        assertThat(Profile.Settings.of(Options.parse(new String[] {"--jfr", empty.toString()}))
                        .parts()
                        .of("io.grpc.stub.ServerCalls"))
                .hasValue("gRPC, both sides");
        assertThatThrownBy(() -> profile("--jfr", "nowhere.jfr"))
                .isInstanceOf(WrongArguments.class)
                .hasMessageContaining("nowhere.jfr");
        assertThatThrownBy(() -> Parts.read("io.grpc")).isInstanceOf(WrongArguments.class);
    }

    private static Profile profile(String... options) throws IOException {
        return new Profile(Profile.Settings.of(Options.parse(options)));
    }

    /** Keeps a processor busy with the JDK's code, so that its own frame is not the innermost. */
    private static final class Busy {
        static void spin(Duration processorTime) {
            var threads = ManagementFactory.getThreadMXBean();
            long end = threads.getCurrentThreadCpuTime() + processorTime.toNanos();
            StringBuilder text = new StringBuilder();
            while (threads.getCurrentThreadCpuTime() < end) {
                for (int i = 0; i < 2_000; i++) {
                    text.append(i);
                }
                text.setLength(0);
            }
        }
    }
}
