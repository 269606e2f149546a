package io.agentserver.router;

import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;

import static io.agentserver.router.RunningRouter.asking;
import static io.agentserver.router.RunningRouter.json;
import static org.assertj.core.api.Assertions.assertThat;

/** Pools of several replicas, the cheapest that is healthy, and routes that change while the router runs. */
@ExtendWith(TestPlatform.Extension.class)
class PoolHttpTest {
    private final TestPlatform platform;
    private final ProviderDouble first = new ProviderDouble();
    private final ProviderDouble second = new ProviderDouble();

    PoolHttpTest(TestPlatform platform) {
        this.platform = platform;
    }

    @Test
    void replicas_take_turns_and_one_that_fails_is_passed_over() throws Exception {
        try (first;
                second;
                RunningRouter router = router("pool", pool())) {
            first.behave(ProviderDouble.streams("One"));
            second.behave(ProviderDouble.streams("Two"));
            for (int i = 0; i < 6; i++) {
                assertThat(ask(router, "default").statusCode()).isEqualTo(200);
            }
            assertThat(first.received).hasSize(3);
            assertThat(second.received).hasSize(3);

            first.behave(ProviderDouble.refusesFor(429, "100"));
            for (int i = 0; i < 6; i++) {
                assertThat(ask(router, "default").body()).contains("Two");
            }
            assertThat(first.received).as("it wants to be left alone").hasSize(1);

            second.behave(ProviderDouble.refuses(500));
            for (int i = 0; i < 9; i++) {
                assertThat(ask(router, "default").statusCode()).isEqualTo(503);
            }
            assertThat(second.received).as("its breaker is open").hasSizeLessThan(9);
            assertThat(json(ask(router, "default")).at("/error/message").asString(""))
                    .contains("pool/m wants to be left alone", "pool/m has failed too often");
            assertThat(router.management("/actuator/prometheus").body())
                    .containsPattern("agentserver_llm_backend_passed_over_total\\{provider=\"pool\"} [1-9]");
        }
    }

    @Test
    void a_replica_gets_no_more_calls_at_once_than_it_may() throws Exception {
        String one = """
                providers: [{name: pool, url: "%s", max_concurrent: 1, price: free}, {name: other, url: "%s", price: free}]
                routes: {default: {chain: [pool/m, other/m], first_token: 60s}}
                """.formatted(first.url(), second.url());
        try (first;
                second;
                RunningRouter router = router("bulkhead", one)) {
            first.behave(ProviderDouble.thinksUntilCancelled());
            second.behave(ProviderDouble.streams("Two"));
            try (HangingUp client =
                    HangingUp.post(router.url(), "/v1/chat/completions", platform.acmeKey, asking("default"))) {
                first.awaitRequest();
                assertThat(ask(router, "default").body()).contains("Two");
                client.hangUp();
            }
            assertThat(first.isCancelledWithin(5)).isTrue();
            first.behave(ProviderDouble.streams("One"));
            Awaitility.await()
                    .atMost(Duration.ofSeconds(10))
                    .until(() -> ask(router, "default").body().contains("One"));
        }
    }

    /** One tenant must not take a provider from all by what it asks of one model. */
    @Test
    void what_closes_one_model_of_a_replica_leaves_its_others_open() throws Exception {
        String routes = """
                providers: [{name: pool, url: "%s", breaker: {window: 8}, price: free}]
                routes: {limited: {chain: [pool/limited]}, broken: {chain: [pool/broken]}, default: {chain: [pool/m]}}
                """.formatted(first.url());
        try (first;
                second;
                RunningRouter router = router("by-model", routes)) {
            first.behave((exchange, self) -> {
                switch (self.received.getLast().body().path("model").asString("")) {
                    case "limited" -> ProviderDouble.refusesFor(429, "100").answer(exchange, self);
                    case "broken" -> ProviderDouble.refuses(500).answer(exchange, self);
                    default -> ProviderDouble.streams("Fine").answer(exchange, self);
                }
            });
            for (int i = 0; i < 9; i++) {
                assertThat(ask(router, "limited").statusCode()).isEqualTo(503);
                assertThat(ask(router, "broken").statusCode()).isEqualTo(503);
                assertThat(ask(router, "default").statusCode()).isEqualTo(200);
            }
            assertThat(asked("limited")).isEqualTo(1);
            assertThat(asked("broken")).isLessThan(9);
        }
    }

    @Test
    void a_model_that_is_alive_and_thinks_for_too_long_is_not_taken_for_dead() throws Exception {
        String routes = """
                providers: [{name: pool, url: "%s", breaker: {window: 8}, price: free}]
                routes: {default: {chain: [pool/m], first_token: 2s}}
                """.formatted(first.url());
        try (first;
                second;
                RunningRouter router = router("thinking", routes)) {
            first.behave(ProviderDouble.thinksUntilCancelled()); // two failures would open its breaker
            for (int i = 0; i < 3; i++) {
                assertThat(ask(router, "default").statusCode()).isEqualTo(503);
            }
            assertThat(first.received).hasSize(3);
            first.behave(ProviderDouble.hangs());
            for (int i = 0; i < 3; i++) {
                assertThat(ask(router, "default").statusCode()).isEqualTo(503);
            }
            assertThat(first.received).as("it did not answer at all").hasSize(2);
        }
    }

    private long asked(String model) {
        return first.received.stream()
                .filter(asked -> asked.body().path("model").asString("").equals(model))
                .count();
    }

    @Test
    void a_chain_that_failed_is_ended_by_the_cheapest_that_is_healthy() throws Exception {
        String routes = """
                providers:
                  - {name: down, url: "http://127.0.0.1:1/v1", price: free}
                  - {name: dear, url: "%s", price: {input: 900, output: 900}}
                  - {name: cheap, url: "%s", price: {input: 1, output: 1}}
                routes: {default: {chain: [down/m], cheapest: [dear/m, cheap/m]}}
                """.formatted(first.url(), second.url());
        try (first;
                second;
                RunningRouter router = router("cheapest", routes)) {
            assertThat(provider(ask(router, "default"))).isEqualTo("cheap");
            second.behave(ProviderDouble.refuses(500));
            assertThat(provider(ask(router, "default"))).isEqualTo("dear");
        }
    }

    /** A model of tomorrow must not be sold below its cost, and nobody here knows what that is. */
    @Test
    void takes_a_model_without_a_price_where_the_operator_has_said_what_it_is_charged_at() throws Exception {
        String routes = """
                providers:
                  - {name: openai, url: "%s"}
                routes: {default: {chain: [openai/gpt-4.1-mini]}}
                """.formatted(first.url());
        String cap = "price_caps: {openai: {input: 20000000, output: 90000000}}\n";
        first.behave(ProviderDouble.streams("One")); // 9 tokens in, of which 4 cached, and 3 out
        try (first;
                second;
                RunningRouter router = router("uncapped", routes);
                RunningRouter capped = router("capped", cap + routes)) {
            HttpResponse<String> refused = ask(router, "openai/gpt-of-tomorrow");
            assertThat(refused.statusCode()).isEqualTo(404);
            assertThat(json(refused).at("/error/code").asString()).isEqualTo("model_not_found");
            assertThat(json(refused).at("/error/param").asString()).isEqualTo("model");
            assertThat(json(refused).at("/error/message").asString())
                    .contains("no price is known of <openai/gpt-of-tomorrow>");
            assertThat(first.received).isEmpty();
            assertThat(ask(router, "openai/gpt-4.1-mini").statusCode()).isEqualTo(200);

            HttpResponse<String> taken = ask(capped, "openai/gpt-of-tomorrow");
            long in = json(taken).at("/usage/prompt_tokens").asLong();
            long out = json(taken).at("/usage/completion_tokens").asLong();
            assertThat(out).isPositive();
            assertThat(json(taken).at("/agentserver/cost").asLong()).isEqualTo(20 * in + 90 * out);
        }
    }

    @Test
    void a_changed_file_serves_without_a_restart_and_a_wrong_one_does_not() throws Exception {
        Path file = platform.write("changing.yaml", pool());
        Map<String, String> settings = platform.settings();
        settings.put("AGENTSERVER_LLM_ROUTES", file.toString());
        try (first;
                second;
                RunningRouter router = RunningRouter.start(settings)) {
            assertThat(provider(ask(router, "default"))).isEqualTo("pool");
            Files.writeString(file, "routes: {default: {chian: [simulated/x]}}");
            awaitRefused(router, "1.0");
            assertThat(provider(ask(router, "default"))).isEqualTo("pool");
            Files.writeString(file, "routes: {default: {chain: [simulated/x]}, more: {chain: [simulated/y]}}");
            awaitRefused(router, "0.0");
            assertThat(provider(ask(router, "default"))).isEqualTo("simulated");
            assertThat(ask(router, "more").statusCode()).isEqualTo(200);
            assertThat(ask(router, "pool/m").statusCode()).isEqualTo(404);
        }
    }

    /** A key that is changed, or comes only now, changes no byte of the routes file. */
    @Test
    void a_changed_key_serves_and_one_that_was_missing_is_looked_for_again() throws Exception {
        Path key = platform.write("pool.key", "sk-1");
        String routes = """
                providers: [{name: pool, url: "%s", key_file: "%s", price: free}]
                routes: {default: {chain: [pool/m]}}
                """.formatted(first.url(), key);
        try (first;
                second;
                RunningRouter router = router("keyed", routes)) {
            assertThat(ask(router, "default").statusCode()).isEqualTo(200);
            assertThat(first.received.getLast().header("Authorization")).isEqualTo("Bearer sk-1");
            Files.delete(key);
            awaitRefused(router, "1.0");
            assertThat(ask(router, "default").statusCode()).isEqualTo(200);
            Files.writeString(key, "sk-2");
            awaitRefused(router, "0.0");
            assertThat(ask(router, "default").statusCode()).isEqualTo(200);
            assertThat(first.received.getLast().header("Authorization")).isEqualTo("Bearer sk-2");
        }
    }

    @Test
    void a_file_that_comes_back_as_it_was_is_refused_no_more() throws Exception {
        Path file = platform.write("away.yaml", pool());
        Map<String, String> settings = platform.settings();
        settings.put("AGENTSERVER_LLM_ROUTES", file.toString());
        try (first;
                second;
                RunningRouter router = RunningRouter.start(settings)) {
            Files.delete(file);
            awaitRefused(router, "1.0");
            assertThat(ask(router, "default").statusCode()).isEqualTo(200);
            Files.writeString(file, pool());
            awaitRefused(router, "0.0");
        }
    }

    private static void awaitRefused(RunningRouter router, String value) {
        Awaitility.await()
                .atMost(Duration.ofSeconds(20))
                .until(() -> router.management("/actuator/prometheus")
                        .body()
                        .contains("agentserver_llm_routes_refused " + value));
    }

    private String pool() {
        return """
                providers: [{name: pool, urls: ["%s", "%s"], breaker: {window: 8}, price: free}]
                routes: {default: {chain: [pool/m]}}
                """.formatted(first.url(), second.url());
    }

    private RunningRouter router(String name, String routes) throws IOException {
        Map<String, String> settings = platform.settings();
        settings.put(
                "AGENTSERVER_LLM_ROUTES", platform.write(name + ".yaml", routes).toString());
        return RunningRouter.start(settings);
    }

    private HttpResponse<String> ask(RunningRouter router, String model) throws IOException, InterruptedException {
        return router.send(router.chat(platform.acmeKey, asking(model)));
    }

    private static String provider(HttpResponse<?> response) {
        return response.headers().firstValue("x-agentserver-provider").orElse("");
    }
}
