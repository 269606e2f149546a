package io.agentserver.router;

import io.agentserver.envelope.Ids;
import io.agentserver.service.ServiceTokens;
import io.agentserver.usage.UsageRecord;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.Stream;

import static io.agentserver.router.RunningRouter.asking;
import static io.agentserver.router.RunningRouter.json;
import static io.agentserver.router.RunningRouter.streaming;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** The router over HTTP, between two providers that behave in every way, with the usage on a real log. */
@ExtendWith(TestPlatform.Extension.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ChatHttpTest {
    private static final String ROLE = ProviderDouble.data("{\"role\":\"assistant\"}", "null");

    private final TestPlatform platform;
    private final ProviderDouble first = new ProviderDouble();
    private final ProviderDouble second = new ProviderDouble();
    private final RunningRouter router;

    ChatHttpTest(TestPlatform platform) throws IOException {
        this.platform = platform;
        String routes = """
                providers:
                  - {name: first, url: "%s", breaker: {window: 1000}, key_env: FIRST_KEY, price: {input: 1000000, cached_input: 100000, output: 3000000}}
                  - {name: second, url: "%s", breaker: {window: 1000}, cap: max_completion_tokens, price: free}
                  - {name: nowhere, url: "http://127.0.0.1:1/v1", price: free}
                routes:
                  default: {chain: [first/m1, second/m2], stub: Nobody is in., first_token: 400ms, silence: 500ms}
                  strict: {chain: [first/m1, nowhere/m], first_token: 400ms}
                  patient: {chain: [first/m1], silence: 60s}
                  hasty: {chain: [first/m1], total: 600ms}
                """.formatted(first.url(), second.url());
        Map<String, String> settings = platform.settings();
        settings.put(
                "AGENTSERVER_LLM_ROUTES",
                platform.write("chat-routes.yaml", routes).toString());
        settings.put("FIRST_KEY", "sk-first");
        router = RunningRouter.start(settings);
    }

    @AfterAll
    void stop() {
        router.close();
        first.close();
        second.close();
    }

    @BeforeEach
    void bothAreWell() {
        first.behave(ProviderDouble.streams("Fine", ", thanks."));
        second.behave(ProviderDouble.streams("Second", " here."));
    }

    @Test
    void answers_with_the_first_backends_answer_and_says_whose_it_is() throws Exception {
        HttpResponse<String> response = ask("default");
        assertThat(response.statusCode()).isEqualTo(200);
        JsonNode body = json(response);
        assertThat(content(body)).isEqualTo("Fine, thanks.");
        assertThat(body.path("object").asString()).isEqualTo("chat.completion");
        assertThat(body.path("x_unknown").asString("")).isEqualTo("kept");
        assertThat(body.at("/choices/0/finish_reason").asString()).isEqualTo("stop");
        assertThat(body.at("/usage/total_tokens").asInt()).isEqualTo(120);
        assertThat(header(response, "x-agentserver-provider")).isEqualTo("first");
        assertThat(header(response, "x-agentserver-model")).isEqualTo("first/m1");
        assertThat(header(response, "x-agentserver-attempts")).isEqualTo("1");
        assertThat(header(response, "x-agentserver-cache")).isEqualTo("bypass");
        assertThat(response.headers().firstValue("x-agentserver-stub")).isEmpty();
        assertThat(body.at("/agentserver/receipt").asString()).isEqualTo(header(response, "x-agentserver-receipt"));
        assertThat(body.at("/agentserver/provider").asString()).isEqualTo("first");
        // 60 × 1 + 40 × 0.1 + 20 × 3 micro-USD
        assertThat(body.at("/agentserver/cost").asLong()).isEqualTo(124);
        assertThat(second.received).isEmpty();
    }

    @Test
    void records_the_providers_own_count_with_its_price_and_the_listener_it_was_for() throws Exception {
        String thread = "0199c0de-7a11-7000-8000-000000000001";
        String pump = platform.serviceToken(TestPlatform.ACME, ServiceTokens.LLM_CALL);
        HttpResponse<String> response = router.send(router.chat(pump, asking("default"))
                .header("x-agentserver-conversation", thread)
                .header("x-agentserver-thread", thread)
                .header("x-agentserver-message", "0199c0de-7a11-7000-8000-000000000002")
                .header("x-agentserver-listener", "greeter"));
        UsageRecord usage = platform.usageOf(receipt(response));
        assertThat(usage.tenant()).isEqualTo("acme");
        assertThat(usage.route()).isEqualTo("default");
        assertThat(usage.provider()).isEqualTo("first");
        assertThat(usage.model()).isEqualTo("m1");
        assertThat(List.of(usage.inputTokens(), usage.cachedInputTokens(), usage.outputTokens()))
                .containsExactly(100L, 40L, 20L);
        assertThat(usage.estimated()).isFalse();
        assertThat(usage.stub()).isFalse();
        assertThat(usage.priceMicrousd()).isEqualTo(124);
        assertThat(usage.costMicrousd()).isEqualTo(124);
        assertThat(usage.thread()).isEqualTo(thread);
        assertThat(usage.conversation()).isEqualTo(thread);
        assertThat(usage.message()).isEqualTo("0199c0de-7a11-7000-8000-000000000002");
        assertThat(usage.listener()).isEqualTo("greeter");
    }

    /** Usage has a line for each listener and day: whoever may name any could make as many as there are names. */
    @Test
    void believes_another_service_alone_which_listener_a_call_is_for() throws Exception {
        HttpResponse<String> response = router.send(
                router.chat(platform.acmeKey, asking("default")).header("x-agentserver-listener", "greeter"));
        assertThat(platform.usageOf(receipt(response)).listener()).isNull();
    }

    @Test
    void hands_unknown_members_and_the_trace_on_to_the_provider_with_its_own_key_and_model() throws Exception {
        String body = asking("default").replace("{\"model\"", "{\"frobnicate\":{\"depth\":[1,2]},\"model\"");
        router.send(router.chat(platform.acmeKey, body)
                .header("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"));
        ProviderDouble.Received received = first.received.getFirst();
        assertThat(received.body().at("/frobnicate/depth/1").asInt()).isEqualTo(2);
        assertThat(received.body().path("model").asString()).isEqualTo("m1");
        assertThat(received.body().at("/stream_options/include_usage").asBoolean())
                .isTrue();
        assertThat(received.header("Authorization")).isEqualTo("Bearer sk-first");
        assertThat(received.header("traceparent")).startsWith("00-4bf92f3577b34da6a3ce929d0e0e4736-");
    }

    @Test
    void streams_the_answer_and_ends_with_a_usage_chunk_only_if_asked() throws Exception {
        String body =
                streaming("default").replace("{\"stream\"", "{\"stream_options\":{\"include_usage\":true},\"stream\"");
        List<JsonNode> chunks =
                chunks(router.send(router.chat(platform.acmeKey, body)).body());
        assertThat(said(chunks)).isEqualTo("Fine, thanks.");
        JsonNode last = chunks.getLast();
        assertThat(last.path("choices").isEmpty()).isTrue();
        assertThat(last.at("/usage/completion_tokens").asInt()).isEqualTo(20);
        assertThat(last.at("/agentserver/provider").asString()).isEqualTo("first");
        assertThat(platform.usageOf(
                                UUID.fromString(last.at("/agentserver/receipt").asString()))
                        .priceMicrousd())
                .isEqualTo(last.at("/agentserver/cost").asLong());

        HttpResponse<String> plain = router.send(router.chat(platform.acmeKey, streaming("default")));
        assertThat(plain.headers().firstValue("content-type").orElse("")).startsWith("text/event-stream");
        assertThat(chunks(plain.body())).noneMatch(chunk -> chunk.has("usage"));
        assertThat(plain.body()).endsWith("data: [DONE]\n\n");
    }

    static Stream<Arguments> faultsBeforeTheFirstToken() {
        return Stream.of(
                Arguments.of("500", ProviderDouble.refuses(500)),
                Arguments.of("429", ProviderDouble.refuses(429)),
                Arguments.of("401", ProviderDouble.refuses(401)),
                Arguments.of("hangs", ProviderDouble.hangs()),
                Arguments.of("sends headers and nothing else", ProviderDouble.fallsSilentAfter()),
                Arguments.of("breaks at once", ProviderDouble.breaksAfter()),
                Arguments.of("says it is JSON", ProviderDouble.answersWhole("Internal error")),
                Arguments.of("JSON without an answer", ProviderDouble.answersWhole("{\"choices\":[]}")),
                Arguments.of("an error in its stream", ProviderDouble.streamsEvents("data: {\"error\":{}}\n\n")),
                Arguments.of("no JSON in its stream", ProviderDouble.streamsEvents("data: {oops\n\n")),
                Arguments.of("a byte at a time", ProviderDouble.repeats("x", Duration.ofMillis(100))),
                Arguments.of("an empty stream", ProviderDouble.streamsEvents("data: [DONE]\n\n")));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("faultsBeforeTheFirstToken")
    void asks_the_next_backend_when_the_first_fails_before_its_first_token(String name, ProviderDouble.Behaviour fault)
            throws Exception {
        first.behave(fault);
        HttpResponse<String> whole = ask("default");
        assertThat(content(json(whole))).as(name).isEqualTo("Second here.");
        assertThat(header(whole, "x-agentserver-attempts")).isEqualTo("2");
        HttpResponse<String> stream = router.send(router.chat(platform.acmeKey, streaming("default")));
        assertThat(said(chunks(stream.body()))).as(name).isEqualTo("Second here.");
    }

    @Test
    void answers_with_the_stub_when_the_whole_chain_fails_and_charges_nothing() throws Exception {
        first.behave(ProviderDouble.refuses(503));
        second.behave(ProviderDouble.hangs());
        HttpResponse<String> response = ask("default");
        assertThat(response.statusCode()).isEqualTo(200);
        assertThat(header(response, "x-agentserver-stub")).isEqualTo("true");
        assertThat(json(response).at("/agentserver/stub").asBoolean()).isTrue();
        assertThat(content(json(response))).isEqualTo("Nobody is in.");
        UsageRecord usage = platform.usageOf(receipt(response));
        assertThat(usage.stub()).isTrue();
        assertThat(usage.priceMicrousd()).isZero();

        HttpResponse<String> stream = router.send(router.chat(platform.acmeKey, streaming("default")));
        assertThat(said(chunks(stream.body()))).isEqualTo("Nobody is in.");
        assertThat(stream.body()).endsWith("data: [DONE]\n\n");
    }

    @Test
    void answers_503_when_the_chain_fails_and_the_route_has_no_stub() throws Exception {
        first.behave(ProviderDouble.refuses(500));
        HttpResponse<String> response = ask("strict");
        assertThat(response.statusCode()).isEqualTo(503);
        assertThat(header(response, "Retry-After")).isEqualTo("5");
        assertThat(json(response).at("/error/message").asString())
                .contains("first/m1 answered 500", "nowhere/m cannot be reached")
                .doesNotContain("127.0.0.1");
    }

    @Test
    void tells_the_caller_what_the_provider_finds_wrong_with_the_request_and_asks_nobody_else() throws Exception {
        first.behave(ProviderDouble.refuses(400));
        HttpResponse<String> response = ask("default");
        assertThat(response.statusCode()).isEqualTo(400);
        assertThat(json(response).at("/error/message").asString()).contains("the provider's own words");
        assertThat(second.received).isEmpty();
    }

    static Stream<Arguments> faultsAfterTheFirstToken() {
        return Stream.of(
                Arguments.of("breaks", ProviderDouble.breaksAfter("Half", " an")),
                Arguments.of("falls silent", ProviderDouble.fallsSilentAfter("Half", " an")),
                Arguments.of(
                        "goes on a byte at a time", ProviderDouble.repeats("x", Duration.ofMillis(100), "Half", " an")),
                Arguments.of(
                        "no JSON in its stream",
                        ProviderDouble.streamsEvents(ProviderDouble.chunk("Half an"), "data: {oops\n\n")),
                Arguments.of(
                        "ends without its end",
                        ProviderDouble.streamsEvents(
                                ProviderDouble.chunk("Half an"), ProviderDouble.data("{}", "\"stop\""))),
                Arguments.of(
                        "an error in its stream",
                        ProviderDouble.streamsEvents(
                                ProviderDouble.chunk("Half an"), "data: {\"error\":{\"message\":\"secret\"}}\n\n")));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("faultsAfterTheFirstToken")
    void ends_a_broken_stream_with_an_error_event_and_a_broken_connection_and_bills_what_was_said(
            String name, ProviderDouble.Behaviour fault) throws Exception {
        first.behave(fault);
        HttpResponse<InputStream> response = open(streaming("default"));
        List<String> lines = new ArrayList<>();
        assertThatThrownBy(() -> {
                    BufferedReader reader = reader(response);
                    for (String line = reader.readLine(); line != null; line = reader.readLine()) {
                        lines.add(line);
                    }
                })
                .as(name + ": a clean end would pass for a complete answer")
                .isInstanceOf(IOException.class);
        assertThat(lines)
                .contains("event: error")
                .noneMatch(line -> line.contains("[DONE]") || line.contains("secret"));
        assertThat(second.received).isEmpty();
        UsageRecord usage = platform.usageOf(receipt(response));
        assertThat(usage.estimated()).isTrue();
        assertThat(usage.outputTokens()).isBetween(1L, 5L);
        assertThat(usage.inputTokens()).isPositive();
    }

    @Test
    void bills_what_the_provider_says_of_a_finished_answer_that_breaks_off() throws Exception {
        first.behave(ProviderDouble.endsWithoutDone("Half", " an"));
        HttpResponse<String> response = ask("default");
        assertThat(response.statusCode()).isEqualTo(503);
        UsageRecord usage = platform.usageOf(receipt(response));
        assertThat(usage.estimated()).isFalse();
        assertThat(usage.outputTokens()).isEqualTo(20);
    }

    @Test
    void waits_a_moment_for_the_usage_of_a_finished_answer_whose_client_hangs_up() throws Exception {
        first.behave(ProviderDouble.saysItsUsageAfter(Duration.ofMillis(700), "Half", " an"));
        HttpResponse<InputStream> response = open(streaming("patient"));
        BufferedReader reader = reader(response);
        while (!reader.readLine().contains("\"stop\"")) {
            // until the answer is finished
        }
        response.body().close();
        UsageRecord usage = platform.usageOf(receipt(response));
        assertThat(usage.estimated()).isFalse();
        assertThat(usage.outputTokens()).isEqualTo(20);
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(
            delimiter = '|',
            value = {"'' | 1 | 5", "'\"reasoning_effort\":\"high\",' | 200 | 4096"})
    void bills_what_a_model_can_have_thought_without_showing_it_when_the_client_hangs_up(
            String asking, long least, long most) throws Exception {
        first.behave(ProviderDouble.thinksFor(Duration.ofMillis(1_200), "One"));
        HttpResponse<InputStream> response = open(streaming("patient").replaceFirst("\\{", "{" + asking));
        assertThat(reader(response).readLine()).startsWith("data: ");
        response.body().close();
        assertThat(platform.usageOf(receipt(response)).outputTokens()).isBetween(least, most);
    }

    @Test
    void believes_a_provider_that_says_absurdly_much_up_to_a_limit() throws Exception {
        first.behave(ProviderDouble.streamsEvents(
                ProviderDouble.chunk("One"),
                ProviderDouble.data("{}", "\"stop\""),
                "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":900000000}}\n\n",
                "data: [DONE]\n\n"));
        HttpResponse<String> response = ask("default");
        UsageRecord usage = platform.usageOf(receipt(response));
        assertThat(usage.estimated()).isTrue();
        assertThat(usage.inputTokens()).isEqualTo(10);
        assertThat(usage.outputTokens()).isEqualTo(10 * 4_096 + 1_000);
        assertThat(json(response).at("/usage/completion_tokens").asLong()).isEqualTo(usage.outputTokens());
    }

    @Test
    void tells_every_provider_by_one_name_how_long_an_answer_may_be() throws Exception {
        ask("default");
        assertThat(first.received.getFirst().body().path("max_tokens").asInt()).isEqualTo(4096);
        assertThat(first.received.getFirst().body().has("max_completion_tokens"))
                .isFalse();
        first.behave(ProviderDouble.refuses(500));
        String capped = asking("default").replaceFirst("\\{", "{\"max_completion_tokens\":7,\"max_tokens\":9,");
        router.send(router.chat(platform.acmeKey, capped));
        assertThat(first.received.getFirst().body().path("max_tokens").asInt()).isEqualTo(7);
        assertThat(first.received.getFirst().body().has("max_completion_tokens"))
                .isFalse();
        assertThat(second.received
                        .getFirst()
                        .body()
                        .path("max_completion_tokens")
                        .asInt())
                .isEqualTo(7);
        assertThat(second.received.getFirst().body().has("max_tokens")).isFalse();
    }

    @Test
    void answers_503_to_a_caller_who_does_not_stream_when_the_answer_breaks_off() throws Exception {
        first.behave(ProviderDouble.breaksAfter("Half", " an"));
        HttpResponse<String> response = ask("default");
        assertThat(response.statusCode()).isEqualTo(503);
        assertThat(json(response).at("/error/code").asString()).isEqualTo("provider_broken");
    }

    @Test
    void stops_an_answer_that_goes_on_for_longer_than_the_routes_total_time() throws Exception {
        first.behave(ProviderDouble.neverEnds());
        assertThat(ask("hasty").statusCode()).isEqualTo(503);
        assertThat(first.isCancelledWithin(5)).isTrue();
    }

    @Test
    void cancels_the_providers_request_and_bills_what_was_said_when_the_client_hangs_up() throws Exception {
        first.behave(ProviderDouble.neverEnds());
        HttpResponse<InputStream> response = open(streaming("default"));
        assertThat(reader(response).readLine()).startsWith("data: ");
        response.body().close();
        assertThat(first.isCancelledWithin(1)).isTrue();
        UsageRecord usage = platform.usageOf(receipt(response));
        assertThat(usage.estimated()).isTrue();
        assertThat(usage.outputTokens()).isPositive();
    }

    @Test
    void notices_a_client_that_hangs_up_while_the_model_is_silent() throws Exception {
        first.behave(ProviderDouble.repeats(": thinking\n\n", Duration.ofMillis(20), "One"));
        HttpResponse<InputStream> response = open(streaming("patient"));
        assertThat(reader(response).readLine()).startsWith("data: ");
        response.body().close();
        assertThat(first.isCancelledWithin(1)).isTrue();
        assertThat(platform.usageOf(receipt(response)).estimated()).isTrue();
    }

    static Stream<Arguments> silencesBeforeTheFirstToken() {
        return Stream.of(
                Arguments.of("without a head", ProviderDouble.hangs()),
                Arguments.of("after its head", ProviderDouble.fallsSilentAfter()),
                Arguments.of("after its role", ProviderDouble.fallsSilentAfterEvents(ROLE)),
                Arguments.of("saying nothing all the time", ProviderDouble.repeats(ROLE, Duration.ofMillis(20))));
    }

    /** It may have read the prompt by then, and charges it. */
    @ParameterizedTest(name = "{0}")
    @MethodSource("silencesBeforeTheFirstToken")
    void bills_the_prompt_of_a_client_that_hangs_up_before_the_first_token(
            String name, ProviderDouble.Behaviour silence) throws Exception {
        first.behave(silence);
        for (String body : List.of(streaming("patient"), asking("patient"))) {
            String thread = Ids.v7().toString();
            leaveWhenItIsAsked(body, thread);
            UsageRecord usage = Awaitility.await(name)
                    .atMost(Duration.ofSeconds(4)) // or it is the first token's limit that ends it
                    .until(() -> platform.usageOfThread(thread), records -> !records.isEmpty())
                    .getFirst();
            assertThat(usage.estimated()).isTrue();
            assertThat(usage.inputTokens()).isPositive();
            assertThat(usage.outputTokens()).isZero();
            assertThat(usage.priceMicrousd()).isPositive();
        }
    }

    private void leaveWhenItIsAsked(String body, String thread) throws Exception {
        Map<String, String> headers = Map.of("x-api-key", platform.acmeKey, "x-agentserver-thread", thread);
        try (HangingUp client = HangingUp.post(router.url(), "/v1/chat/completions", headers, body)) {
            first.awaitRequest();
            client.hangUp();
        }
    }

    @ParameterizedTest
    @CsvSource({"0, gave no token ", "20, gave no token within 400 ms"})
    void gives_a_backend_up_that_sends_on_and_on_and_no_token(long pause, String reason) throws Exception {
        first.behave(ProviderDouble.repeats("data: {\"choices\":[]}\n\n", Duration.ofMillis(pause)));
        HttpResponse<String> response = ask("strict");
        assertThat(response.statusCode()).isEqualTo(503);
        assertThat(json(response).at("/error/message").asString()).contains("first/m1 " + reason.strip());
        assertThat(first.isCancelledWithin(5)).isTrue();
    }

    @Test
    void cancels_within_a_second_what_sends_on_and_on_and_no_token_when_the_client_hangs_up() throws Exception {
        first.behave(ProviderDouble.repeats(ROLE, Duration.ofMillis(20)));
        leaveWhenItIsAsked(streaming("patient"), Ids.v7().toString());
        assertThat(first.isCancelledWithin(1)).isTrue();
    }

    @Test
    void counts_the_tokens_itself_when_the_provider_does_not_say_and_marks_them() throws Exception {
        first.behave(ProviderDouble.streamsWithoutUsage("one two three four five six"));
        HttpResponse<String> response = ask("default");
        UsageRecord usage = platform.usageOf(receipt(response));
        assertThat(usage.estimated()).isTrue();
        assertThat(usage.outputTokens()).isBetween(6L, 7L);
        assertThat(json(response).at("/usage/completion_tokens").asLong()).isEqualTo(usage.outputTokens());
        assertThat(json(response).at("/agentserver/estimated").asBoolean()).isTrue();
    }

    @ParameterizedTest(name = "{0} and {1}")
    @CsvSource({"0, 0", "10, 0", "10, 1", "0, 2000"})
    void counts_itself_what_a_provider_says_was_nothing_or_far_too_little(long input, long output) throws Exception {
        first.behave(ProviderDouble.streamsEvents(
                ProviderDouble.chunk("one two ".repeat(1_000)),
                ProviderDouble.data("{}", "\"stop\""),
                "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":" + input + ",\"completion_tokens\":" + output
                        + "}}\n\n",
                "data: [DONE]\n\n"));
        HttpResponse<String> response = ask("default");
        UsageRecord usage = platform.usageOf(receipt(response));
        assertThat(usage.estimated()).isTrue();
        assertThat(usage.inputTokens()).isBetween(5L, 30L);
        assertThat(usage.outputTokens()).isBetween(1_900L, 2_100L);
        assertThat(json(response).at("/usage/completion_tokens").asLong()).isEqualTo(usage.outputTokens());
    }

    @Test
    void understands_a_provider_that_answers_in_one_piece() throws Exception {
        first.behave(ProviderDouble.answersWhole("""
                {"id":"c-2","object":"chat.completion","created":1,"model":"m-1","choices":[{"index":0,
                "message":{"role":"assistant","content":null,"tool_calls":[{"id":"t1","type":"function",
                "function":{"name":"add","arguments":"{\\"a\\":1}"}}]},"finish_reason":"tool_calls"}],
                "usage":{"prompt_tokens":7,"completion_tokens":3,"total_tokens":10}}"""));
        HttpResponse<String> whole = ask("default");
        assertThat(json(whole)
                        .at("/choices/0/message/tool_calls/0/function/name")
                        .asString())
                .isEqualTo("add");
        assertThat(json(whole).at("/choices/0/message/tool_calls/0").has("index"))
                .isFalse();
        assertThat(platform.usageOf(receipt(whole)).inputTokens()).isEqualTo(7);
        List<JsonNode> chunks = chunks(
                router.send(router.chat(platform.acmeKey, streaming("default"))).body());
        assertThat(chunks.getFirst().at("/choices/0/delta/tool_calls/0/index").asInt(-1))
                .isZero();
        assertThat(chunks.getLast().at("/choices/0/finish_reason").asString()).isEqualTo("tool_calls");
    }

    @Test
    void can_be_asked_for_any_model_of_a_provider_and_knows_no_other() throws Exception {
        assertThat(header(ask("second/whatever/it-is"), "x-agentserver-model")).isEqualTo("second/whatever/it-is");
        assertThat(second.received.getFirst().body().path("model").asString()).isEqualTo("whatever/it-is");
        HttpResponse<String> unknown = ask("gpt-4o");
        assertThat(unknown.statusCode()).isEqualTo(404);
        assertThat(json(unknown).at("/error/code").asString()).isEqualTo("model_not_found");
        assertThat(json(unknown).at("/error/message").asString()).contains("<gpt-4o>", "default", "first/…");
    }

    /** By OpenTelemetry's conventions: of each attempt, also of one that another took over from. */
    @Test
    void has_the_meters_of_the_conventions_for_generative_ai() throws Exception {
        first.behave(ProviderDouble.refuses(500));
        ask("default");
        first.behave(ProviderDouble.streams("Fine", "."));
        ask("default");
        first.behave(ProviderDouble.breaksAfter("Half"));
        ask("default");
        ask("first/a-model-of-tomorrow");
        String first = "gen_ai_operation_name=\"chat\",gen_ai_provider_name=\"first\",gen_ai_request_model=\"m1\"";
        Awaitility.await()
                .atMost(Duration.ofSeconds(5))
                .untilAsserted(() -> assertThat(
                                router.management("/actuator/prometheus").body())
                        .containsPattern("gen_ai_client_operation_duration_seconds_count\\{error_type=\"\"," + first
                                + "\\} [1-9]")
                        .containsPattern("gen_ai_client_operation_duration_seconds_count\\{error_type=\"500\"," + first
                                + "\\} [1-9]")
                        .containsPattern("gen_ai_client_operation_duration_seconds_count\\{error_type=\"broken\","
                                + first + "\\} [1-9]")
                        .containsPattern(
                                "gen_ai_client_operation_time_to_first_chunk_seconds_count\\{" + first + "\\} [1-9]")
                        .containsPattern("gen_ai_client_token_usage_bucket\\{" + first
                                + ",gen_ai_token_type=\"input\",le=\"256.0\"\\} [1-9]")
                        .containsPattern(
                                "gen_ai_client_token_usage_sum\\{" + first + ",gen_ai_token_type=\"output\"\\} [1-9]")
                        .contains("gen_ai_request_model=\"other\"")
                        .doesNotContain("a-model-of-tomorrow"));
    }

    @Test
    void counts_calls_and_tokens() throws Exception {
        ask("default");
        Awaitility.await()
                .atMost(Duration.ofSeconds(5))
                .untilAsserted(
                        () -> assertThat(router.management("/actuator/prometheus")
                                        .body())
                                .contains("agentserver_rejected_total{reason=\"forbidden\"}")
                                .containsPattern(
                                        "agentserver_llm_calls_seconds_count\\{model=\"m1\",outcome=\"complete\",provider=\"first\"} [1-9]")
                                .containsPattern(
                                        "agentserver_llm_tokens_total\\{kind=\"cached_input\",model=\"m1\",provider=\"first\",tenant=\"acme\"} [1-9]")
                                .containsPattern(
                                        "agentserver_llm_calls_total\\{model=\"m1\",outcome=\"complete\",provider=\"first\",tenant=\"acme\"} [1-9]")
                                .containsPattern(
                                        "agentserver_llm_cost_microusd_total\\{model=\"m1\",provider=\"first\",tenant=\"acme\"} [1-9]"));
    }

    private HttpResponse<String> ask(String model) throws IOException, InterruptedException {
        return router.send(router.chat(platform.acmeKey, asking(model)));
    }

    private HttpResponse<InputStream> open(String body) throws IOException, InterruptedException {
        return router.http.send(router.chat(platform.acmeKey, body).build(), HttpResponse.BodyHandlers.ofInputStream());
    }

    private static BufferedReader reader(HttpResponse<InputStream> response) {
        return new BufferedReader(new InputStreamReader(response.body(), StandardCharsets.UTF_8));
    }

    private static String header(HttpResponse<?> response, String name) {
        return response.headers().firstValue(name).orElse("");
    }

    private static UUID receipt(HttpResponse<?> response) {
        return UUID.fromString(header(response, "x-agentserver-receipt"));
    }

    private static String content(JsonNode completion) {
        return completion.at("/choices/0/message/content").asString("");
    }

    static List<JsonNode> chunks(String stream) {
        return stream.lines()
                .filter(line -> line.startsWith("data: {"))
                .map(line -> Json.read(line.substring("data: ".length())))
                .toList();
    }

    static String said(List<JsonNode> chunks) {
        StringBuilder said = new StringBuilder();
        chunks.forEach(chunk -> said.append(chunk.at("/choices/0/delta/content").asString("")));
        return said.toString();
    }
}
