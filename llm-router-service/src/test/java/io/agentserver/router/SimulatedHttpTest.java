package io.agentserver.router;

import io.agentserver.usage.UsageRecord;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;
import tools.jackson.databind.JsonNode;

import java.net.http.HttpResponse;
import java.util.List;
import java.util.UUID;

import static io.agentserver.router.RunningRouter.json;
import static org.assertj.core.api.Assertions.assertThat;

/** Without any provider's key, as on a laptop. */
@ExtendWith(TestPlatform.Extension.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class SimulatedHttpTest {
    private static final String GREETER = """
            {"model":"default","messages":[
            {"role":"system","content":"You are a friendly greeter.\\n<tools><tool name=\\"shouter\\"><description>Repeats a greeting</description><example><GreetingResponse xmlns=\\"\\"><Message>text</Message><OriginalSender>text</OriginalSender></GreetingResponse></example></tool></tools>"},
            {"role":"user","content":"<Greeting xmlns=\\"\\"><Name>World</Name></Greeting>"}]}""";

    private final TestPlatform platform;
    private final RunningRouter router;

    SimulatedHttpTest(TestPlatform platform) {
        this.platform = platform;
        this.router = RunningRouter.start(platform.settings());
    }

    @AfterAll
    void stop() {
        router.close();
    }

    @Test
    void calls_the_tool_it_is_offered_and_says_that_it_is_simulated() throws Exception {
        HttpResponse<String> response = router.send(router.chat(platform.acmeKey, GREETER));
        JsonNode body = json(response);
        assertThat(body.at("/choices/0/message/content").asString())
                .isEqualTo("<GreetingResponse xmlns=\"\"><Message>World</Message><OriginalSender>World</OriginalSender>"
                        + "</GreetingResponse>");
        assertThat(response.headers().firstValue("x-agentserver-provider")).contains("simulated");
        assertThat(body.path("model").asString()).isEqualTo("simulated/default");
        assertThat(body.path("system_fingerprint").asString()).isEqualTo("simulated");
    }

    @Test
    void costs_a_little_so_that_a_bill_can_be_seen() throws Exception {
        HttpResponse<String> response = router.send(router.chat(platform.acmeKey, GREETER));
        UsageRecord usage = platform.usageOf(UUID.fromString(
                response.headers().firstValue("x-agentserver-receipt").orElseThrow()));
        assertThat(usage.provider()).isEqualTo("simulated");
        assertThat(usage.estimated()).isFalse();
        assertThat(usage.priceMicrousd()).isEqualTo(usage.inputTokens() + 2 * usage.outputTokens());
        assertThat(json(response).at("/usage/prompt_tokens").asLong()).isEqualTo(usage.inputTokens());
    }

    @Test
    void says_the_same_to_the_same_whole_and_streamed() throws Exception {
        String whole = json(router.send(router.chat(platform.acmeKey, GREETER)))
                .at("/choices/0/message/content")
                .asString();
        String streamed = router.send(
                        router.chat(platform.globexKey, GREETER.replace("{\"model\"", "{\"stream\":true,\"model\"")))
                .body();
        assertThat(ChatHttpTest.said(ChatHttpTest.chunks(streamed))).isEqualTo(whole);
    }

    @Test
    void answers_in_the_shapes_of_openais_own_description() throws Exception {
        JsonNode schemas = OpenAiDescription.schemas();
        JsonNode whole = json(router.send(router.chat(platform.acmeKey, GREETER)));
        assertThat(new OpenAiShape(schemas).faults("CreateChatCompletionResponse", whole))
                .isEmpty();
        String stream = router.send(router.chat(
                        platform.acmeKey,
                        GREETER.replace(
                                "{\"model\"",
                                "{\"stream\":true,\"stream_options\":{\"include_usage\":true},\"model\"")))
                .body();
        List<JsonNode> chunks = ChatHttpTest.chunks(stream);
        assertThat(chunks).isNotEmpty();
        for (JsonNode chunk : chunks) {
            assertThat(new OpenAiShape(schemas).faults("CreateChatCompletionStreamResponse", chunk))
                    .isEmpty();
        }
        JsonNode error = json(router.send(router.chat(platform.acmeKey, "{}")));
        assertThat(new OpenAiShape(schemas).faults("ErrorResponse", error)).isEmpty();
        JsonNode models =
                json(router.send(router.request("/v1/models").header("Authorization", "Bearer " + platform.acmeKey)));
        assertThat(new OpenAiShape(schemas).faults("ListModelsResponse", models))
                .isEmpty();
        JsonNode embeddings = json(router.send(
                router.post("/v1/embeddings", platform.acmeKey, "{\"model\":\"default\",\"input\":[\"a\",\"b\"]}")));
        assertThat(new OpenAiShape(schemas).faults("CreateEmbeddingResponse", embeddings))
                .isEmpty();
        String tools = "{\"model\":\"default\",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}}],"
                + "\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}";
        JsonNode calls = json(router.send(router.chat(platform.acmeKey, tools)));
        assertThat(calls.at("/choices/0/message/tool_calls/0/function/name").asString(""))
                .isEqualTo("f");
        assertThat(new OpenAiShape(schemas).faults("CreateChatCompletionResponse", calls))
                .isEmpty();
        // the checker itself can fail
        assertThat(new OpenAiShape(schemas).faults("CreateChatCompletionResponse", error))
                .isNotEmpty();
    }
}
