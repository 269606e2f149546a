package io.agentserver.router;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.UUID;

import static org.assertj.core.api.Assertions.assertThat;

class ToAnthropicTest {
    private static final Set<String> THE_SAME_IN_BOTH = Set.of("top_p");

    /** A member that OpenAI adds must not reach Anthropic, which refuses what it does not know. */
    @Test
    void has_decided_on_every_member_that_openai_describes() throws IOException {
        Set<String> described = new HashSet<>();
        collect(OpenAiDescription.schemas(), "CreateChatCompletionRequest", described);
        assertThat(described).hasSizeGreaterThan(30);
        described.removeAll(ToAnthropic.NOT_KEPT);
        assertThat(described).containsExactlyInAnyOrderElementsOf(THE_SAME_IN_BOTH);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "'\"n\":2' | n must be 1",
                "'\"functions\":[{\"name\":\"f\"}]' | functions are not taken",
                "'\"tools\":[{\"type\":\"custom\",\"custom\":{\"name\":\"c\"}}]' | tools must each be",
                "'\"container\":\"c\"' | container is not taken here"
            })
    void says_what_cannot_be_put_into_anthropics_shape(String member, String why) {
        assertThat(translate("{" + member + ",\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}"))
                .isInstanceOfSatisfying(
                        ToAnthropic.Translation.Impossible.class,
                        impossible -> assertThat(impossible.why()).startsWith(why));
    }

    @Test
    void does_not_change_the_clients_request() {
        String json =
                "{\"model\":\"m\",\"output_config\":{\"effort\":\"low\"},\"response_format\":{\"type\":\"json_schema\","
                        + "\"json_schema\":{\"name\":\"n\",\"schema\":{\"type\":\"object\"}}},\"messages\":[{\"role\":\"user\","
                        + "\"content\":[{\"type\":\"text\",\"text\":\"hi\",\"cache_control\":{\"type\":\"ephemeral\"}}]}]}";
        ChatRequest request = read(json);
        ToAnthropic.Translation translation = ToAnthropic.of(asking(request));
        assertThat(request.body()).isEqualTo(Json.read(json));
        assertThat(translation).isInstanceOfSatisfying(ToAnthropic.Translation.Translated.class, translated -> {
            JsonNode body = translated.body();
            assertThat(body.at("/output_config/effort").asString("")).isEqualTo("low");
            assertThat(body.at("/output_config/format/type").asString("")).isEqualTo("json_schema");
            assertThat(body.at("/messages/0/content/0/cache_control/type").asString(""))
                    .isEqualTo("ephemeral");
        });
    }

    private static ToAnthropic.Translation translate(String json) {
        return ToAnthropic.of(asking(read(json)));
    }

    private static Backend.Request asking(ChatRequest request) {
        return new Backend.Request(request, "m", 10, new UUID(0, 0), Map.of());
    }

    private static ChatRequest read(String json) {
        return ((ChatRequest.Reading.Read) ChatRequest.read(json.getBytes(StandardCharsets.UTF_8))).request();
    }

    private static void collect(JsonNode schemas, String name, Set<String> members) {
        JsonNode schema = schemas.path(name);
        schema.path("properties").propertyNames().forEach(members::add);
        for (JsonNode part : schema.path("allOf")) {
            part.path("properties").propertyNames().forEach(members::add);
            String reference = part.path("$ref").asString("");
            if (!reference.isEmpty()) {
                collect(schemas, reference.substring(reference.lastIndexOf('/') + 1), members);
            }
        }
    }
}
