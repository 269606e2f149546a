package io.agentserver.router;

import io.agentserver.envelope.Ids;
import io.agentserver.usage.UsageRecord;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;

import static io.agentserver.router.RunningRouter.json;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Anthropic's shape over HTTP, from clients and to providers, with the usage on a real log. */
@ExtendWith(TestPlatform.Extension.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class AnthropicHttpTest {
    private final TestPlatform platform;
    private final ProviderDouble claude = new ProviderDouble();
    private final ProviderDouble pool = new ProviderDouble();
    private final RunningRouter router;

    AnthropicHttpTest(TestPlatform platform) throws IOException {
        this.platform = platform;
        this.router = TwoShapes.router(platform, claude, pool);
    }

    @AfterAll
    void stop() {
        router.close();
        claude.close();
        pool.close();
    }

    @BeforeEach
    void bothAreWell() {
        claude.behave(Scripted.anthropic());
        pool.behave(Scripted.openAi());
    }

    @Test
    void hands_all_of_an_anthropic_request_on_to_a_provider_that_speaks_it() throws Exception {
        HttpResponse<String> response = router.send(router.post("/v1/messages", platform.acmeKey, """
                        {"model":"default","max_tokens":7,"top_k":3,"x_new":{"a":[1]},
                        "system":[{"type":"text","text":"Be kind.","cache_control":{"type":"ephemeral"}}],
                        "messages":[{"role":"user","content":"How are you?"}]}""")
                .header("anthropic-version", "2023-06-01")
                .header("anthropic-beta", "interleaved-thinking-2025-05-14"));
        assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
        ProviderDouble.Received received = claude.received.getFirst();
        assertThat(received.path()).isEqualTo("/v1/messages");
        assertThat(received.header("x-api-key")).isEqualTo("sk-claude");
        assertThat(received.header("anthropic-beta")).isEqualTo("interleaved-thinking-2025-05-14");
        JsonNode body = received.body();
        assertThat(body.at("/system/0/cache_control/type").asString("")).isEqualTo("ephemeral");
        assertThat(body.at("/x_new/a/0").asInt()).isEqualTo(1);
        assertThat(body.path("top_k").asInt()).isEqualTo(3);
        assertThat(body.path("model").asString()).isEqualTo("c-1");
        assertThat(body.path("max_tokens").asInt()).isEqualTo(7);
    }

    @Test
    void charges_what_is_read_from_and_written_to_the_cache_at_its_own_price() throws Exception {
        HttpResponse<String> response = ask("claude/c-1", "How are you?");
        JsonNode usage = json(response).path("usage");
        assertThat(usage.path("input_tokens").asInt()).isEqualTo(50);
        assertThat(usage.path("cache_creation_input_tokens").asInt()).isEqualTo(10);
        assertThat(usage.path("cache_read_input_tokens").asInt()).isEqualTo(40);
        assertThat(usage.path("service_tier").asString("")).isEqualTo("standard");
        UsageRecord record = platform.usageOf(receipt(response));
        assertThat(List.of(record.inputTokens(), record.cachedInputTokens(), record.outputTokens()))
                .containsExactly(100L, 40L, 20L);
        assertThat(record.estimated()).isFalse();
        // 50 × 1 + 40 × 0.1 + 10 × 1.25 + 20 × 5 = 166.5 micro-USD
        assertThat(record.priceMicrousd()).isEqualTo(167);
        assertThat(json(response).at("/agentserver/cost").asLong()).isEqualTo(167);
    }

    @Test
    void puts_an_anthropic_request_into_openais_shape_and_the_answer_back() throws Exception {
        HttpResponse<String> response = send("""
                {"model":"pool/m-1","max_tokens":9,"top_k":3,"stop_sequences":["END"],"x_new":1,
                "metadata":{"user_id":"u-1"},"system":"Be kind.","thinking":{"type":"enabled","budget_tokens":1024},
                "tools":[{"name":"get_weather","description":"d","input_schema":{"type":"object"}}],
                "tool_choice":{"type":"any","disable_parallel_tool_use":true},
                "messages":[{"role":"user","content":"What is the weather?"},
                {"role":"assistant","content":[{"type":"thinking","thinking":"x","signature":"s"},
                {"type":"text","text":"Let me look."},{"type":"tool_use","id":"t1","name":"get_weather","input":{"city":"Rome"}}]},
                {"role":"user","content":[{"type":"text","text":"And now the weather?"},
                {"type":"tool_result","tool_use_id":"t1","is_error":true,"content":[{"type":"text","text":"no wind"}]}]}]}""");
        assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
        JsonNode asked = pool.received.getFirst().body();
        assertThat(asked.path("max_tokens").asInt()).isEqualTo(9);
        assertThat(asked.at("/stop/0").asString("")).isEqualTo("END");
        assertThat(asked.path("user").asString("")).isEqualTo("u-1");
        assertThat(asked.path("x_new").asInt()).isEqualTo(1);
        assertThat(asked.path("tool_choice").asString("")).isEqualTo("required");
        assertThat(asked.path("parallel_tool_calls").asBoolean(true)).isFalse();
        assertThat(asked.at("/tools/0/function/parameters/type").asString("")).isEqualTo("object");
        assertThat(asked.has("thinking") || asked.has("system") || asked.has("metadata"))
                .isFalse();
        assertThat(Json.text(asked.path("messages"))).isEqualTo(Json.text(Json.read("""
                [{"role":"system","content":"Be kind."},{"role":"user","content":"What is the weather?"},
                {"role":"assistant","content":"Let me look.","tool_calls":[{"id":"t1","type":"function",
                "function":{"name":"get_weather","arguments":"{\\"city\\":\\"Rome\\"}"}}]},
                {"role":"tool","tool_call_id":"t1","content":"error: no wind"},
                {"role":"user","content":"And now the weather?"}]""")));
        JsonNode message = json(response);
        assertThat(message.path("stop_reason").asString("")).isEqualTo("tool_use");
        assertThat(message.at("/content/0/input/city").asString("")).isEqualTo("Paris");
        assertThat(message.at("/usage/input_tokens").asInt()).isEqualTo(60);
    }

    @Test
    void puts_an_openai_request_into_anthropics_shape() throws Exception {
        HttpResponse<String> response = router.send(router.chat(platform.acmeKey, """
                {"model":"claude/c-1","max_completion_tokens":9,"temperature":1.5,"seed":4,"stop":"END","user":"u-1",
                "x_new":1,"parallel_tool_calls":false,"presence_penalty":0.5,
                "tools":[{"type":"function","function":{"name":"get_weather","parameters":{"type":"object"}}}],
                "response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"type":"object"}}},
                "messages":[{"role":"system","content":"Be kind."},{"role":"user","name":"anna","content":"Hello"},
                {"role":"assistant","content":null,"tool_calls":[
                {"id":"t1","type":"function","function":{"name":"get_weather","arguments":"{\\"city\\":\\"Rome\\"}"}},
                {"id":"t2","type":"function","function":{"name":"get_weather","arguments":""}}]},
                {"role":"tool","tool_call_id":"t1","content":"sunny"},
                {"role":"tool","tool_call_id":"t2","content":"rain"},
                {"role":"user","content":"So?"}]}"""));
        assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
        JsonNode asked = claude.received.getFirst().body();
        assertThat(Json.text(asked)).isEqualTo(Json.text(Json.read("""
                {"x_new":1,"system":[{"type":"text","text":"Be kind."}],"messages":[
                {"role":"user","content":[{"type":"text","text":"anna:"},{"type":"text","text":"Hello"}]},
                {"role":"assistant","content":[
                {"type":"tool_use","id":"t1","name":"get_weather","input":{"city":"Rome"}},
                {"type":"tool_use","id":"t2","name":"get_weather","input":{}}]},
                {"role":"user","content":[
                {"type":"tool_result","tool_use_id":"t1","content":[{"type":"text","text":"sunny"}]},
                {"type":"tool_result","tool_use_id":"t2","content":[{"type":"text","text":"rain"}]},
                {"type":"text","text":"So?"}]}],
                "temperature":1.0,"stop_sequences":["END"],"metadata":{"user_id":"u-1"},
                "tools":[{"name":"get_weather","input_schema":{"type":"object"}}],
                "tool_choice":{"type":"auto","disable_parallel_tool_use":true},
                "output_config":{"format":{"type":"json_schema","schema":{"type":"object"}}},
                "model":"c-1","max_tokens":9,"stream":true}""")));
        assertThat(json(response).at("/choices/0/message/content").asString("")).isEqualTo("It is rain.");
    }

    @Test
    void gives_an_openai_client_the_thoughts_that_it_has_to_send_back() throws Exception {
        String thinking = "{\"model\":\"claude/c-1\",\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":1024},"
                + "\"messages\":[{\"role\":\"user\",\"content\":\"Please think.\"}]}";
        JsonNode message =
                json(router.send(router.chat(platform.acmeKey, thinking))).at("/choices/0/message");
        assertThat(message.path("reasoning_content").asString("")).isEqualTo("Hm.");
        assertThat(message.at("/thinking_blocks/0/signature").asString("")).isEqualTo("sig-1");
        String back = "{\"model\":\"claude/c-1\",\"messages\":[{\"role\":\"user\",\"content\":\"Please think.\"},"
                + Json.text(message) + ",{\"role\":\"user\",\"content\":\"How are you?\"}]}";
        assertThat(router.send(router.chat(platform.acmeKey, back)).statusCode())
                .isEqualTo(200);
        assertThat(claude.received.getLast().body().at("/messages/1/content/0"))
                .isEqualTo(Json.read("{\"type\":\"thinking\",\"thinking\":\"Hm.\",\"signature\":\"sig-1\"}"));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "'\"mcp_servers\":[{\"url\":\"http://x\"}]' | mcp_servers",
                "'\"tools\":[{\"type\":\"web_search_20250305\",\"name\":\"web_search\"}]' | tools",
                "'\"inference_geo\":\"us\"' | inference_geo",
                "'\"speed\":\"fast\"' | speed",
                "'\"cache_control\":{\"type\":\"ephemeral\",\"ttl\":\"1h\"}' | cache_control",
                "'\"web_search_options\":{}' | web_search_options",
                "'\"max_tokens\":0' | max_tokens",
                "'\"n\":2' | n",
                "'\"system\":[{\"type\":\"document\",\"source\":{}}]' | messages"
            })
    void refuses_in_both_directions_what_has_no_price(String member, String named) throws Exception {
        String name = member.startsWith("\"max_tokens\"") ? "" : "\"max_tokens\":5,";
        HttpResponse<String> response = send("{\"model\":\"default\"," + name + member
                + ",\"messages\":[{\"role\":\"user\",\"content\":\"How are you?\"}]}");
        assertThat(response.statusCode()).as(response.body()).isEqualTo(400);
        assertThat(json(response).at("/error/type").asString("")).isEqualTo("invalid_request_error");
        assertThat(json(response).at("/error/message").asString("")).startsWith(named);
        if (named.equals("mcp_servers") || named.equals("speed") || named.equals("inference_geo")) {
            HttpResponse<String> other = router.send(router.chat(
                    platform.acmeKey,
                    "{\"model\":\"claude/c-1\"," + member
                            + ",\"messages\":[{\"role\":\"user\",\"content\":\"How are you?\"}]}"));
            assertThat(other.statusCode()).as(other.body()).isEqualTo(400);
        }
        assertThat(claude.received).isEmpty();
    }

    @Test
    void refuses_a_beta_whose_price_is_not_known() throws Exception {
        HttpResponse<String> response =
                router.send(router.post("/v1/messages", platform.acmeKey, asking("default", "How are you?"))
                        .header("anthropic-beta", "context-1m-2025-08-07"));
        assertThat(response.statusCode()).isEqualTo(400);
        assertThat(json(response).at("/error/message").asString("")).contains("<context-1m-2025-08-07>");
    }

    @Test
    void tells_errors_in_anthropics_shape() throws Exception {
        HttpResponse<String> key =
                router.send(router.post("/v1/messages", "as_live_wrong", asking("default", "How are you?")));
        assertThat(key.statusCode()).isEqualTo(401);
        assertThat(json(key).path("type").asString("")).isEqualTo("error");
        assertThat(json(key).at("/error/type").asString("")).isEqualTo("authentication_error");
        assertThat(json(key).path("request_id").asString(""))
                .isEqualTo(key.headers().firstValue("request-id").orElseThrow());
        assertThat(json(ask("nobody/x", "How are you?")).at("/error/type").asString(""))
                .isEqualTo("not_found_error");
        HttpResponse<String> get = router.send(router.request("/v1/messages").header("x-api-key", platform.acmeKey));
        assertThat(get.statusCode()).isEqualTo(405);
        assertThat(json(get).path("type").asString("")).isEqualTo("error");
        claude.behave(ProviderDouble.refuses(500));
        HttpResponse<String> away = ask("claude/c-1", "How are you?");
        assertThat(away.statusCode()).isEqualTo(503);
        assertThat(json(away).at("/error/type").asString("")).isEqualTo("overloaded_error");
        assertThat(away.headers().firstValue("retry-after")).isPresent();
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void another_backend_takes_over_before_the_first_token_whatever_each_speaks(boolean stream) throws Exception {
        for (ProviderDouble.Behaviour fault : List.of(
                ProviderDouble.refuses(529),
                ProviderDouble.streamsEvents(
                        "data: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":1}}}\n\n",
                        "data: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n",
                        "data: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\"}}\n\n"))) {
            claude.behave(fault);
            HttpResponse<String> response =
                    stream ? send(streaming("default", "How are you?")) : ask("default", "How are you?");
            assertThat(response.headers().firstValue("x-agentserver-provider")).contains("pool");
            assertThat(response.body()).contains(", thanks.");
        }
        pool.behave(ProviderDouble.refuses(500));
        claude.behave(Scripted.anthropic());
        String chat = RunningRouter.asking("turned");
        HttpResponse<String> response =
                router.send(router.chat(platform.acmeKey, stream ? RunningRouter.streaming("turned") : chat));
        assertThat(response.headers().firstValue("x-agentserver-provider")).contains("claude");
        assertThat(response.body()).contains(", thanks.");
    }

    @Test
    void streams_the_events_in_anthropics_order_from_either() throws Exception {
        for (String model : List.of("claude/c-1", "pool/m-1")) {
            HttpResponse<String> response = send(streaming(model, "How are you?"));
            assertThat(response.headers().firstValue("content-type").orElse("")).startsWith("text/event-stream");
            List<JsonNode> events = ChatHttpTest.chunks(response.body());
            assertThat(events)
                    .extracting(event -> event.path("type").asString(""))
                    .containsExactly(
                            "message_start",
                            "content_block_start",
                            "content_block_delta",
                            "content_block_delta",
                            "content_block_stop",
                            "message_delta",
                            "message_stop");
            assertThat(events.get(5).at("/agentserver/receipt").asString(""))
                    .isEqualTo(receipt(response).toString());
            assertThat(events.get(5).at("/usage/cache_read_input_tokens").asInt())
                    .isEqualTo(40);
            assertThat(response.body().lines().filter(line -> line.startsWith("event: ")))
                    .hasSize(events.size());
        }
    }

    @Test
    void ends_a_broken_stream_with_an_error_event_and_a_broken_connection() throws Exception {
        for (String model : List.of("claude/c-1", "pool/m-1")) {
            HttpResponse<InputStream> response = router.http.send(
                    router.post("/v1/messages", platform.acmeKey, streaming(model, "Please break."))
                            .build(),
                    HttpResponse.BodyHandlers.ofInputStream());
            List<String> lines = new ArrayList<>();
            BufferedReader reader = new BufferedReader(new InputStreamReader(response.body(), StandardCharsets.UTF_8));
            assertThatThrownBy(() -> {
                        for (String line = reader.readLine(); line != null; line = reader.readLine()) {
                            lines.add(line);
                        }
                    })
                    .as(model + ": a clean end would pass for a complete answer")
                    .isInstanceOf(IOException.class);
            assertThat(lines).contains("event: error").noneMatch(line -> line.contains("message_stop"));
            UsageRecord usage = platform.usageOf(receipt(response));
            assertThat(usage.estimated()).isTrue();
            assertThat(usage.inputTokens()).isPositive();
        }
    }

    @Test
    void answers_with_the_stub_in_anthropics_shape() throws Exception {
        claude.behave(ProviderDouble.refuses(503));
        HttpResponse<String> response = ask("stubbed", "How are you?");
        assertThat(response.headers().firstValue("x-agentserver-stub")).contains("true");
        assertThat(json(response).at("/content/0/text").asString("")).isEqualTo("Nobody is in.");
        assertThat(json(response).at("/agentserver/stub").asBoolean()).isTrue();
        assertThat(send(streaming("stubbed", "How are you?")).body()).contains("Nobody is in.", "message_stop");
    }

    @Test
    void gives_the_same_answer_again_under_an_idempotency_key_and_not_to_the_other_shape() throws Exception {
        String key = UUID.randomUUID().toString();
        String asked = asking("claude/c-1", "What is the weather?");
        HttpResponse<String> first =
                router.send(router.post("/v1/messages", platform.acmeKey, asked).header("Idempotency-Key", key));
        HttpResponse<String> again =
                router.send(router.post("/v1/messages", platform.acmeKey, asked).header("Idempotency-Key", key));
        assertThat(again.body()).isEqualTo(first.body()).contains("toolu_1");
        assertThat(claude.received).hasSize(1);
        HttpResponse<String> other =
                router.send(router.chat(platform.acmeKey, asked).header("Idempotency-Key", key));
        assertThat(other.statusCode()).isEqualTo(422);
    }

    @Test
    void cancels_the_providers_request_when_the_client_hangs_up_whether_it_streams_or_not() throws Exception {
        for (String path : List.of("/v1/messages", "/v1/chat/completions")) {
            for (boolean stream : new boolean[] {false, true}) {
                for (boolean silent : new boolean[] {false, true}) {
                    pool.behave(silent ? ProviderDouble.thinksUntilCancelled() : ProviderDouble.neverEnds());
                    String asked = stream ? streaming("waiting", "How are you?") : asking("waiting", "How are you?");
                    try (HangingUp client = HangingUp.post(router.url(), path, platform.acmeKey, asked)) {
                        pool.awaitRequest();
                        client.hangUp();
                        assertThat(pool.isCancelledWithin(1))
                                .as(path + ", stream " + stream + ", silent " + silent)
                                .isTrue();
                    }
                }
            }
        }
    }

    /** As some that speak its shape do. */
    @Test
    void counts_what_was_said_where_the_usage_is_that_of_the_beginning() throws Exception {
        claude.behave(ProviderDouble.streamsEvents(
                "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"role\":\"assistant\","
                        + "\"model\":\"c-1\",\"usage\":{\"input_tokens\":100,\"output_tokens\":1}}}\n\n",
                "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,"
                        + "\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n",
                "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,"
                        + "\"delta\":{\"type\":\"text_delta\",\"text\":\"" + "one two ".repeat(1_000) + "\"}}\n\n",
                "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n",
                "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"}}\n\n",
                "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"));
        UsageRecord usage = platform.usageOf(receipt(ask("patient", "How are you?")));
        assertThat(usage.estimated()).isTrue();
        assertThat(usage.inputTokens()).isEqualTo(100);
        assertThat(usage.outputTokens()).isBetween(1_900L, 2_100L);
    }

    /** Anthropic says at the beginning what the prompt comes to. */
    @Test
    void bills_the_prompt_as_the_provider_counts_it_when_the_client_hangs_up_before_the_first_token() throws Exception {
        claude.behave(ProviderDouble.fallsSilentAfterEvents("""
                event: message_start
                data: {"type":"message_start","message":{"id":"msg_1","role":"assistant","model":"c-1",\
                "usage":{"input_tokens":70000,"cache_read_input_tokens":30000,"output_tokens":1}}}

                """));
        for (String path : List.of("/v1/messages", "/v1/chat/completions")) {
            String thread = Ids.v7().toString();
            Map<String, String> headers = Map.of("x-api-key", platform.acmeKey, "x-agentserver-thread", thread);
            // so long that as many tokens are believed
            String asked = streaming("patient", "How are you? ".repeat(2_000));
            try (HangingUp client = HangingUp.post(router.url(), path, headers, asked)) {
                claude.awaitRequest();
                client.hangUp();
            }
            UsageRecord usage = Awaitility.await()
                    .until(() -> platform.usageOfThread(thread), records -> !records.isEmpty())
                    .getFirst();
            assertThat(usage.estimated()).isTrue();
            assertThat(usage.inputTokens()).isEqualTo(100_000);
            assertThat(usage.cachedInputTokens()).isEqualTo(30_000);
            assertThat(usage.outputTokens()).isLessThanOrEqualTo(1);
        }
    }

    private HttpResponse<String> ask(String model, String question) throws IOException, InterruptedException {
        return send(asking(model, question));
    }

    private HttpResponse<String> send(String body) throws IOException, InterruptedException {
        return router.send(router.post("/v1/messages", platform.acmeKey, body));
    }

    private static String asking(String model, String question) {
        return "{\"model\":\"" + model + "\",\"max_tokens\":100,\"messages\":[{\"role\":\"user\",\"content\":\""
                + question + "\"}]}";
    }

    private static String streaming(String model, String question) {
        return asking(model, question).replaceFirst("\\{", "{\"stream\":true,");
    }

    private static UUID receipt(HttpResponse<?> response) {
        return UUID.fromString(
                response.headers().firstValue("x-agentserver-receipt").orElse(""));
    }
}
