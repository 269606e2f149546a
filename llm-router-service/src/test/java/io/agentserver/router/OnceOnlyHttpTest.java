package io.agentserver.router;

import io.agentserver.credit.Credit;
import io.agentserver.credit.PostedBalance;
import io.agentserver.envelope.Ids;
import io.agentserver.localstores.LocalRedis;
import io.agentserver.localstores.LocalStore;
import io.agentserver.localstores.LocalStores;
import io.agentserver.service.redis.RedisClients;
import io.lettuce.core.RedisClient;
import io.lettuce.core.SetArgs;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;

import java.io.IOException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

import static io.agentserver.router.RunningRouter.asking;
import static io.agentserver.router.RunningRouter.json;
import static io.agentserver.router.RunningRouter.streaming;
import static org.assertj.core.api.Assertions.assertThat;

/** Idempotency keys over two routers that share a real Redis. */
@ExtendWith(TestPlatform.Extension.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class OnceOnlyHttpTest {
    private final TestPlatform platform;
    private final ProviderDouble provider = new ProviderDouble();
    private final Map<String, String> settings;
    private final RunningRouter one;
    private final RunningRouter other;
    private final String key = UUID.randomUUID() + ":0";

    OnceOnlyHttpTest(TestPlatform platform) throws IOException {
        this.platform = platform;
        String routes = "providers: [{name: p, url: \"%s\"}]%nroutes: {default: {chain: [p/m], stub: Out.}}%n"
                .formatted(provider.url());
        settings = platform.settings();
        settings.put(
                "AGENTSERVER_LLM_ROUTES",
                platform.write("once-routes.yaml", routes).toString());
        one = RunningRouter.start(settings);
        other = RunningRouter.start(settings);
    }

    @AfterAll
    void stop() {
        one.close();
        other.close();
        provider.close();
    }

    @BeforeEach
    void providerIsWell() {
        provider.behave(ProviderDouble.streams("Fine", "."));
    }

    @Test
    void gives_the_same_answer_and_receipt_again_without_asking_the_provider() throws Exception {
        String fresh = UUID.randomUUID() + ":0";
        HttpResponse<String> first = call(one, fresh, asking("default"));
        HttpResponse<String> again = call(other, fresh, asking("default"));
        assertThat(again.body()).isEqualTo(first.body());
        assertThat(header(again, "x-agentserver-receipt"))
                .isEqualTo(header(first, "x-agentserver-receipt"))
                .isEqualTo(Ids.inTenant(TestPlatform.ACME, fresh).toString());
        assertThat(provider.received).hasSize(1);
        assertThat(platform.usageOf(UUID.fromString(header(first, "x-agentserver-receipt")))
                        .inputTokens())
                .isEqualTo(100);
        assertThat(platform.allUsageOf(UUID.fromString(header(first, "x-agentserver-receipt"))))
                .hasSize(1);
    }

    @Test
    void streams_the_same_answer_again() throws Exception {
        String fresh = UUID.randomUUID() + ":0";
        String first = call(one, fresh, streaming("default")).body();
        String again = call(other, fresh, streaming("default")).body();
        assertThat(ChatHttpTest.said(ChatHttpTest.chunks(again)))
                .isEqualTo(ChatHttpTest.said(ChatHttpTest.chunks(first)))
                .isEqualTo("Fine.");
        assertThat(again).endsWith("data: [DONE]\n\n");
        assertThat(provider.received).hasSize(1);
    }

    @Test
    void lets_one_of_many_concurrent_calls_run_and_gives_all_its_answer() throws Exception {
        String fresh = UUID.randomUUID() + ":0";
        List<Future<HttpResponse<String>>> calls = new ArrayList<>();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < 20; i++) {
                RunningRouter router = i % 2 == 0 ? one : other;
                calls.add(threads.submit(() -> call(router, fresh, asking("default"))));
            }
        }
        Set<String> bodies = new HashSet<>();
        for (Future<HttpResponse<String>> call : calls) {
            assertThat(call.get().statusCode()).isEqualTo(200);
            bodies.add(call.get().body());
        }
        assertThat(bodies).hasSize(1);
        assertThat(provider.received).hasSize(1);
    }

    @Test
    void refuses_another_body_under_the_same_key_but_takes_another_spelling_of_the_same() throws Exception {
        String fresh = UUID.randomUUID() + ":0";
        call(one, fresh, asking("default"));
        HttpResponse<String> different = call(one, fresh, asking("default").replace("How", "Who"));
        assertThat(different.statusCode()).isEqualTo(422);
        assertThat(json(different).at("/error/code").asString()).isEqualTo("idempotency-mismatch");
        String spelling = " {\"messages\":[{\"content\":\"How are you?\",\"role\":\"user\"}],  \"model\":\"default\"}";
        assertThat(call(one, fresh, spelling).statusCode()).isEqualTo(200);
        assertThat(provider.received).hasSize(1);
    }

    @Test
    void keeps_two_tenants_apart() throws Exception {
        String fresh = UUID.randomUUID() + ":0";
        HttpResponse<String> acme = call(one, fresh, asking("default"));
        HttpResponse<String> globex =
                one.send(one.chat(platform.globexKey, asking("default")).header("Idempotency-Key", fresh));
        assertThat(header(globex, "x-agentserver-receipt")).isNotEqualTo(header(acme, "x-agentserver-receipt"));
        assertThat(provider.received).hasSize(2);
    }

    @Test
    void does_not_keep_an_answer_that_broke_off() throws Exception {
        provider.behave(ProviderDouble.breaksAfter("Half"));
        assertThat(call(one, key, asking("default")).statusCode()).isEqualTo(503);
        provider.behave(ProviderDouble.streams("Whole."));
        assertThat(call(one, key, asking("default")).body()).contains("Whole.");
    }

    @Test
    void takes_over_when_the_router_that_was_at_it_has_died() throws Exception {
        String fresh = UUID.randomUUID() + ":0";
        ChatRequest request = ((ChatRequest.Reading.Read)
                        ChatRequest.read(asking("default").getBytes(java.nio.charset.StandardCharsets.UTF_8)))
                .request();
        String left = new KeptAnswer.Pending(request.digest(), UUID.randomUUID()).json();
        RedisClient client = RedisClient.create(platform.redis());
        try {
            client.connect().sync().set("idem:{acme:" + ChatRequest.sha256(fresh) + "}", left, SetArgs.Builder.px(700));
        } finally {
            client.shutdown();
        }
        assertThat(call(one, fresh, asking("default")).statusCode()).isEqualTo(200);
        assertThat(provider.received).hasSize(1);
    }

    @Test
    void begins_no_call_while_redis_is_away_and_stays_ready() throws Exception {
        try (LocalStores own = LocalStores.inTemporaryDirectory(Map.of(LocalStore.REDIS, 0))) {
            LocalRedis redis = own.redis();
            Map<String, String> changed = new java.util.HashMap<>(settings);
            changed.put("AGENTSERVER_REDIS_URL", redis.url());
            try (RunningRouter router = RunningRouter.start(changed)) {
                try (RedisClients clients = RedisClients.connect(redis.url(), Duration.ofSeconds(5))) {
                    new Credit(clients)
                            .open(TestPlatform.ACME, new PostedBalance(1_000_000_000, 1), Duration.ZERO, Instant.EPOCH);
                }
                String fresh = UUID.randomUUID() + ":0";
                assertThat(call(router, fresh, asking("default")).statusCode()).isEqualTo(200);
                redis.close();
                HttpResponse<String> again = call(router, fresh, asking("default"));
                assertThat(again.statusCode()).isEqualTo(503);
                assertThat(header(again, "retry-after")).isNotEmpty();
                assertThat(provider.received).hasSize(1);
                assertThat(router.management("/actuator/prometheus").body())
                        .containsPattern("agentserver_llm_idempotency_unavailable_total [1-9]");
                assertThat(router.management("/actuator/health/readiness").statusCode())
                        .isEqualTo(200);
            }
        }
    }

    private HttpResponse<String> call(RunningRouter router, String idempotencyKey, String body)
            throws IOException, InterruptedException {
        HttpRequest.Builder request = router.chat(platform.acmeKey, body).header("Idempotency-Key", idempotencyKey);
        return router.send(request);
    }

    private static String header(HttpResponse<?> response, String name) {
        return response.headers().firstValue(name).orElse("");
    }
}
