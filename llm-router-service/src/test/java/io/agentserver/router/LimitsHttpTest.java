package io.agentserver.router;

import io.agentserver.envelope.TenantId;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

import static io.agentserver.router.RunningRouter.json;
import static io.agentserver.router.TestPlatform.DUNDER;
import static io.agentserver.router.TestPlatform.HOOLI;
import static io.agentserver.router.TestPlatform.UMBRELLA;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

/** What a tenant may ask in a minute and at once: 5 requests, 1,000 tokens, 2 calls. */
@ExtendWith(TestPlatform.Extension.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class LimitsHttpTest {
    private static final int USED = 120; // what the provider says

    private final TestPlatform platform;
    private final Map<String, String> settings;
    private final RunningRouter router;
    private final ProviderDouble provider = new ProviderDouble();

    LimitsHttpTest(TestPlatform platform) throws IOException {
        this.platform = platform;
        settings = platform.settings();
        settings.put(
                "AGENTSERVER_LLM_ROUTES",
                platform.write("limits-routes.yaml", """
                providers:
                  - {name: pool, url: "%s", breaker: {window: 1000}, price: free}
                routes:
                  default: {chain: [pool/m1], max_output: 100, stub: Nobody is in., first_token: 500ms}
                  strict: {chain: [pool/m1]}
                  kept: {chain: [pool/m1], cache: 60m}
                """.formatted(provider.url()))
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
        provider.behave(ProviderDouble.streams("Fine", ", thanks."));
        for (TenantId tenant : List.of(HOOLI, UMBRELLA)) {
            platform.loseCredit(tenant);
            platform.openCredit(tenant, 1_000_000);
        }
    }

    @Test
    void refuses_what_is_over_the_requests_of_a_minute_and_says_what_is_left() throws Exception {
        for (int left = 4; left >= 0; left--) {
            HttpResponse<String> answer = ask(1);
            assertThat(answer.statusCode()).isEqualTo(200);
            assertThat(header(answer, "x-ratelimit-limit-requests")).isEqualTo("5");
            assertThat(header(answer, "x-ratelimit-remaining-requests")).isEqualTo(String.valueOf(left));
            assertThat(header(answer, "x-ratelimit-reset-requests")).matches("1m0s|59s");
            assertThat(header(answer, "x-ratelimit-limit-tokens")).isEqualTo("1000");
        }
        HttpResponse<String> refused = ask(1);
        assertThat(refused.statusCode()).isEqualTo(429);
        assertThat(Integer.parseInt(header(refused, "Retry-After"))).isBetween(1, 60);
        assertThat(header(refused, "x-ratelimit-remaining-requests")).isEqualTo("0");
        assertThat(json(refused).at("/error/code").asString()).isEqualTo("rate_limit_exceeded");
        assertThat(json(refused).at("/error/message").asString()).contains("5 requests a minute");

        HttpResponse<String> asAnthropic = router.send(router.post("/v1/messages", platform.hooliKey, body(1)));
        assertThat(asAnthropic.statusCode()).isEqualTo(429);
        assertThat(json(asAnthropic).at("/error/type").asString()).isEqualTo("rate_limit_error");
        assertThat(router.management("/actuator/prometheus").body())
                .containsPattern(
                        "agentserver_llm_limited_total\\{limit=\"requests\",shadow=\"false\",tenant=\"hooli\"} 2");
    }

    @Test
    void counts_the_most_that_a_call_may_use_while_it_runs_and_then_what_it_has_used() throws Exception {
        long left = Long.parseLong(header(ask(900), "x-ratelimit-remaining-tokens"));
        assertThat(left).isBetween(1L, 99L);
        HttpResponse<String> second = ask(700);
        assertThat(second.statusCode()).isEqualTo(200);
        assertThat(Long.parseLong(header(second, "x-ratelimit-remaining-tokens")))
                .isEqualTo(1_000 - USED - 700 - (1_000 - 900 - left));
        HttpResponse<String> third = ask(900);
        assertThat(third.statusCode()).isEqualTo(429);
        assertThat(json(third).at("/error/message").asString()).contains((1_000 - 2 * USED) + " are left");
    }

    @Test
    void says_of_a_call_that_never_fits_that_it_is_too_large() throws Exception {
        HttpResponse<String> refused = ask(2_000);
        assertThat(refused.statusCode()).isEqualTo(413);
        assertThat(refused.headers().firstValue("Retry-After")).isEmpty();
        assertThat(json(refused).at("/error/message").asString()).contains("a minute has 1000");
    }

    @Test
    void lets_two_calls_run_at_once_and_a_third_when_one_has_been_left() throws Exception {
        provider.behave(ProviderDouble.neverEnds());
        List<InputStream> running = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            running.add(router.http
                    .send(
                            router.chat(platform.hooliKey, body(100).replaceFirst("\\{", "{\"stream\":true,"))
                                    .build(),
                            HttpResponse.BodyHandlers.ofInputStream())
                    .body());
        }
        HttpResponse<String> third = ask(1);
        assertThat(third.statusCode()).isEqualTo(429);
        assertThat(header(third, "Retry-After")).isEqualTo("1");
        provider.behave(ProviderDouble.streams("Fine"));
        running.getFirst().close();
        await().until(() -> ask(1).statusCode() == 200);
        running.getLast().close();
        awaitEnd();
    }

    @Test
    void counts_no_call_that_no_backend_has_answered() throws Exception {
        provider.behave(ProviderDouble.refuses(500));
        for (int i = 0; i < 7; i++) {
            HttpResponse<String> stub = ask(900);
            assertThat(header(stub, "x-agentserver-stub")).isEqualTo("true");
        }
    }

    /** It may have read the prompt: whoever hangs up again and again would have no limit. */
    @Test
    void counts_a_call_whose_client_hangs_up_before_the_first_token() throws Exception {
        for (int i = 0; i < 5; i++) {
            provider.behave(ProviderDouble.fallsSilentAfter());
            try (HangingUp client = HangingUp.post(router.url(), "/v1/chat/completions", platform.hooliKey, body(1))) {
                provider.awaitRequest();
                client.hangUp();
            }
            awaitEnd();
        }
        HttpResponse<String> refused = ask(1);
        assertThat(refused.statusCode()).isEqualTo(429);
        assertThat(json(refused).at("/error/message").asString()).contains("5 requests a minute");
    }

    @Test
    void counts_in_shadow_and_refuses_nothing() throws Exception {
        for (int i = 0; i < 2; i++) {
            HttpResponse<String> answer = router.send(router.chat(platform.umbrellaKey, body(1)));
            assertThat(answer.statusCode()).isEqualTo(200);
            assertThat(header(answer, "x-ratelimit-remaining-requests")).isEqualTo("0");
        }
        assertThat(router.management("/actuator/prometheus").body())
                .containsPattern(
                        "agentserver_llm_limited_total\\{limit=\"requests\",shadow=\"true\",tenant=\"umbrella\"} 1");
    }

    /** Whoever is told the end of one asks the next router at once. */
    @Test
    void one_call_at_once_is_one_after_the_other_at_any_router_however_slow_its_way_to_redis() throws Exception {
        Map<String, String> far = new HashMap<>(settings);
        try (SlowLink link = new SlowLink(URI.create(platform.redis()).getPort(), Duration.ofMillis(15))) {
            far.put("AGENTSERVER_REDIS_URL", "redis://127.0.0.1:" + link.port());
            try (RunningRouter slow = RunningRouter.start(far)) {
                platform.openCredit(DUNDER, 1_000_000);
                for (int i = 0; i < 4; i++) {
                    for (RunningRouter each : List.of(slow, router)) {
                        assertThat(status(each, "default")).as("an answer").isEqualTo(200);
                        assertThat(status(each, "kept")).as("a kept one").isEqualTo(200);
                    }
                }
                provider.behave(ProviderDouble.refuses(500));
                for (int i = 0; i < 4; i++) {
                    assertThat(status(slow, "strict")).as("no answer").isEqualTo(503);
                    assertThat(status(router, "strict")).as("no answer").isEqualTo(503);
                }
            }
        }
    }

    private int status(RunningRouter asked, String route) throws IOException, InterruptedException {
        String body = RunningRouter.asking(route);
        return asked.send(asked.chat(platform.dunderKey, body)).statusCode();
    }

    @Test
    void says_what_is_left_of_the_minute_with_a_refusal_for_want_of_credit_too() throws Exception {
        platform.loseCredit(HOOLI);
        HttpResponse<String> unknown = ask(1);
        assertThat(unknown.statusCode()).isEqualTo(503);
        assertThat(header(unknown, "x-ratelimit-limit-requests")).isEqualTo("5");
        platform.openCredit(HOOLI, 0);
        HttpResponse<String> refused = ask(1);
        assertThat(refused.statusCode()).isEqualTo(402);
        assertThat(header(refused, "x-ratelimit-remaining-requests")).isEqualTo("5");
        assertThat(header(refused, "x-ratelimit-remaining-tokens")).isEqualTo("1000");
    }

    @Test
    void says_nothing_of_limits_where_there_are_none() throws Exception {
        HttpResponse<String> answer = router.send(router.chat(platform.acmeKey, body(1)));
        assertThat(answer.headers().map().keySet()).noneMatch(name -> name.startsWith("x-ratelimit"));
    }

    private HttpResponse<String> ask(int maxTokens) throws IOException, InterruptedException {
        return router.send(router.chat(platform.hooliKey, body(maxTokens)));
    }

    /** Who hangs up is told nothing. */
    private void awaitEnd() {
        await().until(() -> platform.running(HOOLI) == 0);
    }

    private static String header(HttpResponse<?> answer, String name) {
        return answer.headers().firstValue(name).orElse("");
    }

    private static String body(int maxTokens) {
        return RunningRouter.asking("default").replace("{\"model\"", "{\"max_tokens\":" + maxTokens + ",\"model\"");
    }
}
