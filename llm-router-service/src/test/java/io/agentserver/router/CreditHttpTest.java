package io.agentserver.router;

import io.agentserver.credit.Hold;
import io.agentserver.usage.UsageRecord;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;

import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;

import static io.agentserver.router.RunningRouter.json;
import static io.agentserver.router.TestPlatform.INITECH;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

/** What a call takes of its tenant's credit, and what happens where there is none. */
@ExtendWith(TestPlatform.Extension.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class CreditHttpTest {
    private final TestPlatform platform;
    private final RunningRouter router;
    private final ProviderDouble provider;

    CreditHttpTest(TestPlatform platform) throws IOException {
        this.platform = platform;
        this.provider = new ProviderDouble();
        Map<String, String> settings = platform.settings();
        settings.put("agentserver.llm-router.sweep-every", "200ms");
        settings.put(
                "AGENTSERVER_LLM_ROUTES",
                platform.write("credit-routes.yaml", """
                providers:
                  - {name: pool, url: "%s", breaker: {window: 1000}, price: {input: 1000000, output: 3000000}}
                  - {name: wordy, url: "%s", price: {input: 1000000, output: 3000000, tool_preamble: 300}}
                routes:
                  wordy: {chain: [wordy/m1], max_output: 100}
                  default: {chain: [pool/m1], max_output: 100, stub: Nobody is in., first_token: 500ms}
                  strict: {chain: [pool/m1], max_output: 100}
                """.formatted(provider.url(), provider.url()))
                        .toString());
        router = RunningRouter.start(settings);
    }

    @AfterAll
    void stop() {
        router.close();
        provider.close();
    }

    @BeforeEach
    void begin() {
        platform.loseCredit(INITECH);
        provider.behave(ProviderDouble.streams("Fine", ", thanks."));
    }

    @Test
    void refuses_a_call_that_may_cost_more_than_there_is() throws Exception {
        platform.openCredit(INITECH, 40);
        HttpResponse<String> refused = ask("default", 20);
        assertThat(refused.statusCode()).isEqualTo(402);
        assertThat(json(refused).at("/error/code").asString()).isEqualTo("credit_exhausted");
        assertThat(json(refused).at("/error/message").asString()).contains("40 are left");
        assertThat(platform.available(INITECH)).isEqualTo(40);
        assertThat(ask("default", 1).statusCode()).isEqualTo(200);
    }

    /** It charges that, and the last credit would be overspent each time. */
    @Test
    void holds_what_a_provider_puts_before_a_prompt_with_tools() throws Exception {
        platform.openCredit(INITECH, 1);
        assertThat(mayCost("wordy", "")).isEqualTo(mayCost("strict", ""));
        String tools = "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"add\"}}],";
        assertThat(mayCost("wordy", tools)).isEqualTo(mayCost("strict", tools) + 300);
        assertThat(PriceList.builtIn()
                        .of("anthropic", "claude-haiku-4-5")
                        .orElseThrow()
                        .toolPreamble())
                .isPositive();
    }

    private long mayCost(String route, String members) throws Exception {
        String asked = body(route, 50).replaceFirst("\\{", "{" + members);
        HttpResponse<String> refused = router.send(router.chat(platform.initechKey, asked));
        assertThat(refused.statusCode()).isEqualTo(402);
        return Long.parseLong(json(refused).at("/error/message").asString("").replaceAll("\\D*(\\d+) micro.*", "$1"));
    }

    @Test
    void takes_what_a_call_has_cost_and_gives_the_rest_back() throws Exception {
        platform.openCredit(INITECH, 10_000);
        HttpResponse<String> response = ask("default", 50);
        long cost = json(response).at("/agentserver/cost").asLong();
        assertThat(cost).isPositive();
        await().untilAsserted(() -> assertThat(platform.available(INITECH)).isEqualTo(10_000 - cost));
    }

    @Test
    void lets_one_of_two_spend_the_last_credit() throws Exception {
        platform.openCredit(INITECH, 200);
        provider.behave(ProviderDouble.hangs());
        List<CompletableFuture<HttpResponse<String>>> calls = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            calls.add(router.http.sendAsync(
                    router.chat(platform.initechKey, body("default", 50)).build(),
                    HttpResponse.BodyHandlers.ofString()));
        }
        assertThat(calls.stream().map(call -> call.join().statusCode())).containsExactlyInAnyOrder(200, 402);
    }

    @Test
    void takes_nothing_for_a_stub_or_a_failed_chain() throws Exception {
        platform.openCredit(INITECH, 10_000);
        provider.behave(ProviderDouble.refuses(500));
        assertThat(ask("default", 50).headers().firstValue("x-agentserver-stub"))
                .hasValue("true");
        assertThat(ask("strict", 50).statusCode()).isEqualTo(503);
        await().untilAsserted(() -> assertThat(platform.available(INITECH)).isEqualTo(10_000));
    }

    /** Its provider may charge the prompt: that is the operator's, for the caller has got nothing. */
    @Test
    void takes_nothing_for_a_backend_that_has_begun_its_answer_and_is_given_up_before_a_token() throws Exception {
        platform.openCredit(INITECH, 10_000);
        provider.behave(ProviderDouble.fallsSilentAfter());
        HttpResponse<String> stub = ask("default", 50);
        assertThat(stub.headers().firstValue("x-agentserver-stub")).hasValue("true");
        UUID receipt = UUID.fromString(
                stub.headers().firstValue("x-agentserver-receipt").orElseThrow());
        assertThat(platform.usageOf(receipt).priceMicrousd()).isZero();
        await().untilAsserted(() -> assertThat(platform.available(INITECH)).isEqualTo(10_000));
    }

    @Test
    void calls_no_model_while_the_credit_is_not_known_and_does_when_it_is_opened() throws Exception {
        HttpResponse<String> refused = ask("default", 1);
        assertThat(refused.statusCode()).isEqualTo(503);
        assertThat(refused.headers().firstValue("Retry-After")).isPresent();
        platform.openCredit(INITECH, 10_000);
        assertThat(ask("default", 1).statusCode()).isEqualTo(200);
    }

    @Test
    void makes_an_estimated_record_of_a_hold_whose_router_died() throws Exception {
        platform.openCredit(INITECH, 10_000);
        UUID receipt = UUID.randomUUID();
        UsageRecord atMost = new UsageRecord(
                receipt,
                "initech",
                null,
                null,
                null,
                null,
                "default",
                "pool",
                "m1",
                10,
                0,
                100,
                true,
                false,
                false,
                310,
                310,
                Instant.parse("2026-01-31T08:00:00Z"));
        platform.credit()
                .reserve(
                        INITECH,
                        Hold.of(
                                receipt,
                                310,
                                Duration.ofMillis(1),
                                new String(atMost.toJson(), StandardCharsets.UTF_8)));
        UsageRecord written = platform.usageOf(receipt);
        assertThat(written).isEqualTo(atMost);
        await().untilAsserted(() -> assertThat(platform.available(INITECH)).isEqualTo(9_690));
    }

    @Test
    void puts_its_running_calls_holds_back_when_redis_has_lost_them() throws Exception {
        platform.openCredit(INITECH, 200);
        provider.behave(ProviderDouble.fallsSilentAfter("One"));
        CompletableFuture<HttpResponse<String>> running = router.http.sendAsync(
                router.chat(platform.initechKey, body("default", 50)).build(), HttpResponse.BodyHandlers.ofString());
        await().until(() -> platform.available(INITECH) < 100);
        platform.loseCredit(INITECH);
        await().until(() -> platform.available(INITECH) < 0);
        platform.openCredit(INITECH, 200);
        assertThat(ask("default", 50).statusCode()).isEqualTo(402);
        running.cancel(true);
    }

    private HttpResponse<String> ask(String model, int maxTokens) throws IOException, InterruptedException {
        return router.send(router.chat(platform.initechKey, body(model, maxTokens)));
    }

    private static String body(String model, int maxTokens) {
        return RunningRouter.asking(model).replace("{\"model\"", "{\"max_tokens\":" + maxTokens + ",\"model\"");
    }
}
