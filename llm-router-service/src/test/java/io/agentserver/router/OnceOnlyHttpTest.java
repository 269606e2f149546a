package io.agentserver.router;

import io.agentserver.credit.Credit;
import io.agentserver.credit.PostedBalance;
import io.agentserver.localstores.LocalRedis;
import io.agentserver.localstores.LocalStore;
import io.agentserver.localstores.LocalStores;
import io.agentserver.service.ServiceTokens;
import io.agentserver.service.redis.RedisClients;
import io.lettuce.core.RedisClient;
import io.lettuce.core.api.sync.RedisCommands;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Consumer;

import static io.agentserver.router.RunningRouter.asking;
import static io.agentserver.router.RunningRouter.json;
import static io.agentserver.router.RunningRouter.streaming;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Idempotency keys over two routers that share a real Redis. */
@ExtendWith(TestPlatform.Extension.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class OnceOnlyHttpTest {
    private static final long COST = 140; // of 100 tokens in and 20 out

    private final TestPlatform platform;
    private final ProviderDouble provider = new ProviderDouble();
    private final Map<String, String> settings;
    private final RunningRouter one;
    private final RunningRouter other;

    OnceOnlyHttpTest(TestPlatform platform) throws IOException {
        this.platform = platform;
        String routes =
                "providers: [{name: p, url: \"%s\", breaker: {window: 1000}, price: {input: 1000000, output: 2000000}}]%nroutes: {default: {chain: [p/m], stub: Out.}, long: {chain: [p/m], total: 40m}}%n"
                        .formatted(provider.url());
        settings = platform.settings();
        settings.put(
                "AGENTSERVER_LLM_ROUTES",
                platform.write("once-routes.yaml", routes).toString());
        settings.put("llm-router.once-answer", "4KB");
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
        assertThat(header(again, "x-agentserver-receipt")).isEqualTo(header(first, "x-agentserver-receipt"));
        assertThat(provider.received).hasSize(1);
        assertThat(platform.usageOf(UUID.fromString(header(first, "x-agentserver-receipt")))
                        .inputTokens())
                .isEqualTo(100);
        assertBilledOnce(Set.of(header(first, "x-agentserver-receipt")));
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
    void neither_asks_nor_charges_again_for_an_answer_that_was_too_large_to_keep() throws Exception {
        provider.behave(ProviderDouble.streams("x".repeat(5_000)));
        String fresh = UUID.randomUUID() + ":0";
        HttpResponse<String> first = call(one, fresh, asking("default"));
        assertThat(first.statusCode()).isEqualTo(200);
        HttpResponse<String> again = call(other, fresh, asking("default"));
        assertThat(again.statusCode()).isEqualTo(410);
        assertThat(json(again).at("/error/code").asString()).isEqualTo("answer_not_kept");
        assertThat(json(again).at("/error/message").asString()).contains(header(first, "x-agentserver-receipt"));
        assertThat(call(one, fresh, asking("default").replace("How", "Who")).statusCode())
                .isEqualTo(422);
        assertThat(provider.received).hasSize(1);
    }

    @Test
    void lets_one_of_many_concurrent_calls_run_and_gives_all_its_answer() throws Exception {
        String fresh = UUID.randomUUID() + ":0";
        Set<String> bodies = new HashSet<>();
        for (HttpResponse<String> answer : atOnce(fresh, 20)) {
            assertThat(answer.statusCode()).isEqualTo(200);
            bodies.add(answer.body());
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
    void charges_each_run_of_a_key_whose_answers_broke_off_and_keeps_the_first_whole_one() throws Exception {
        String fresh = UUID.randomUUID() + ":0";
        Set<String> receipts = new HashSet<>();
        provider.behave(ProviderDouble.breaksAfter("Half"));
        for (int run = 1; run <= 2; run++) {
            HttpResponse<String> broken = call(run == 1 ? one : other, fresh, asking("default"));
            assertThat(broken.statusCode()).isEqualTo(503);
            receipts.add(header(broken, "x-agentserver-receipt"));
        }
        provider.behave(ProviderDouble.streams("Whole."));
        List<HttpResponse<String>> repeats = atOnce(fresh, 10);
        for (HttpResponse<String> repeat : repeats) {
            assertThat(repeat.body())
                    .contains("Whole.")
                    .isEqualTo(repeats.getFirst().body());
            receipts.add(header(repeat, "x-agentserver-receipt"));
        }
        assertThat(provider.received).hasSize(1);
        assertThat(receipts).hasSize(3);
        for (String receipt : receipts) {
            assertThat(platform.usageOf(UUID.fromString(receipt)).inputTokens()).isPositive();
        }
        assertBilledOnce(receipts);
    }

    @Test
    void refuses_another_body_under_a_key_whose_answer_broke_off() throws Exception {
        String fresh = UUID.randomUUID() + ":0";
        provider.behave(ProviderDouble.breaksAfter("Half"));
        call(one, fresh, asking("default"));
        HttpResponse<String> different = call(other, fresh, asking("default").replace("How", "Who"));
        assertThat(different.statusCode()).isEqualTo(422);
        assertThat(provider.received).hasSize(1);
    }

    @Test
    void charges_a_client_that_hangs_up_for_each_time_and_holds_it_to_its_body() throws Exception {
        String fresh = UUID.randomUUID() + ":0";
        Set<String> receipts = new HashSet<>();
        for (int run = 1; run <= 2; run++) {
            provider.behave(ProviderDouble.neverEnds());
            HttpResponse<InputStream> stream = one.http.send(
                    one.chat(platform.acmeKey, streaming("default"))
                            .header("Idempotency-Key", fresh)
                            .build(),
                    HttpResponse.BodyHandlers.ofInputStream());
            assertThat(stream.body().read()).isPositive();
            stream.body().close();
            receipts.add(header(stream, "x-agentserver-receipt"));
            assertThat(provider.isCancelledWithin(5)).isTrue();
            assertThat(call(other, fresh, streaming("default").replace("How", "Who"))
                            .statusCode())
                    .isEqualTo(422);
        }
        assertThat(receipts).hasSize(2);
        for (String receipt : receipts) {
            assertThat(platform.usageOf(UUID.fromString(receipt)).outputTokens())
                    .isPositive();
        }
    }

    @Test
    void goes_on_for_a_service_that_has_died_and_gives_its_answer_to_the_next_that_asks() throws Exception {
        String fresh = UUID.randomUUID() + ":0";
        CountDownLatch told = new CountDownLatch(1);
        provider.behave(ProviderDouble.streamsUntil(told));
        try (HangingUp pump = HangingUp.post(
                one.url(),
                "/v1/chat/completions",
                Map.of("Authorization", "Bearer " + pumpsToken(), "Idempotency-Key", fresh),
                asking("default"))) {
            provider.awaitRequest();
            pump.hangUp();
        }
        assertThat(provider.isCancelledWithin(1))
                .as("it would be paid, and paid again")
                .isFalse();
        told.countDown();
        HttpResponse<String> another =
                other.send(other.chat(pumpsToken(), asking("default")).header("Idempotency-Key", fresh));
        assertThat(another.body()).contains("word end.");
        assertThat(provider.received).hasSize(1);
        assertBilledOnce(Set.of(header(another, "x-agentserver-receipt")));
    }

    /** It is paid for as a whole one. */
    @Test
    void keeps_a_whole_answer_whose_client_hung_up_before_its_end_was_told() throws Exception {
        String fresh = UUID.randomUUID() + ":0";
        provider.behave(ProviderDouble.saysItsUsageAfter(Duration.ofMillis(700), "Fine", "."));
        HttpResponse<InputStream> stream = one.http.send(
                one.chat(platform.acmeKey, streaming("default"))
                        .header("Idempotency-Key", fresh)
                        .build(),
                HttpResponse.BodyHandlers.ofInputStream());
        BufferedReader lines = new BufferedReader(new InputStreamReader(stream.body(), StandardCharsets.UTF_8));
        while (!lines.readLine().contains("\"stop\"")) {
            // until the answer is finished
        }
        stream.body().close();
        String receipt = header(stream, "x-agentserver-receipt");
        assertThat(platform.usageOf(UUID.fromString(receipt)).estimated()).isFalse();
        HttpResponse<String> again = call(other, fresh, streaming("default"));
        assertThat(header(again, "x-agentserver-receipt")).isEqualTo(receipt);
        assertThat(ChatHttpTest.said(ChatHttpTest.chunks(again.body()))).isEqualTo("Fine.");
        assertThat(provider.received).hasSize(1);
    }

    @Test
    void cancels_the_call_of_a_service_that_has_gone_once_it_is_said_to_be_unwanted() throws Exception {
        String fresh = UUID.randomUUID() + ":0";
        provider.behave(ProviderDouble.neverEnds());
        try (HangingUp pump = HangingUp.post(
                one.url(),
                "/v1/chat/completions",
                Map.of("Authorization", "Bearer " + pumpsToken(), "Idempotency-Key", fresh),
                asking("default"))) {
            provider.awaitRequest();
            assertThat(abandon(pumpsToken(), fresh).statusCode()).isEqualTo(204);
            assertThat(provider.isCancelledWithin(1))
                    .as("its caller is still there")
                    .isFalse();
            pump.hangUp();
        }
        assertThat(provider.isCancelledWithin(5)).isTrue();

        String second = UUID.randomUUID() + ":0";
        provider.behave(ProviderDouble.thinksUntilCancelled());
        try (HangingUp pump = HangingUp.post(
                one.url(),
                "/v1/chat/completions",
                Map.of("Authorization", "Bearer " + pumpsToken(), "Idempotency-Key", second),
                asking("default"))) {
            provider.awaitRequest();
            pump.hangUp();
        }
        assertThat(abandon(pumpsToken(), second).statusCode()).isEqualTo(204);
        assertThat(provider.isCancelledWithin(5)).isTrue();
    }

    @Test
    void a_caller_that_waits_for_another_calls_answer_and_goes_asks_the_provider_nothing() throws Exception {
        String fresh = UUID.randomUUID() + ":0";
        provider.behave(ProviderDouble.neverEnds());
        try (HangingUp first = HangingUp.post(one.url(), "/v1/chat/completions", byKey(fresh), asking("default"))) {
            provider.awaitRequest();
            try (HangingUp second =
                    HangingUp.post(one.url(), "/v1/chat/completions", byKey(fresh), asking("default"))) {
                second.hangUp();
            }
            awaitRefused(one, "client-gone");
            first.hangUp();
        }
        assertThat(provider.isCancelledWithin(5)).isTrue();
        assertThat(provider.received).hasSize(1);
    }

    @Test
    void remembers_that_an_answer_is_unwanted_for_longer_than_any_call_may_last() throws Exception {
        String fresh = UUID.randomUUID() + ":0";
        assertThat(abandon(pumpsToken(), fresh).statusCode()).isEqualTo(204);
        redis(keys -> assertThat(keys.pttl(name(fresh) + ":unwanted"))
                .isGreaterThan(Duration.ofMinutes(40).toMillis()));
    }

    private Map<String, String> byKey(String idempotencyKey) {
        return Map.of("x-api-key", platform.acmeKey, "Idempotency-Key", idempotencyKey);
    }

    private static void awaitRefused(RunningRouter router, String reason) {
        Awaitility.await()
                .until(() -> router.management("/actuator/prometheus")
                        .body()
                        .matches("(?s).*agentserver_rejected_total\\{[^}]*" + reason + "[^}]*\\} [1-9].*"));
    }

    @Test
    void takes_that_a_call_is_unwanted_from_services_alone_and_by_a_key() throws Exception {
        assertThat(abandon(platform.acmeKey, "a-key").statusCode()).isEqualTo(403);
        assertThat(abandon("nobodys", "a-key").statusCode()).isEqualTo(401);
        assertThat(abandon(pumpsToken(), "no key").statusCode()).isEqualTo(400);
    }

    @Test
    void takes_over_when_the_router_that_was_at_it_has_died_and_remembers_the_body() throws Exception {
        String fresh = UUID.randomUUID() + ":0";
        ChatRequest request = ((ChatRequest.Reading.Read)
                        ChatRequest.read(asking("default").getBytes(StandardCharsets.UTF_8)))
                .request();
        redis(keys -> keys.hset(
                name(fresh),
                Map.of("digest", request.digest(), "owner", UUID.randomUUID().toString(), "until", "1")));
        assertThat(call(one, fresh, asking("default").replace("How", "Who")).statusCode())
                .isEqualTo(422);
        Stopwatch waited = new Stopwatch();
        assertThat(call(one, fresh, asking("default")).statusCode()).isEqualTo(200);
        assertThat(waited.elapsed())
                .as("by the waiting router's own time")
                .isBetween(RedisAnswers.LEASE, RedisAnswers.LEASE.plusSeconds(10));
        assertThat(provider.received).hasSize(1);
    }

    /** Or a node has taken over whose clock is ahead: the claim is renewed, only not yet. */
    @Test
    void runs_once_though_redis_clock_jumps_meanwhile() throws Exception {
        String fresh = UUID.randomUUID() + ":0";
        CountDownLatch told = new CountDownLatch(1);
        provider.behave(ProviderDouble.streamsUntil(told));
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            Future<HttpResponse<String>> first = threads.submit(() -> call(one, fresh, asking("long")));
            provider.awaitRequest();
            redis(keys -> keys.hset(name(fresh), "until", "1"));
            Future<HttpResponse<String>> second = threads.submit(() -> call(other, fresh, asking("long")));
            Awaitility.await()
                    .during(Duration.ofSeconds(1))
                    .until(() -> !second.isDone() && provider.received.size() == 1);
            told.countDown();
            assertThat(second.get().body()).isEqualTo(first.get().body());
        }
        assertThat(provider.received).hasSize(1);
    }

    /** What is lost is made again at the next renewal. */
    @Test
    void runs_once_though_redis_loses_the_key_meanwhile() throws Exception {
        String fresh = UUID.randomUUID() + ":0";
        CountDownLatch told = new CountDownLatch(1);
        provider.behave(ProviderDouble.streamsUntil(told));
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            Future<HttpResponse<String>> first = threads.submit(() -> call(one, fresh, asking("default")));
            provider.awaitRequest();
            redis(keys -> {
                keys.del(name(fresh));
                Awaitility.await().atMost(Duration.ofSeconds(20)).until(() -> keys.hexists(name(fresh), "owner"));
            });
            Future<HttpResponse<String>> second = threads.submit(() -> call(other, fresh, asking("default")));
            told.countDown();
            assertThat(second.get().body()).isEqualTo(first.get().body());
        }
        assertThat(provider.received).hasSize(1);
    }

    /** As where its router stood still for longer than its lease: two whole answers would be charged for one key. */
    @Test
    void breaks_a_call_off_whose_key_another_has_taken_over() throws Exception {
        String fresh = UUID.randomUUID() + ":0";
        provider.behave(ProviderDouble.neverEnds());
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            Future<HttpResponse<String>> first = threads.submit(() -> call(one, fresh, asking("long")));
            provider.awaitRequest();
            redis(keys -> keys.hset(name(fresh), "owner", UUID.randomUUID().toString()));
            assertThat(first.get().statusCode()).isEqualTo(503);
            assertThat(json(first.get()).at("/error/message").asString()).contains("taken this Idempotency-Key over");
            assertThat(provider.isCancelledWithin(1)).isTrue();
            assertThat(platform.usageOf(UUID.fromString(header(first.get(), "x-agentserver-receipt")))
                            .estimated())
                    .isTrue();
        }
    }

    /** Its lease was not renewed since, so only its end tells. */
    @Test
    void tells_no_client_that_an_answer_is_whole_whose_key_another_has_by_then() throws Exception {
        for (String body : List.of(asking("long"), streaming("long"))) {
            String fresh = UUID.randomUUID() + ":0";
            CountDownLatch told = new CountDownLatch(1);
            provider.behave(ProviderDouble.streamsUntil(told));
            try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
                Future<HttpResponse<String>> first = threads.submit(() -> call(one, fresh, body));
                provider.awaitRequest();
                String another = UUID.randomUUID().toString();
                redis(keys -> keys.hset(name(fresh), "owner", another));
                told.countDown();
                if (body.equals(asking("long"))) {
                    assertThat(first.get().statusCode()).isEqualTo(503);
                    assertThat(json(first.get()).at("/error/message").asString())
                            .contains("taken this Idempotency-Key over");
                } else {
                    assertThatThrownBy(first::get).hasRootCauseInstanceOf(IOException.class);
                }
                redis(keys -> assertThat(keys.hget(name(fresh), "owner")).isEqualTo(another));
            }
        }
    }

    @Test
    void charges_a_key_again_that_was_forgotten_and_ran_again() throws Exception {
        String fresh = UUID.randomUUID() + ":0";
        String first = header(call(one, fresh, asking("default")), "x-agentserver-receipt");
        redis(keys -> keys.del(name(fresh))); // as after 24 hours
        String second = header(call(one, fresh, asking("default")), "x-agentserver-receipt");
        assertThat(provider.received).hasSize(2);
        assertThat(second).isNotEqualTo(first);
        for (String receipt : new String[] {first, second}) {
            assertThat(platform.usageOf(UUID.fromString(receipt)).priceMicrousd())
                    .isEqualTo(COST);
        }
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

    /** Each router has told the log all of these calls before it tells of one more. */
    private void assertBilledOnce(Set<String> receipts) throws Exception {
        for (RunningRouter router : List.of(one, other)) {
            HttpResponse<String> last = router.send(router.chat(platform.acmeKey, asking("default")));
            platform.usageOf(UUID.fromString(header(last, "x-agentserver-receipt")));
        }
        for (String receipt : receipts) {
            assertThat(platform.allUsageOf(UUID.fromString(receipt))).hasSize(1);
        }
    }

    private String pumpsToken() {
        return platform.serviceToken(TestPlatform.ACME, ServiceTokens.LLM_CALL);
    }

    private HttpResponse<String> abandon(String bearer, String idempotencyKey) throws Exception {
        return other.send(HttpRequest.newBuilder(URI.create(other.url() + "/v1/chat/completions"))
                .header("Authorization", "Bearer " + bearer)
                .header("Idempotency-Key", idempotencyKey)
                .DELETE());
    }

    private List<HttpResponse<String>> atOnce(String idempotencyKey, int calls) throws Exception {
        List<Future<HttpResponse<String>>> running = new ArrayList<>();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < calls; i++) {
                RunningRouter router = i % 2 == 0 ? one : other;
                running.add(threads.submit(() -> call(router, idempotencyKey, asking("default"))));
            }
        }
        List<HttpResponse<String>> answers = new ArrayList<>();
        for (Future<HttpResponse<String>> call : running) {
            answers.add(call.get());
        }
        return answers;
    }

    private void redis(Consumer<RedisCommands<String, String>> commands) {
        RedisClient client = RedisClient.create(platform.redis());
        try {
            commands.accept(client.connect().sync());
        } finally {
            client.shutdown();
        }
    }

    private static String name(String idempotencyKey) {
        return "once:{acme}:" + ChatRequest.sha256(idempotencyKey);
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
