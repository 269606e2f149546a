package io.agentserver.envelope;

import org.jspecify.annotations.Nullable;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.PropertyNamingStrategies;
import tools.jackson.databind.json.JsonMapper;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.regex.Pattern;

/**
 * The sample messages of {@code common-envelope/samples}, by their index. gateway-service has a copy of this class, to send them
 * to a gateway.
 */
record Samples(
        Instant clock, String tenant, String organism, String keys, List<String> registeredKeys, List<Sample> samples) {
    private static final Path DIRECTORY = Path.of("../common-envelope/samples");
    private static final Pattern TOKEN = Pattern.compile("jwt\\b[^>]*>\\s*([^<]+?)\\s*<");
    private static final JsonMapper JSON = JsonMapper.builder()
            .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
            .enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
            .build();

    /** @param times how often {@code text} stands in place of {@code mark} */
    record Repeat(String mark, String text, int times) {}

    /** @param status with {@code problem} and {@code pointer} of what is refused alone */
    record Expect(
            String outcome,
            @Nullable String canonicalSha256,
            @Nullable Integer status,
            @Nullable String problem,
            @Nullable String pointer) {
        boolean isAccepted() {
            return outcome.equals("accepted");
        }
    }

    record Sample(String name, String file, @Nullable List<Repeat> repeat, boolean signed, Expect expect, String why) {
        byte[] bytes() {
            String text = new String(read(file), StandardCharsets.ISO_8859_1);
            for (Repeat part : repeat == null ? List.<Repeat>of() : repeat) {
                text = text.replace(part.mark(), part.text().repeat(part.times()));
            }
            return text.getBytes(StandardCharsets.ISO_8859_1);
        }

        @Override
        public String toString() {
            return name + ": " + why;
        }
    }

    static Samples load() {
        return JSON.readValue(read("index.json"), Samples.class);
    }

    String organismYaml() {
        return new String(read(organism), StandardCharsets.UTF_8);
    }

    /** As public JWKs. */
    List<String> registeredJwks() {
        return JSON.readTree(read(keys))
                .path("keys")
                .valueStream()
                .filter(key -> registeredKeys.contains(key.path("kid").asString()))
                .map(key -> VerificationKey.publicMembers(key.toString()))
                .toList();
    }

    /** Those of all signed samples, good and bad, as they stand there. */
    List<String> tokens() {
        return samples.stream()
                .filter(Sample::signed)
                .flatMap(sample -> TOKEN.matcher(new String(sample.bytes(), StandardCharsets.UTF_8))
                        .results())
                .map(found -> found.group(1))
                .toList();
    }

    private static byte[] read(String file) {
        try {
            return Files.readAllBytes(DIRECTORY.resolve(file));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
