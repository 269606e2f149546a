package io.agentserver.router;

import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

class SimulatedBackendTest {
    private static final String TOOLS =
            "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"add\",\"parameters\":"
                    + "{\"type\":\"object\",\"properties\":{\"text\":{\"type\":\"string\"},\"n\":{\"type\":\"integer\"},"
                    + "\"unit\":{\"enum\":[\"m\",\"km\"]}}}}}],";

    @Test
    void says_no_more_than_a_simulation_is_for_whatever_it_is_asked() throws Exception {
        SimulatedBackend backend = backend(0, 0, 0);
        String question = "\"messages\":[{\"role\":\"user\",\"content\":\"" + "many words ".repeat(50_000) + "\"}]";
        assertThat(Json.text(answer(backend, question)).length()).isLessThan(2 * SimulatedBackend.MOST_SAID);

        StringBuilder properties = new StringBuilder("\"n0\":{\"type\":\"string\"}");
        for (int i = 1; i < 20_000; i++) {
            properties.append(",\"n").append(i).append("\":{\"type\":\"string\"}");
        }
        String tools =
                "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"parameters\":{\"type\":\"object\",\"properties\":{"
                        + properties + "}}}}],";
        assertThat(Json.text(answer(backend, tools + question)).length()).isLessThan(2 * SimulatedBackend.MOST_SAID);
    }

    @Test
    void calls_each_tool_once_with_seeded_arguments_and_then_says_what_they_said() throws Exception {
        SimulatedBackend backend = backend(0, 0, 0);
        String asked = TOOLS + "\"messages\":[{\"role\":\"user\",\"content\":\"how far\"}]";
        ObjectNode first = answer(backend, asked);
        JsonNode function = first.at("/choices/0/message/tool_calls/0/function");
        JsonNode arguments = Json.read(function.path("arguments").asString(""));
        assertThat(arguments.path("text").asString("")).isEqualTo("how far");
        assertThat(arguments.path("n").isInt()).isTrue();
        assertThat(arguments.path("unit").asString("")).isIn("m", "km");
        assertThat(first.at("/choices/0/finish_reason").asString("")).isEqualTo("tool_calls");
        assertThat(answer(backend, asked)).isEqualTo(first);
        ObjectNode last = answer(
                backend,
                TOOLS
                        + "\"messages\":[{\"role\":\"user\",\"content\":\"how far\"},{\"role\":\"assistant\",\"tool_calls\":[]},"
                        + "{\"role\":\"tool\",\"tool_call_id\":\"t\",\"content\":\"7 km\"}]");
        assertThat(last.at("/choices/0/message/content").asString("")).isEqualTo("7 km");
    }

    @Test
    void meets_as_many_calls_with_faults_as_it_is_told_to_and_the_same_ones_each_time() throws Exception {
        SimulatedBackend backend = backend(0.2, 0.1, 0.3);
        int refused = 0;
        int broken = 0;
        for (int i = 0; i < 1_000; i++) {
            String asked = "\"messages\":[{\"role\":\"user\",\"content\":\"" + i + "\"}]";
            String fate = fate(backend, asked);
            assertThat(fate(backend, asked)).isEqualTo(fate);
            refused += fate.startsWith("refused") ? 1 : 0;
            broken += fate.equals("broken") ? 1 : 0;
        }
        assertThat(refused).isCloseTo(300, within(60)); // the seed is fixed, so this holds always or never
        assertThat(broken).isCloseTo(300, within(60));
    }

    @Test
    void says_as_many_tokens_as_it_is_told_to() throws Exception {
        Simulation simulation = new Simulation(1, Duration.ZERO, Duration.ZERO, 500, 7, 0, 0, 0, 0);
        ObjectNode answer = answer(
                new SimulatedBackend("load", simulation, Clock.systemUTC()),
                "\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]");
        assertThat(answer.at("/usage/prompt_tokens").asInt()).isEqualTo(500);
        assertThat(answer.at("/usage/completion_tokens").asInt()).isEqualTo(7);
        assertThat(answer.at("/choices/0/message/content").asString("").split(" "))
                .hasSize(7);
    }

    @Test
    void waits_for_its_first_token_and_before_each_further_one_as_long_as_it_is_told_to() throws Exception {
        List<Duration> waited = new ArrayList<>();
        Duration first = Duration.ofMillis(300);
        Duration each = Duration.ofMillis(20);
        Simulation simulation = new Simulation(1, first, each, 0, 3, 0, 0, 0, 0);
        SimulatedBackend backend = new SimulatedBackend("load", simulation, Clock.systemUTC(), waited::add);
        Backend.Opening.Opened opened =
                (Backend.Opening.Opened) backend.open(request("\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]"));
        assertThat(waited).containsExactly(first);
        int chunks = 0;
        while (opened.chunks().next() != null) {
            assertThat(waited).hasSize(1 + chunks++);
        }
        assertThat(chunks)
                .as("three words, the spaces between, the end and the usage")
                .isEqualTo(7);
        assertThat(waited.subList(1, waited.size())).containsOnly(each);
    }

    private static SimulatedBackend backend(double fail, double rateLimit, double breaking) {
        Simulation simulation = new Simulation(7, Duration.ZERO, Duration.ZERO, 0, 0, fail, rateLimit, 0, breaking);
        return new SimulatedBackend("load", simulation, Clock.fixed(Instant.EPOCH, ZoneOffset.UTC));
    }

    private static String fate(SimulatedBackend backend, String members) throws Exception {
        return switch (backend.open(request(members))) {
            case Backend.Opening.Refused refused -> "refused " + refused.status();
            case Backend.Opening.Opened opened -> {
                try {
                    read(opened.chunks());
                    yield "answered";
                } catch (IOException broken) {
                    yield "broken";
                }
            }
        };
    }

    private static ObjectNode answer(SimulatedBackend backend, String members) throws Exception {
        return read(((Backend.Opening.Opened) backend.open(request(members))).chunks());
    }

    private static ObjectNode read(Backend.Chunks chunks) throws IOException {
        Completion completion = new Completion();
        for (ObjectNode chunk = chunks.next(); chunk != null; chunk = chunks.next()) {
            completion.add(chunk);
        }
        return completion.build();
    }

    private static Backend.Request request(String members) {
        byte[] json = ("{\"model\":\"m\"," + members + "}").getBytes(StandardCharsets.UTF_8);
        ChatRequest request = ((ChatRequest.Reading.Read) ChatRequest.read(json)).request();
        return new Backend.Request(request, "m", 10, new UUID(0, 0), Map.of());
    }
}
