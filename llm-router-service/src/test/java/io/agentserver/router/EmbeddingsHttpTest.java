package io.agentserver.router;

import io.agentserver.usage.UsageRecord;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.UUID;

import static io.agentserver.router.RunningRouter.json;
import static org.assertj.core.api.Assertions.assertThat;

/** {@code POST /v1/embeddings} and {@code GET /v1/models} over HTTP. */
@ExtendWith(TestPlatform.Extension.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class EmbeddingsHttpTest {
    private final TestPlatform platform;
    private final ProviderDouble claude = new ProviderDouble();
    private final ProviderDouble pool = new ProviderDouble();
    private final RunningRouter router;

    EmbeddingsHttpTest(TestPlatform platform) throws IOException {
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
    void isWell() {
        pool.behave(Scripted.openAi());
    }

    @Test
    void asks_the_provider_that_has_them_and_charges_the_input() throws Exception {
        HttpResponse<String> response = embed("{\"model\":\"vectors\",\"input\":[\"a\",\"b\"],\"x_new\":1}");
        assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
        JsonNode answer = json(response);
        assertThat(answer.path("object").asString("")).isEqualTo("list");
        assertThat(answer.at("/data/1/index").asInt()).isEqualTo(1);
        assertThat(answer.at("/data/1/embedding/0").asDouble()).isEqualTo(0.5);
        assertThat(answer.has("choices")).isFalse();
        assertThat(pool.received.getFirst().body().path("x_new").asInt()).isEqualTo(1);
        assertThat(pool.received.getFirst().body().path("model").asString("")).isEqualTo("e-1");
        assertThat(pool.received.getFirst().body().has("stream")).isFalse();
        UsageRecord usage = platform.usageOf(receipt(response));
        assertThat(usage.inputTokens()).isEqualTo(8);
        assertThat(usage.outputTokens()).isZero();
        assertThat(usage.estimated()).isFalse();
        assertThat(usage.priceMicrousd()).isEqualTo(8);
        assertThat(usage.model()).isEqualTo("e-1");
    }

    @Test
    void gives_the_same_vectors_again_under_an_idempotency_key() throws Exception {
        String key = UUID.randomUUID().toString();
        String body = "{\"model\":\"pool/e-1\",\"input\":\"a\"}";
        HttpResponse<String> first = router.send(
                router.post("/v1/embeddings", platform.acmeKey, body).header("Idempotency-Key", key));
        HttpResponse<String> again = router.send(
                router.post("/v1/embeddings", platform.acmeKey, body).header("Idempotency-Key", key));
        assertThat(again.body()).isEqualTo(first.body());
        assertThat(pool.received).hasSize(1);
    }

    @Test
    void counts_texts_and_tokens_itself_where_the_provider_does_not() throws Exception {
        pool.behave(
                ProviderDouble.answersWhole(
                        "{\"object\":\"list\",\"model\":\"e\",\"data\":[{\"object\":\"embedding\",\"index\":0,\"embedding\":[1.0]}]}"));
        HttpResponse<String> response = embed("{\"model\":\"pool/e-1\",\"input\":[1,2,3,4,5]}");
        UsageRecord usage = platform.usageOf(receipt(response));
        assertThat(usage.estimated()).isTrue();
        assertThat(usage.inputTokens()).isEqualTo(5);
    }

    /** 2,048 texts of 3,072 dimensions are much more than any model says in words. */
    @Test
    void gives_large_batches_whole_number_for_number() throws Exception {
        answersWithOver8MiB();
        HttpResponse<String> response = embed(batchOf400("pool/e-1"));
        assertThat(response.statusCode()).isEqualTo(200);
        JsonNode answer = json(response);
        assertThat(answer.path("data")).hasSize(400);
        assertThat(answer.at("/data/399/embedding")).hasSize(1_501);
        assertThat(answer.at("/data/399/index").asInt()).isEqualTo(399);
        assertThat(answer.at("/x_new/0").asInt()).isEqualTo(1);
        assertThat(response.body()).contains("-0.0069292834,").contains("1.0E-7]");
        assertThat(platform.usageOf(receipt(response)).inputTokens()).isEqualTo(400);
    }

    @Test
    void breaks_the_connection_of_a_client_that_takes_too_long_to_read() throws Exception {
        answersWithOver8MiB();
        byte[] asked = batchOf400("brief").getBytes(StandardCharsets.UTF_8);
        URI uri = URI.create(router.url());
        try (Socket client = new Socket()) {
            client.setReceiveBufferSize(8 * 1024);
            client.connect(new InetSocketAddress(uri.getHost(), uri.getPort()));
            String head = "POST /v1/embeddings HTTP/1.1\r\nHost: router\r\nx-api-key: " + platform.acmeKey
                    + "\r\nContent-Type: application/json\r\nContent-Length: " + asked.length + "\r\n\r\n";
            client.getOutputStream().write(head.getBytes(StandardCharsets.US_ASCII));
            client.getOutputStream().write(asked);
            byte[] some = new byte[4 * 1024];
            Awaitility.await()
                    .atMost(Duration.ofSeconds(60))
                    .pollInterval(Duration.ofMillis(200))
                    .until(() -> client.getInputStream().read(some) > 0
                            && router.management("/actuator/prometheus")
                                    .body()
                                    .matches(
                                            "(?s).*agentserver_rejected_total\\{[^}]*request-timeout[^}]*\\} [1-9].*"));
        }
    }

    private static String batchOf400(String model) {
        return "{\"model\":\"" + model + "\",\"input\":[" + "\"a\",".repeat(399) + "\"a\"]}";
    }

    private void answersWithOver8MiB() {
        String vector = "[" + "-0.0069292834,\n        ".repeat(1_500) + "1.0E-7]";
        StringBuilder data = new StringBuilder();
        for (int i = 0; i < 400; i++) {
            data.append(i == 0 ? "" : ", ")
                    .append("{\"object\": \"embedding\", \"index\": ")
                    .append(i)
                    .append(", \"embedding\": ")
                    .append(vector)
                    .append('}');
        }
        pool.behave(ProviderDouble.answersWhole("{\"object\": \"list\", \"x_new\": [1], \"model\": \"e\", \"data\": ["
                + data + "], \"usage\": {\"prompt_tokens\": 400, \"total_tokens\": 400}}"));
    }

    @Test
    void waits_for_a_whole_batch_for_longer_than_for_a_first_token() throws Exception {
        pool.behave((exchange, self) -> {
            self.closes(Duration.ofMillis(400));
            Scripted.openAi().answer(exchange, self);
        });
        assertThat(embed("{\"model\":\"hasty\",\"input\":\"a\"}").statusCode()).isEqualTo(200);
    }

    @ParameterizedTest
    @ValueSource(strings = {"\"\"", "[]", "[\"\"]", "[[]]", "{}", "5", "[1.5]", "null"})
    void refuses_an_input_that_is_none(String input) throws Exception {
        HttpResponse<String> response = embed("{\"model\":\"pool/e-1\",\"input\":" + input + "}");
        assertThat(response.statusCode()).isEqualTo(400);
        assertThat(json(response).at("/error/param").asString("")).isEqualTo("input");
    }

    @Test
    void answers_503_and_no_stub_when_nobody_has_them() throws Exception {
        pool.behave(ProviderDouble.answersWhole("{\"data\":[]}"));
        assertThat(embed("{\"model\":\"vectors\",\"input\":\"a\"}").statusCode())
                .isEqualTo(503);
        assertThat(embed("{\"model\":\"stubbed\",\"input\":\"a\"}").statusCode())
                .isEqualTo(503);
    }

    @Test
    void simulates_vectors_that_are_the_same_for_the_same_text() throws Exception {
        JsonNode one = json(embed("{\"model\":\"simulated/e\",\"input\":[\"a\",\"b\",\"a\"],\"dimensions\":16}"));
        assertThat(one.at("/data/0/embedding")).hasSize(16).isEqualTo(one.at("/data/2/embedding"));
        assertThat(one.at("/data/0/embedding")).isNotEqualTo(one.at("/data/1/embedding"));
        assertThat(json(embed("{\"model\":\"simulated/e\",\"input\":\"a\",\"dimensions\":16}"))
                        .at("/data/0/embedding"))
                .isEqualTo(one.at("/data/0/embedding"));
    }

    @Test
    void tells_of_one_model_by_its_name_and_of_no_other() throws Exception {
        for (String path : new String[] {"/v1/models/claude/c-1", "/v1/models/claude%2Fc-1"}) {
            HttpResponse<String> response = router.send(router.request(path).header("x-api-key", platform.acmeKey));
            assertThat(response.statusCode()).as(path).isEqualTo(200);
            assertThat(json(response).path("id").asString("")).isEqualTo("claude/c-1");
        }
        assertThat(router.send(router.request("/v1/models/nobody").header("x-api-key", platform.acmeKey))
                        .statusCode())
                .isEqualTo(404);
        assertThat(router.send(router.request("/v1/models/claude/c-1")).statusCode())
                .isEqualTo(401);
    }

    private HttpResponse<String> embed(String body) throws IOException, InterruptedException {
        return router.send(router.post("/v1/embeddings", platform.acmeKey, body));
    }

    private static UUID receipt(HttpResponse<?> response) {
        return UUID.fromString(
                response.headers().firstValue("x-agentserver-receipt").orElse(""));
    }
}
