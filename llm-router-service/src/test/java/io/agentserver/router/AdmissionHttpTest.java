package io.agentserver.router;

import io.agentserver.service.ServiceTokens;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;

import java.io.IOException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.StreamSupport;

import static io.agentserver.router.RunningRouter.asking;
import static io.agentserver.router.RunningRouter.json;
import static org.assertj.core.api.Assertions.assertThat;

/** Who may call, and with what; against the simulated provider, which needs no key. */
@ExtendWith(TestPlatform.Extension.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class AdmissionHttpTest {
    private final TestPlatform platform;
    private final RunningRouter router;

    AdmissionHttpTest(TestPlatform platform) {
        this.platform = platform;
        this.router = RunningRouter.start(platform.settings());
    }

    @AfterAll
    void stop() {
        router.close();
    }

    @Test
    void takes_an_api_key_in_either_header() throws Exception {
        assertThat(with(platform.acmeKey).statusCode()).isEqualTo(200);
        HttpRequest.Builder request = router.request("/v1/chat/completions")
                .header("x-api-key", platform.acmeKey)
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(asking("default")));
        assertThat(router.send(request).statusCode()).isEqualTo(200);
    }

    @Test
    void takes_a_service_token_and_books_on_the_tenant_it_names() throws Exception {
        HttpResponse<String> response = with(platform.serviceToken(TestPlatform.GLOBEX, ServiceTokens.LLM_CALL));
        assertThat(response.statusCode()).isEqualTo(200);
        UUID receipt = UUID.fromString(
                response.headers().firstValue("x-agentserver-receipt").orElseThrow());
        assertThat(platform.usageOf(receipt).tenant()).isEqualTo("globex");
    }

    @Test
    void refuses_everything_else_with_one_and_the_same_body() throws Exception {
        HttpResponse<String> none = router.send(
                router.request("/v1/chat/completions").POST(HttpRequest.BodyPublishers.ofString(asking("default"))));
        assertThat(none.statusCode()).isEqualTo(401);
        assertThat(json(none).at("/error/code").asString()).isEqualTo("invalid_api_key");
        for (String secret : new String[] {
            platform.expiredKey,
            platform.revokedKey,
            platform.acmeKey.substring(0, platform.acmeKey.length() - 1) + "_",
            "sk-someone-elses",
            platform.serviceToken(TestPlatform.ACME, ServiceTokens.BUFFER),
            "a.b.c"
        }) {
            HttpResponse<String> refused = with(secret);
            assertThat(refused.statusCode()).isEqualTo(401);
            assertThat(refused.body()).isEqualTo(none.body());
        }
        assertThat(router.send(router.request("/v1/models").GET()).statusCode()).isEqualTo(401);
    }

    @Test
    void refuses_a_key_without_the_scope() throws Exception {
        HttpResponse<String> refused = with(platform.keyWithoutScope);
        assertThat(refused.statusCode()).isEqualTo(403);
        assertThat(json(refused).at("/error/message").asString()).contains("llm:call");
    }

    @Test
    void passes_on_which_living_keys_were_used() throws Exception {
        try (RunningRouter own = RunningRouter.start(platform.settings())) {
            for (String secret : new String[] {platform.keyWithoutScope, platform.expiredKey}) {
                own.send(own.request("/v1/models").header("x-api-key", secret).GET());
            }
        } // at the latest when it ends
        assertThat(platform.keysUsed())
                .contains(TestPlatform.keyId(platform.keyWithoutScope))
                .doesNotContain(TestPlatform.keyId(platform.expiredKey));
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "{oops|",
                "[]|",
                "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}|model",
                "{\"model\":7,\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}|model",
                "{\"model\":\"default\",\"model\":\"fast\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}|",
                "{\"model\":\"simulated/a\\nforged\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}|model",
                "{\"model\":\"simulated/a\\u2028forged\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}|model",
                "{\"model\":\"simulated/a\\u202e\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}|model",
                "{\"model\":\"default\"}|messages",
                "{\"model\":\"default\",\"messages\":[]}|messages",
                "{\"model\":\"default\",\"messages\":[\"x\"]}|messages",
                "{\"model\":\"default\",\"messages\":[{\"role\":\"user\"}],\"stream\":\"yes\"}|stream",
                "{\"model\":\"default\",\"messages\":[{\"role\":\"user\"}],\"stream_options\":1}|stream_options",
                "{\"max_tokens\":0,\"model\":\"default\",\"messages\":[{\"role\":\"user\"}]}|max_tokens",
                "{\"max_tokens\":-1,\"model\":\"default\",\"messages\":[{\"role\":\"user\"}]}|max_tokens",
                "{\"max_tokens\":1.5,\"model\":\"default\",\"messages\":[{\"role\":\"user\"}]}|max_tokens",
                "{\"max_tokens\":\"9\",\"model\":\"default\",\"messages\":[{\"role\":\"user\"}]}|max_tokens",
                "{\"max_tokens\":9999999999,\"model\":\"default\",\"messages\":[{\"role\":\"user\"}]}|max_tokens",
                "{\"max_completion_tokens\":0,\"model\":\"default\",\"messages\":[{\"role\":\"user\"}]}|max_completion_tokens",
                "{\"max_completion_tokens\":1e400,\"model\":\"default\",\"messages\":[{\"role\":\"user\"}]}|max_completion_tokens",
                "{\"n\":0,\"model\":\"default\",\"messages\":[{\"role\":\"user\"}]}|n",
                "{\"n\":129,\"model\":\"default\",\"messages\":[{\"role\":\"user\"}]}|n",
                "{\"n\":\"2\",\"model\":\"default\",\"messages\":[{\"role\":\"user\"}]}|n",
                "{\"service_tier\":\"priority\",\"model\":\"default\",\"messages\":[{\"role\":\"user\"}]}|service_tier",
                "{\"prompt_cache_options\":{\"ttl\":\"12h\"},\"model\":\"default\",\"messages\":[{\"role\":\"user\"}]}|prompt_cache_options",
                "{\"modalities\":[\"text\",\"audio\"],\"model\":\"default\",\"messages\":[{\"role\":\"user\"}]}|modalities",
                "{\"web_search_options\":{},\"model\":\"default\",\"messages\":[{\"role\":\"user\"}]}|web_search_options",
                "{\"prediction\":{\"type\":\"content\",\"content\":\"x\"},\"model\":\"default\",\"messages\":[{\"role\":\"user\"}]}|prediction",
                "{\"n_predict\":9,\"model\":\"default\",\"messages\":[{\"role\":\"user\"}]}|n_predict",
                "{\"tools\":[{\"type\":\"browser_search\"}],\"model\":\"default\",\"messages\":[{\"role\":\"user\"}]}|tools",
                "{\"model\":\"default\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"file\",\"file\":{}}]}]}|messages",
                "{\"model\":\"default\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"input_audio\"}]}]}|messages",
                "{\"model\":\"default\",\"messages\":[{\"role\":\"user\",\"content\":[{\"video_url\":{}}]}]}|messages",
                "{\"model\":\"default\",\"messages\":[{\"role\":\"user\",\"content\":{\"a\":1}}]}|messages"
            })
    void refuses_a_malformed_request_and_names_the_member(String body, String param) throws Exception {
        HttpResponse<String> refused = router.send(router.chat(platform.acmeKey, body));
        assertThat(refused.statusCode()).isEqualTo(400);
        assertThat(json(refused).at("/error/type").asString()).isEqualTo("invalid_request_error");
        assertThat(json(refused).at("/error/param").asString("")).isEqualTo(param == null ? "" : param);
    }

    @Test
    void refuses_malformed_headers() throws Exception {
        for (Map.Entry<String, String> header : Map.of(
                        "x-agentserver-thread", "1-1-1-1-1",
                        "x-agentserver-message", "nobody",
                        "x-agentserver-listener", "no/name",
                        "Idempotency-Key", "k".repeat(256))
                .entrySet()) {
            String pump = platform.serviceToken(TestPlatform.ACME, ServiceTokens.LLM_CALL);
            HttpResponse<String> refused =
                    router.send(router.chat(pump, asking("default")).header(header.getKey(), header.getValue()));
            assertThat(refused.statusCode()).as(header.getKey()).isEqualTo(400);
            assertThat(json(refused).at("/error/message").asString()).contains(header.getKey());
        }
    }

    @Test
    void refuses_a_body_that_is_too_large_or_no_json() throws Exception {
        String large = asking("default").replace("How are you?", "a".repeat(16 * 1024 * 1024));
        assertThat(router.send(router.chat(platform.acmeKey, large)).statusCode())
                .isEqualTo(413);
        HttpResponse<String> form = router.send(router.chat(platform.acmeKey, asking("default"))
                .setHeader("Content-Type", "application/x-www-form-urlencoded"));
        assertThat(form.statusCode()).isEqualTo(415);
        HttpResponse<String> packed =
                router.send(router.chat(platform.acmeKey, asking("default")).header("Content-Encoding", "gzip"));
        assertThat(packed.statusCode()).isEqualTo(415);
    }

    /** No price of tokens would cover it; also where a key would let it through. */
    @Test
    void refuses_a_model_whose_cost_is_not_told_by_its_tokens() throws Exception {
        Map<String, String> settings = platform.settings();
        settings.put("GROQ_API_KEY", "gsk-nobodys");
        try (RunningRouter own = RunningRouter.start(settings)) {
            HttpResponse<String> refused = own.send(own.chat(platform.acmeKey, asking("groq/groq/compound")));
            assertThat(refused.statusCode()).isEqualTo(400);
            assertThat(json(refused).at("/error/param").asString()).isEqualTo("model");
            assertThat(json(refused).at("/error/message").asString()).contains("a price of its own");
        }
    }

    /** Two bytes are an object of a hundred. */
    @Test
    void refuses_a_body_of_very_many_values() throws Exception {
        String many = "[" + "{},".repeat(500_000) + "{}]";
        HttpResponse<String> refused = router.send(router.chat(
                platform.acmeKey, asking("default").replace("{\"model\"", "{\"x\":" + many + ",\"model\"")));
        assertThat(refused.statusCode()).isEqualTo(413);
        assertThat(json(refused).at("/error/code").asString()).isEqualTo("request_too_large");
    }

    /** Bodies are read before credit is asked for. */
    @Test
    void one_tenants_slow_bodies_leave_memory_for_anothers() throws Exception {
        String large = asking("simulated/x") + " ".repeat(15 * 1024 * 1024);
        List<HangingUp> slow = new ArrayList<>();
        try {
            for (int i = 0; i < 300; i++) {
                slow.add(HangingUp.announce(
                        router.url(), "/v1/chat/completions", Map.of("x-api-key", platform.acmeKey), 16_000_000));
            }
            Awaitility.await()
                    .atMost(Duration.ofSeconds(30))
                    .until(() ->
                            router.send(router.chat(platform.acmeKey, large)).statusCode() == 503);
            assertThat(router.send(router.chat(platform.globexKey, large)).statusCode())
                    .isEqualTo(200);
        } finally {
            for (HangingUp each : slow) {
                each.close();
            }
        }
        Awaitility.await()
                .atMost(Duration.ofSeconds(30))
                .until(() -> router.send(router.chat(platform.acmeKey, large)).statusCode() == 200);
    }

    @Test
    void says_in_the_same_shape_that_there_is_no_such_call() throws Exception {
        HttpResponse<String> unknown = router.send(router.request("/v1/nothing").GET());
        assertThat(unknown.statusCode()).isEqualTo(404);
        assertThat(json(unknown).at("/error/message").asString()).contains("/v1/chat/completions");
        assertThat(router.send(router.request("/v1/chat/completions").GET()).statusCode())
                .isEqualTo(405);
    }

    @Test
    void says_in_the_same_shape_what_the_server_refuses_by_itself() throws Exception {
        HttpResponse<String> longHeader =
                router.send(router.chat(platform.acmeKey, asking("default")).header("x-long", "x".repeat(17_000)));
        assertThat(longHeader.statusCode()).isEqualTo(431);
        assertThat(json(longHeader).at("/error/type").asString()).isEqualTo("invalid_request_error");
        assertThat(longHeader.headers().firstValue("Request-Id")).isPresent();
        HttpResponse<String> strange = router.send(router.request("/v1/%00").GET());
        assertThat(strange.statusCode()).isEqualTo(400);
        assertThat(json(strange).at("/error/message").asString()).isNotBlank();
    }

    @Test
    void lists_routes_and_models() throws Exception {
        HttpResponse<String> response =
                router.send(router.request("/v1/models").header("Authorization", "Bearer " + platform.acmeKey));
        assertThat(StreamSupport.stream(json(response).path("data").spliterator(), false)
                        .map((JsonNode model) -> model.path("id").asString()))
                .containsExactly("default", "fast", "cheap", "simulated/default");
    }

    @Test
    void is_alive_and_ready_and_shows_its_refusals() throws Exception {
        assertThat(router.management("/actuator/health/liveness").statusCode()).isEqualTo(200);
        assertThat(router.management("/actuator/health/readiness").statusCode()).isEqualTo(200);
        with("sk-wrong");
        assertThat(router.management("/actuator/prometheus").body())
                .containsPattern("agentserver_rejected_total\\{reason=\"unauthenticated\"} [1-9]")
                .contains("agentserver_rejected_total{reason=\"internal\"} 0.0");
    }

    private HttpResponse<String> with(String secret) throws IOException, InterruptedException {
        return router.send(router.chat(secret, asking("default")));
    }
}
