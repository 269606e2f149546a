package io.agentserver.router;

import io.agentserver.usage.UsageRecord;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;
import tools.jackson.databind.JsonNode;

import java.io.IOException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

import static io.agentserver.router.RunningRouter.json;
import static io.agentserver.router.TestPlatform.HOOLI;
import static io.agentserver.router.TestPlatform.INITECH;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

/** Which answers are kept, for whom, and what they cost; two routers with one Redis. Each test asks what no other does. */
@ExtendWith(TestPlatform.Extension.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class CacheHttpTest {
    private final TestPlatform platform;
    private final ProviderDouble provider = new ProviderDouble();
    private final RunningRouter router;
    private final RunningRouter other;
    private String question = "";

    CacheHttpTest(TestPlatform platform) throws IOException {
        this.platform = platform;
        Map<String, String> settings = platform.settings();
        settings.put("llm-router.cache", "1h");
        settings.put("llm-router.cache-answer", "2KB");
        settings.put(
                "AGENTSERVER_LLM_ROUTES",
                platform.write("cache-routes.yaml", """
                providers:
                  - {name: pool, url: "%s", breaker: {window: 1000}, price: {input: 1000000, output: 3000000}}
                routes:
                  default: {chain: [pool/m1]}
                  same: {chain: [pool/m1]}
                  another: {chain: [pool/m2]}
                  dear: {chain: [pool/m1], hit_price: 7}
                  never: {chain: [pool/m1], cache: off}
                  simulated: {chain: [simulated/default]}
                  kept: {chain: [simulated/default], cache: 60m}
                  stub: {chain: [pool/m1], stub: Nobody is in., first_token: 500ms}
                """.formatted(provider.url()))
                        .toString());
        router = RunningRouter.start(settings);
        other = RunningRouter.start(settings);
    }

    @AfterAll
    void stop() {
        router.close();
        other.close();
        provider.close();
    }

    @BeforeEach
    void begin() {
        question = UUID.randomUUID().toString();
        provider.behave(ProviderDouble.streams("Fine", ", thanks."));
        platform.loseCredit(INITECH);
        platform.openCredit(INITECH, 1_000_000);
    }

    @Test
    void gives_the_same_answer_again_under_a_receipt_of_its_own_and_for_nothing() throws Exception {
        HttpResponse<String> first = ask(router, body("default"));
        assertThat(header(first, "x-agentserver-cache")).isEqualTo("miss");
        HttpResponse<String> second = awaitHit(other, body("same"));
        assertThat(provider.received).hasSize(1);
        assertThat(json(second).at("/choices")).isEqualTo(json(first).at("/choices"));
        assertThat(json(second).at("/usage")).isEqualTo(json(first).at("/usage"));
        assertThat(json(second).at("/agentserver/cost").asLong()).isZero();
        assertThat(json(second).at("/agentserver/cached").asBoolean()).isTrue();
        assertThat(header(second, "x-agentserver-model")).isEqualTo("pool/m1");
        assertThat(header(second, "x-agentserver-attempts")).isEqualTo("0");
        assertThat(header(second, "x-agentserver-receipt")).isNotEqualTo(header(first, "x-agentserver-receipt"));
        UsageRecord usage = usage(second);
        assertThat(usage.cacheHit()).isTrue();
        assertThat(usage.priceMicrousd() + usage.costMicrousd() + usage.inputTokens() + usage.outputTokens())
                .isZero();
        assertThat(usage.route()).isEqualTo("same");
        long cost = json(first).at("/agentserver/cost").asLong();
        await().until(() -> platform.available(INITECH) == 1_000_000 - cost);
    }

    @Test
    void gives_it_to_a_client_that_streams_too_and_in_the_other_shape_not() throws Exception {
        ask(router, body("default"));
        HttpResponse<String> streamed = awaitHit(
                router,
                body("default").replaceFirst("\\{", "{\"stream\":true,\"stream_options\":{\"include_usage\":true},"));
        assertThat(streamed.body()).contains("Fine, thanks.", "\"cached\":true").endsWith("data: [DONE]\n\n");
        HttpResponse<String> asAnthropic = router.send(router.post(
                "/v1/messages", platform.initechKey, body("default").replaceFirst("\\{", "{\"max_tokens\":4096,")));
        assertThat(header(asAnthropic, "x-agentserver-cache")).isEqualTo("miss");
    }

    @Test
    void gives_nobody_anothers_answer() throws Exception {
        ask(router, body("default"));
        awaitHit(router, body("default"));
        HttpResponse<String> anothers = router.send(router.chat(platform.acmeKey, body("default")));
        assertThat(header(anothers, "x-agentserver-cache")).isEqualTo("miss");
        assertThat(provider.received).hasSize(2);
    }

    @Test
    void asks_again_where_chain_or_request_differ() throws Exception {
        ask(router, body("default"));
        awaitHit(router, body("default"));
        for (String different : List.of(
                body("another"),
                body("default").replaceFirst("\\{", "{\"temperature\":0.5,"),
                body("default").replaceFirst("\\{", "{\"max_tokens\":100,"),
                body("default").replaceFirst("\\{", "{\"x_unknown\":1,"),
                body("default")
                        .replaceFirst("\\{", "{\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}}],"),
                body("default").replace(question, question + " "))) {
            assertThat(header(ask(router, different), "x-agentserver-cache"))
                    .as(different)
                    .isEqualTo("miss");
        }
    }

    @Test
    void does_as_cache_control_says() throws Exception {
        assertThat(header(ask(router, body("default"), "no-store"), "x-agentserver-cache"))
                .isEqualTo("bypass");
        assertThat(header(ask(router, body("default")), "x-agentserver-cache"))
                .as("it was not kept")
                .isEqualTo("miss");
        awaitHit(router, body("default"));
        provider.behave(ProviderDouble.streams("Better."));
        assertThat(header(ask(router, body("default"), "max-age=0, no-cache"), "x-agentserver-cache"))
                .isEqualTo("bypass");
        assertThat(provider.received).hasSize(1);
        await().untilAsserted(() -> assertThat(awaitHit(router, body("default")).body())
                .as("the new one is kept")
                .contains("Better."));
    }

    @Test
    void keeps_nothing_where_a_route_says_so() throws Exception {
        for (int i = 0; i < 2; i++) {
            assertThat(header(ask(router, body("never")), "x-agentserver-cache"))
                    .isEqualTo("bypass");
        }
    }

    @Test
    void keeps_what_simulated_models_say_only_where_a_route_asks_for_it() throws Exception {
        for (int i = 0; i < 2; i++) {
            assertThat(header(ask(router, body("simulated")), "x-agentserver-cache"))
                    .isEqualTo("bypass");
        }
        assertThat(header(ask(router, body("kept")), "x-agentserver-cache")).isEqualTo("miss");
        awaitHit(router, body("kept"));
    }

    @Test
    void keeps_no_tool_calls_no_stubs_nothing_cut_nothing_broken_and_nothing_too_large() throws Exception {
        ProviderDouble.Behaviour tools = ProviderDouble.streamsEvents(
                ProviderDouble.data(
                        "{\"tool_calls\":[{\"index\":0,\"id\":\"t\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]}",
                        "\"tool_calls\""),
                "data: [DONE]\n\n");
        ProviderDouble.Behaviour cut = ProviderDouble.streamsEvents(
                ProviderDouble.chunk("Fi"), ProviderDouble.data("{}", "\"length\""), "data: [DONE]\n\n");
        for (ProviderDouble.Behaviour behaviour : List.of(
                tools,
                cut,
                ProviderDouble.breaksAfter("Fi"),
                ProviderDouble.refuses(500),
                ProviderDouble.streams("x".repeat(3_000)))) {
            begin();
            provider.behave(behaviour);
            ask(router, body("stub"));
            ask(router, body("stub"));
            assertThat(provider.received).hasSize(2);
        }
    }

    @Test
    void takes_the_hit_price_of_the_route() throws Exception {
        long cost = json(ask(router, body("default"))).at("/agentserver/cost").asLong();
        HttpResponse<String> hit = awaitHit(router, body("dear"));
        assertThat(json(hit).at("/agentserver/cost").asLong()).isEqualTo(7);
        assertThat(usage(hit).priceMicrousd()).isEqualTo(7);
        assertThat(usage(hit).costMicrousd()).isZero();
        await().until(() -> platform.available(INITECH) == 1_000_000 - cost - 7);
    }

    @Test
    void needs_credit_for_a_hit_too() throws Exception {
        ask(router, body("default"));
        awaitHit(router, body("default"));
        platform.loseCredit(INITECH);
        platform.openCredit(INITECH, 0);
        assertThat(ask(router, body("default")).statusCode()).isEqualTo(402);
    }

    @Test
    void counts_a_hit_as_a_request_without_tokens() throws Exception {
        platform.loseCredit(HOOLI);
        platform.openCredit(HOOLI, 1_000_000);
        String small = body("default").replaceFirst("\\{", "{\"max_tokens\":10,");
        router.send(router.chat(platform.hooliKey, small));
        await().until(() -> platform.running(HOOLI) == 0);
        HttpResponse<String> hit = router.send(router.chat(platform.hooliKey, small));
        assertThat(header(hit, "x-agentserver-cache")).isEqualTo("hit");
        assertThat(header(hit, "x-ratelimit-remaining-requests")).isEqualTo("3");
        assertThat(header(hit, "x-ratelimit-remaining-tokens")).isEqualTo("880");
    }

    @Test
    void asks_a_provider_once_for_calls_that_come_together_at_any_router() throws Exception {
        CountDownLatch goOn = new CountDownLatch(1);
        provider.behave((exchange, self) -> {
            goOn.await(60, TimeUnit.SECONDS);
            ProviderDouble.streams("Fine", ", thanks.").answer(exchange, self);
        });
        List<CompletableFuture<HttpResponse<String>>> calls = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            calls.add(send(i % 2 == 0 ? router : other, body("default")));
            if (i == 0) {
                provider.awaitRequest();
            }
        }
        goOn.countDown();
        for (CompletableFuture<HttpResponse<String>> call : calls) {
            assertThat(call.join().body()).contains("Fine, thanks.");
        }
        assertThat(provider.received).hasSize(1);
        assertThat(calls.stream().map(call -> header(call.join(), "x-agentserver-cache")))
                .containsOnlyOnce("miss")
                .filteredOn(how -> how.equals("hit"))
                .hasSize(19);
    }

    @Test
    void has_each_ask_for_itself_when_the_first_has_got_nothing_that_can_be_kept() throws Exception {
        CountDownLatch goOn = new CountDownLatch(1);
        provider.behave((exchange, self) -> {
            goOn.await(60, TimeUnit.SECONDS);
            ProviderDouble.refuses(500).answer(exchange, self);
        });
        List<CompletableFuture<HttpResponse<String>>> calls = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            calls.add(send(router, body("default")));
            if (i == 0) {
                provider.awaitRequest();
            }
        }
        goOn.countDown();
        calls.forEach(call -> assertThat(call.join().statusCode()).isEqualTo(503));
        assertThat(provider.received).hasSize(5);
    }

    @Test
    void counts_by_tenant_and_route() throws Exception {
        ask(router, body("same"));
        awaitHit(router, body("same"));
        assertThat(router.management("/actuator/prometheus").body())
                .contains(
                        "agentserver_llm_cache_total{outcome=\"hit\",route=\"same\",tenant=\"initech\"}",
                        "agentserver_llm_cache_total{outcome=\"miss\",route=\"same\",tenant=\"initech\"}",
                        "agentserver_llm_cache_saved_microusd_total{tenant=\"initech\"}");
    }

    /** An answer is kept when its client has it already, which nobody waits for. */
    private HttpResponse<String> awaitHit(RunningRouter at, String body) {
        return await().until(
                        () -> ask(at, body),
                        answer -> header(answer, "x-agentserver-cache").equals("hit"));
    }

    private HttpResponse<String> ask(RunningRouter at, String body) throws IOException, InterruptedException {
        return at.send(at.chat(platform.initechKey, body));
    }

    private HttpResponse<String> ask(RunningRouter at, String body, String cacheControl)
            throws IOException, InterruptedException {
        return at.send(at.chat(platform.initechKey, body).header("Cache-Control", cacheControl));
    }

    private CompletableFuture<HttpResponse<String>> send(RunningRouter at, String body) {
        HttpRequest request = at.chat(platform.initechKey, body).build();
        return at.http.sendAsync(request, HttpResponse.BodyHandlers.ofString());
    }

    private UsageRecord usage(HttpResponse<String> answer) {
        return platform.usageOf(UUID.fromString(header(answer, "x-agentserver-receipt")));
    }

    private static String header(HttpResponse<?> answer, String name) {
        return answer.headers().firstValue(name).orElse("");
    }

    private String body(String model) {
        JsonNode text = Json.read("\"" + question + "\"");
        return "{\"model\":\"" + model + "\",\"messages\":[{\"role\":\"user\",\"content\":" + text + "}]}";
    }
}
