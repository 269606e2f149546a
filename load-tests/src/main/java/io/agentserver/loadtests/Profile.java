package io.agentserver.loadtests;

import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordedStackTrace;
import jdk.jfr.consumer.RecordingFile;
import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * Reads a JFR recording. Out: the share of its execution samples (Java code on a processor) that each part of the
 * platform has. A sample counts for the part of its innermost frame that belongs to any: the JDK's code, and what is
 * listed nowhere, count for who called it.
 */
final class Profile {
    private static final String OTHER = "other";

    private final Settings settings;

    record Settings(Path recording, Parts parts) {
        static Settings of(Options options) throws IOException {
            options.only("jfr", "parts");
            return new Settings(
                    existing(options.text("jfr")),
                    Parts.read(
                            options.has("parts") ? Files.readString(existing(options.text("parts"))) : defaultParts()));
        }

        private static Path existing(String file) {
            Path path = Path.of(file);
            if (!Files.isRegularFile(path)) {
                throw new WrongArguments("there is no file " + path.toAbsolutePath());
            }
            return path;
        }

        private static String defaultParts() throws IOException {
            try (InputStream in = Profile.class.getResourceAsStream("profile-parts.txt")) {
                return new String(Objects.requireNonNull(in).readAllBytes(), StandardCharsets.UTF_8);
            }
        }
    }

    Profile(Settings settings) {
        this.settings = settings;
    }

    void run() throws IOException {
        System.out.print(table(samples()));
    }

    /** How many samples each part has; {@code other}: those without a frame of any. */
    Map<String, Long> samples() throws IOException {
        Map<String, Long> samples = new HashMap<>();
        try (RecordingFile recording = new RecordingFile(settings.recording())) {
            while (recording.hasMoreEvents()) {
                RecordedEvent event = recording.readEvent();
                if (event.getEventType().getName().equals("jdk.ExecutionSample")) {
                    samples.merge(part(event.getStackTrace()), 1L, Long::sum);
                }
            }
        }
        return samples;
    }

    static String table(Map<String, Long> samples) {
        long all = samples.values().stream().mapToLong(Long::longValue).sum();
        StringBuilder table = new StringBuilder(all + " execution samples\n\n| part | share |\n|---|---|\n");
        samples.entrySet().stream()
                .sorted(Map.Entry.<String, Long>comparingByValue().reversed().thenComparing(Map.Entry.comparingByKey()))
                .forEach(entry -> table.append(String.format(
                        Locale.ROOT, "| %s | %.1f %% |%n", entry.getKey(), 100.0 * entry.getValue() / all)));
        return table.toString();
    }

    private String part(@Nullable RecordedStackTrace trace) {
        if (trace == null) {
            return OTHER;
        }
        return trace.getFrames().stream()
                .map(frame -> settings.parts().of(frame.getMethod().getType().getName()))
                .flatMap(Optional::stream)
                .findFirst()
                .orElse(OTHER);
    }
}
