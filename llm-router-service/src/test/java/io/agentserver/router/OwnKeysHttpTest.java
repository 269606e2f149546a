package io.agentserver.router;

import io.agentserver.envelope.TenantId;
import io.agentserver.sealing.TenantKeys;
import io.agentserver.tenancy.TenantDirectory;
import io.agentserver.tenancy.TenantEntry;
import io.agentserver.tenancy.TenantEntry.ProviderKey;
import io.agentserver.usage.UsageRecord;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;
import org.springframework.boot.SpringBootConfiguration;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.webmvc.autoconfigure.error.ErrorMvcAutoConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Import;
import org.springframework.context.annotation.Primary;

import java.io.IOException;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.UUID;

import static io.agentserver.router.RunningRouter.asking;
import static io.agentserver.router.RunningRouter.json;
import static io.agentserver.router.RunningRouter.streaming;
import static io.agentserver.router.TestPlatform.STARK;
import static io.agentserver.router.TestPlatform.WAYNE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

/** Tenants that bring their own keys of providers, and what that means for everybody else. */
@ExtendWith(TestPlatform.Extension.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class OwnKeysHttpTest {
    private static final KeySafe SAFE = new KeySafe();
    private static final long CREDIT = 1_000_000;

    private final TestPlatform platform;
    private final ProviderDouble openai = new ProviderDouble();
    private final ProviderDouble claude = new ProviderDouble();
    private final ProviderDouble pool = new ProviderDouble();
    private final RunningRouter router;

    /** The router's, with a store of data keys that fails when it is told to. */
    @SpringBootConfiguration
    @EnableAutoConfiguration(exclude = ErrorMvcAutoConfiguration.class)
    @Import(LlmRouterConfiguration.class)
    static class WithSafe {
        @Bean
        @Primary
        TenantKeys safe() {
            return SAFE;
        }
    }

    OwnKeysHttpTest(TestPlatform platform) throws IOException {
        this.platform = platform;
        Map<String, String> settings = platform.settings();
        settings.put("OPENAI_API_KEY", "sk-platform");
        settings.put("CLAUDE", "sk-platforms-claude");
        settings.put(
                "AGENTSERVER_LLM_ROUTES",
                platform.write("own-keys.yaml", """
                providers:
                  - {name: openai, url: "%s", key_env: OPENAI_API_KEY, own_keys: true, breaker: {window: 8, rest: 60s}}
                  - {name: anthropic, kind: anthropic, url: "%s", key_env: CLAUDE, own_keys: true}
                  - {name: pool, url: "%s", key_env: CLAUDE, price: {input: 1000000, output: 3000000}}
                  - {name: rented, url: "%s", key_env: CLAUDE, max_concurrent: 1, own_keys: true, price: {input: 1000000, output: 1}}
                  - {name: gone, url: "http://127.0.0.1:1/v1", price: free}
                routes:
                  default: {chain: [openai/gpt-4.1-mini, pool/m]}
                  alone: {chain: [openai/gpt-4.1-mini]}
                  claude: {chain: [anthropic/claude-haiku-4-5]}
                  vectors: {chain: [openai/text-embedding-3-small]}
                  end: {chain: [gone/m], cheapest: [rented/m, openai/gpt-4.1-mini]}
                  kept: {chain: [openai/gpt-4.1-mini], cache: 60m}
                  dear: {chain: [openai/gpt-4.1-mini], cache: 60m, hit_price: 7}
                  rented: {chain: [rented/m], first_token: 60s}
                """.formatted(openai.url(), claude.url(), pool.url(), pool.url()))
                        .toString());
        router = RunningRouter.start(WithSafe.class, settings);
    }

    @AfterAll
    void stop() {
        router.close();
        openai.close();
        claude.close();
        pool.close();
    }

    @BeforeEach
    void begin() {
        SAFE.isAway(false);
        openai.behave(Scripted.openAi());
        claude.behave(Scripted.anthropic());
        pool.behave(Scripted.openAi());
        for (TenantId tenant : List.of(WAYNE, STARK)) {
            platform.loseCredit(tenant);
            platform.openCredit(tenant, CREDIT);
        }
        wayneHas(); // what is known of servers under its keys goes with the last one
        has(STARK, platform.starkKey);
    }

    @Test
    void asks_under_the_tenants_own_key_for_nothing_and_under_the_platforms_for_others() throws Exception {
        wayneHas(SAFE.seal(WAYNE, "openai", "sk-own-1"));
        HttpResponse<String> own = ask(platform.wayneKey, "default");
        assertThat(own.statusCode()).as(own.body()).isEqualTo(200);
        assertThat(openai.received.getLast().header("Authorization")).isEqualTo("Bearer sk-own-1");
        assertThat(json(own).at("/agentserver/own_key").asBoolean()).isTrue();
        assertThat(json(own).at("/agentserver/cost").asLong(-1)).isZero();
        UsageRecord usage = platform.usageOf(receipt(own));
        assertThat(usage.inputTokens()).isPositive();
        assertThat(usage.outputTokens()).isPositive();
        assertThat(List.of(usage.costMicrousd(), usage.priceMicrousd())).containsExactly(0L, 0L);
        assertThat(platform.available(WAYNE)).isEqualTo(CREDIT);

        HttpResponse<String> others = ask(platform.acmeKey, "default");
        assertThat(openai.received.getLast().header("Authorization")).isEqualTo("Bearer sk-platform");
        assertThat(json(others).path("agentserver").has("own_key")).isFalse();
        assertThat(platform.usageOf(receipt(others)).priceMicrousd()).isPositive();
    }

    @Test
    void needs_no_credit_where_nothing_in_the_chain_is_the_platforms() throws Exception {
        wayneHas(SAFE.seal(WAYNE, "openai", "sk-own-1"));
        credit(WAYNE, 0);
        assertThat(ask(platform.wayneKey, "alone").statusCode()).isEqualTo(200);
        assertThat(ask(platform.wayneKey, "default").statusCode())
                .as("the pool is the platform's")
                .isEqualTo(402);
        assertThat(ask(platform.wayneKey, "simulated/m").statusCode())
                .as("so is what is free")
                .isEqualTo(402);
        credit(WAYNE, 1);
        assertThat(json(ask(platform.wayneKey, "default")).at("/error/message").asString(""))
                .as("what the dearest may cost is held")
                .contains("this call may cost up to");
        credit(STARK, 0);
        assertThat(ask(platform.starkKey, "alone").statusCode()).isEqualTo(402);
    }

    @Test
    void takes_models_that_no_price_is_known_of() throws Exception {
        wayneHas(SAFE.seal(WAYNE, "openai", "sk-own-1"));
        for (String model : List.of("openai/gpt-of-tomorrow", "openai/gpt-4o-search-preview")) {
            HttpResponse<String> own = ask(platform.wayneKey, model);
            assertThat(own.statusCode()).as(own.body()).isEqualTo(200);
            assertThat(platform.usageOf(receipt(own)).priceMicrousd()).isZero();
            assertThat(ask(platform.acmeKey, model).statusCode()).isBetween(400, 404);
        }
        assertThat(openai.received).hasSize(2);
    }

    @Test
    void goes_on_to_the_next_target_when_the_key_is_refused_and_never_to_the_platforms_key() throws Exception {
        wayneHas(SAFE.seal(WAYNE, "openai", "sk-own-bad"));
        openai.behave(refusing("sk-own-bad", ProviderDouble.refuses(401)));
        HttpResponse<String> failed = ask(platform.wayneKey, "alone");
        assertThat(failed.statusCode()).isEqualTo(503);
        assertThat(json(failed).at("/error/message").asString(""))
                .contains("openai/gpt-4.1-mini answered 401 to the tenant's own key");
        wayneHas(SAFE.seal(WAYNE, "openai", "sk-own-bad"));
        HttpResponse<String> next = ask(platform.wayneKey, "default");
        assertThat(header(next, "x-agentserver-provider")).isEqualTo("pool");
        assertThat(json(next).path("agentserver").has("own_key")).isFalse();
        assertThat(platform.usageOf(receipt(next)).priceMicrousd()).isPositive();
        assertThat(openai.received)
                .hasSize(2)
                .allMatch(asked -> asked.header("Authorization").equals("Bearer sk-own-bad"));
    }

    /** Providers shut out addresses that bad keys come from without end. */
    @Test
    void leaves_a_key_alone_that_was_refused_until_another_one_is_put() throws Exception {
        for (int status : List.of(401, 403)) {
            wayneHas(SAFE.seal(WAYNE, "openai", "sk-own-bad"));
            openai.behave(refusing("sk-own-bad", ProviderDouble.refuses(status)));
            ask(platform.wayneKey, "alone");
            for (String model : List.of("alone", "openai/gpt-4.1", "alone")) {
                HttpResponse<String> resting = ask(platform.wayneKey, model);
                assertThat(resting.statusCode()).isEqualTo(503);
                assertThat(json(resting).at("/error/message").asString(""))
                        .contains("the tenant's own key of openai was refused and is left alone, for ")
                        .contains(" s more: store one that is taken");
            }
            assertThat(header(ask(platform.wayneKey, "default"), "x-agentserver-provider"))
                    .isEqualTo("pool");
            assertThat(openai.received).hasSize(1);
            wayneHas(SAFE.seal(WAYNE, "openai", "sk-own-good"));
            assertThat(ask(platform.wayneKey, "alone").statusCode()).isEqualTo(200);
        }
    }

    @Test
    void fails_where_what_stands_under_a_well_known_name_takes_no_own_keys() throws Exception {
        Map<String, String> settings = platform.settings();
        settings.put("OPENAI_API_KEY", "sk-platform");
        settings.put(
                "AGENTSERVER_LLM_ROUTES",
                platform.write("no-own-keys.yaml", """
                providers:
                  - {name: openai, url: "%s", key_env: OPENAI_API_KEY}
                  - {name: anthropic, kind: anthropic, url: "%s", own_keys: false}
                  - {name: pool, url: "%s", price: {input: 1, output: 1}}
                routes:
                  default: {chain: [openai/gpt-4.1-mini, pool/m]}
                  alone: {chain: [openai/gpt-4.1-mini]}
                  claude: {chain: [anthropic/claude-haiku-4-5]}
                """.formatted(openai.url(), claude.url(), pool.url()))
                        .toString());
        wayneHas(SAFE.seal(WAYNE, "openai", "aaaaaaaa"), SAFE.seal(WAYNE, "anthropic", "aaaaaaaa"));
        try (RunningRouter closed = RunningRouter.start(WithSafe.class, settings)) {
            TenantDirectory directory = closed.part(TenantDirectory.class);
            await().until(() -> directory
                    .find(WAYNE)
                    .filter(entry -> entry.providerKeys() != null)
                    .isPresent());
            for (String model : List.of("alone", "claude", "openai/gpt-of-tomorrow")) {
                HttpResponse<String> failed = closed.send(closed.chat(platform.wayneKey, asking(model)));
                assertThat(failed.statusCode()).as(failed.body()).isEqualTo(503);
                assertThat(failed.body()).contains("are not taken here").contains("delete the own key to use that");
            }
            assertThat(header(closed.send(closed.chat(platform.wayneKey, asking("default"))), "x-agentserver-provider"))
                    .isEqualTo("pool");
            assertThat(openai.received).isEmpty();
            assertThat(claude.received).isEmpty();
            for (String model : List.of("alone", "claude")) {
                assertThat(closed.send(closed.chat(platform.acmeKey, asking(model)))
                                .statusCode())
                        .isEqualTo(200);
            }
        }
    }

    @Test
    void closes_nothing_to_anybody_else_by_what_happens_under_an_own_key() throws Exception {
        wayneHas(SAFE.seal(WAYNE, "openai", "sk-own-bad"));
        openai.behave(refusing("sk-own-bad", ProviderDouble.refuses(500)));
        for (int i = 0; i < 9; i++) {
            assertThat(ask(platform.wayneKey, "alone").statusCode()).isEqualTo(503);
        }
        assertThat(json(ask(platform.wayneKey, "alone")).at("/error/message").asString(""))
                .contains("openai/gpt-4.1-mini has failed too often under the tenant's own key");
        assertThat(header(ask(platform.acmeKey, "alone"), "x-agentserver-provider"))
                .isEqualTo("openai");

        wayneHas(SAFE.seal(WAYNE, "openai", "sk-own-limited"));
        openai.behave(refusing("sk-own-limited", ProviderDouble.refusesFor(429, "100")));
        assertThat(json(ask(platform.wayneKey, "alone")).at("/error/message").asString(""))
                .as("another key makes no server well")
                .contains("openai/gpt-4.1-mini has failed too often under the tenant's own key");
        String other = "openai/gpt-4.1";
        assertThat(ask(platform.wayneKey, other).statusCode()).isEqualTo(503);
        assertThat(json(ask(platform.wayneKey, other)).at("/error/message").asString(""))
                .contains("openai/gpt-4.1 wants to be left alone under the tenant's own key");
        assertThat(openai.received).hasSize(1);
        assertThat(ask(platform.acmeKey, other).statusCode()).isEqualTo(200);
        assertThat(router.management("/actuator/prometheus").body())
                .as("nothing for the operator to mend")
                .doesNotContain("agentserver_llm_backend_failures_total{provider=\"openai\"}")
                .doesNotContain("agentserver_llm_backend_passed_over_total{provider=\"openai\"}");
    }

    @Test
    void takes_another_key_and_the_platforms_again_as_soon_as_it_hears_of_it() throws Exception {
        wayneHas(SAFE.seal(WAYNE, "openai", "sk-own-1"));
        ask(platform.wayneKey, "alone");
        wayneHas(SAFE.seal(WAYNE, "openai", "sk-own-2"));
        ask(platform.wayneKey, "alone");
        wayneHas();
        HttpResponse<String> platforms = ask(platform.wayneKey, "alone");
        assertThat(openai.received)
                .extracting(asked -> asked.header("Authorization"))
                .containsExactly("Bearer sk-own-1", "Bearer sk-own-2", "Bearer sk-platform");
        assertThat(platform.usageOf(receipt(platforms)).priceMicrousd()).isPositive();
    }

    @Test
    void passes_the_provider_over_while_the_key_cannot_be_opened() throws Exception {
        wayneHas(SAFE.seal(WAYNE, "openai", "sk-own-1"));
        SAFE.isAway(true);
        assertThat(header(ask(platform.wayneKey, "default"), "x-agentserver-provider"))
                .isEqualTo("pool");
        assertThat(json(ask(platform.wayneKey, "alone")).at("/error/message").asString(""))
                .contains("the tenant's own key of openai cannot be opened at the moment");
        assertThat(ask(platform.acmeKey, "alone").statusCode()).isEqualTo(200);
        assertThat(openai.received).hasSize(1);
        SAFE.isAway(false);
        await().atMost(Duration.ofSeconds(20))
                .until(() -> ask(platform.wayneKey, "alone").statusCode() == 200);
        assertThat(openai.received.getLast().header("Authorization")).isEqualTo("Bearer sk-own-1");
    }

    @Test
    void keeps_a_store_that_hangs_from_everybody_else() throws Exception {
        wayneHas(SAFE.seal(WAYNE, "openai", "sk-own-1"));
        has(STARK, platform.starkKey, SAFE.seal(STARK, "openai", "sk-own-3"));
        SAFE.hangsFor(WAYNE);
        try {
            Stopwatch waited = new Stopwatch();
            assertThat(header(ask(platform.wayneKey, "default"), "x-agentserver-provider"))
                    .isEqualTo("pool");
            assertThat(waited.elapsed()).isBetween(Duration.ofSeconds(1), Duration.ofSeconds(5));
            Stopwatch others = new Stopwatch();
            assertThat(ask(platform.starkKey, "alone").statusCode()).isEqualTo(200);
            assertThat(ask(platform.acmeKey, "alone").statusCode()).isEqualTo(200);
            assertThat(ask(platform.wayneKey, "default").statusCode())
                    .as("it waits no more")
                    .isEqualTo(200);
            assertThat(others.elapsed()).isLessThan(KeyOpener.PATIENCE);
        } finally {
            SAFE.goesOnFor(WAYNE);
            has(STARK, platform.starkKey);
        }
        await().atMost(Duration.ofSeconds(20))
                .until(() -> header(ask(platform.wayneKey, "default"), "x-agentserver-provider")
                        .equals("openai"));
    }

    @Test
    void opens_no_key_that_was_sealed_for_another_tenant_or_provider() throws Exception {
        ProviderKey another = SAFE.seal(STARK, "openai", "sk-own-3");
        ProviderKey moved = SAFE.seal(WAYNE, "groq", "sk-own-4");
        wayneHas(another);
        assertThat(json(ask(platform.wayneKey, "alone")).at("/error/message").asString(""))
                .contains("the tenant's own key of openai cannot be opened: store it again");
        wayneHas(new ProviderKey("openai", moved.keyId(), moved.sealed(), moved.endsWith(), moved.createdAt()));
        assertThat(header(ask(platform.wayneKey, "default"), "x-agentserver-provider"))
                .isEqualTo("pool");
        assertThat(openai.received).isEmpty();
    }

    @Test
    void streams_embeds_and_speaks_anthropics_shape_under_own_keys() throws Exception {
        wayneHas(SAFE.seal(WAYNE, "openai", "sk-own-1"), SAFE.seal(WAYNE, "anthropic", "sk-own-2"));
        credit(WAYNE, 0);
        String told = "{\"stream_options\":{\"include_usage\":true},"
                + streaming("alone").substring(1);
        HttpResponse<String> stream = router.send(router.chat(platform.wayneKey, told));
        assertThat(stream.statusCode()).as(stream.body()).isEqualTo(200);
        assertThat(stream.body()).contains("\"own_key\":true", "[DONE]");

        HttpResponse<String> vectors = router.send(
                router.post("/v1/embeddings", platform.wayneKey, "{\"model\":\"vectors\",\"input\":[\"a\",\"b\"]}"));
        assertThat(vectors.statusCode()).as(vectors.body()).isEqualTo(200);
        assertThat(platform.usageOf(receipt(vectors)).priceMicrousd()).isZero();
        assertThat(openai.received)
                .hasSize(2)
                .allMatch(asked -> asked.header("Authorization").equals("Bearer sk-own-1"));

        String body = "{\"max_tokens\":9," + asking("claude").substring(1);
        HttpResponse<String> message = router.send(
                router.post("/v1/messages", platform.wayneKey, body).header("anthropic-version", "2023-06-01"));
        assertThat(message.statusCode()).as(message.body()).isEqualTo(200);
        assertThat(json(message).at("/agentserver/own_key").asBoolean()).isTrue();
        HttpResponse<String> streamed = router.send(
                router.post("/v1/messages", platform.wayneKey, body.replaceFirst("\\{", "{\"stream\":true,"))
                        .header("anthropic-version", "2023-06-01"));
        assertThat(streamed.body()).contains("\"own_key\":true");
        assertThat(claude.received)
                .hasSize(2)
                .allMatch(asked -> asked.header("x-api-key").equals("sk-own-2"));
        assertThat(platform.usageOf(receipt(message)).priceMicrousd()).isZero();
    }

    @Test
    void keeps_answers_and_repeats_them_as_for_all() throws Exception {
        wayneHas(SAFE.seal(WAYNE, "openai", "sk-own-1"));
        credit(WAYNE, 0);
        for (String cache : List.of("miss", "hit")) {
            HttpResponse<String> response = ask(platform.wayneKey, "kept");
            assertThat(header(response, "x-agentserver-cache")).isEqualTo(cache);
            assertThat(json(response).at("/agentserver/cost").asLong(-1)).isZero();
        }
        assertThat(ask(platform.wayneKey, "dear").statusCode())
                .as("a hit of the same chain, which costs something")
                .isEqualTo(402);
        String once = UUID.randomUUID().toString();
        String first = "";
        for (int i = 0; i < 2; i++) {
            HttpResponse<String> response = router.send(
                    router.chat(platform.wayneKey, asking("openai/new-one")).header("Idempotency-Key", once));
            assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
            first = first.isEmpty() ? response.body() : first;
            assertThat(response.body()).isEqualTo(first);
        }
        assertThat(openai.received).hasSize(2);
    }

    @Test
    void prefers_of_the_cheapest_what_the_tenant_pays_itself() throws Exception {
        wayneHas(SAFE.seal(WAYNE, "openai", "sk-own-1"));
        assertThat(header(ask(platform.acmeKey, "end"), "x-agentserver-provider"))
                .as("the cheapest by its price")
                .isEqualTo("rented");
        assertThat(header(ask(platform.wayneKey, "end"), "x-agentserver-provider"))
                .isEqualTo("openai");
    }

    @Test
    void fills_no_bulkhead_but_that_of_own_keys() throws Exception {
        wayneHas(SAFE.seal(WAYNE, "rented", "sk-own-6"), SAFE.seal(WAYNE, "pool", "sk-own-7"));
        pool.behave(ProviderDouble.thinksUntilCancelled());
        try (HangingUp running =
                HangingUp.post(router.url(), "/v1/chat/completions", platform.wayneKey, asking("rented"))) {
            pool.awaitRequest();
            assertThat(pool.received.getLast().header("Authorization")).isEqualTo("Bearer sk-own-6");
            assertThat(json(ask(platform.wayneKey, "rented"))
                            .at("/error/message")
                            .asString(""))
                    .contains("rented/m has 1 calls already under the tenant's own key");
            pool.behave(Scripted.openAi());
            has(STARK, platform.starkKey, SAFE.seal(STARK, "rented", "sk-own-9"));
            assertThat(json(ask(platform.starkKey, "rented"))
                            .at("/error/message")
                            .asString(""))
                    .contains("rented/m has as many calls of all tenants together as it may");
            assertThat(pool.received).isEmpty();
            assertThat(ask(platform.acmeKey, "rented").statusCode()).isEqualTo(200);
            running.hangUp();
        }
        HttpResponse<String> pools = ask(platform.wayneKey, "pool/m");
        assertThat(pool.received.getLast().header("Authorization"))
                .as("its entry does not say that it takes own keys")
                .isEqualTo("Bearer sk-platforms-claude");
        assertThat(platform.usageOf(receipt(pools)).priceMicrousd()).isPositive();
    }

    @Test
    void lists_the_models_of_a_provider_that_the_tenant_alone_has_a_key_of() throws Exception {
        wayneHas(SAFE.seal(WAYNE, "groq", "sk-own-8"));
        String groq = "groq/openai/gpt-oss-120b";
        assertThat(models(platform.wayneKey)).contains(groq);
        assertThat(models(platform.acmeKey)).doesNotContain(groq);
        assertThat(router.send(router.request("/v1/models/" + groq)
                                .header("x-api-key", platform.wayneKey)
                                .header("anthropic-version", "2023-06-01"))
                        .statusCode())
                .isEqualTo(200);
        assertThat(ask(platform.acmeKey, groq).statusCode()).isEqualTo(404);
    }

    @Test
    void says_no_key_in_its_log_and_in_no_answer() throws Exception {
        try (Logged logged = new Logged()) {
            // the one that is told of first: what the other does rests the provider for its successor too
            for (String secret : List.of("sk-own-secret\r\nX-Other: 1", "sk-own-secret")) {
                has(STARK, platform.starkKey, SAFE.seal(STARK, "openai", secret)); // of whom no other test has it told
                for (ProviderDouble.Behaviour behaviour : List.of(
                        ProviderDouble.refuses(500),
                        ProviderDouble.breaksAfter("One"),
                        ProviderDouble.answersWhole("{}"),
                        ProviderDouble.refuses(401),
                        Scripted.openAi())) { // the key rests
                    openai.behave(behaviour);
                    assertThat(ask(platform.starkKey, "alone").body()).doesNotContain("sk-own-secret");
                }
            }
            assertThat(logged.lines()).isNotEmpty().noneMatch(line -> line.contains("sk-own-secret"));
        }
    }

    /** The behaviour for who comes with this key; others are answered. */
    private static ProviderDouble.Behaviour refusing(String key, ProviderDouble.Behaviour refusal) {
        return (exchange, self) -> {
            String shown = exchange.getRequestHeaders().getFirst("Authorization");
            (shown.endsWith(key) ? refusal : Scripted.openAi()).answer(exchange, self);
        };
    }

    private void credit(TenantId tenant, long microusd) {
        platform.loseCredit(tenant);
        platform.openCredit(tenant, microusd);
    }

    private void wayneHas(ProviderKey... keys) {
        has(WAYNE, platform.wayneKey, keys);
    }

    /** Returns when the router knows. */
    private void has(TenantId tenant, String apiKey, ProviderKey... keys) {
        platform.ownKeys(tenant, apiKey, List.of(keys));
        TenantDirectory directory = router.part(TenantDirectory.class);
        await().until(() -> directory
                .find(tenant)
                .map(TenantEntry::providerKeys)
                .orElse(List.of())
                .equals(List.of(keys)));
    }

    private HttpResponse<String> ask(String apiKey, String model) throws IOException, InterruptedException {
        return router.send(router.chat(apiKey, asking(model)));
    }

    private List<String> models(String apiKey) throws IOException, InterruptedException {
        return json(router.send(router.request("/v1/models").header("x-api-key", apiKey)))
                .path("data")
                .valueStream()
                .map(model -> model.path("id").asString(""))
                .toList();
    }

    private static String header(HttpResponse<?> response, String name) {
        return response.headers().firstValue(name).orElse("");
    }

    private static UUID receipt(HttpResponse<?> response) {
        return UUID.fromString(header(response, "x-agentserver-receipt"));
    }
}
