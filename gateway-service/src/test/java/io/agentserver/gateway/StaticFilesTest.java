package io.agentserver.gateway;

import io.agentserver.envelope.Ids;
import io.agentserver.envelope.TenantId;
import io.agentserver.gateway.RunningGateway.Answer;
import io.agentserver.gateway.callers.Payer;
import io.agentserver.localstores.LocalStores;
import io.agentserver.service.FairGate;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import tools.jackson.databind.JsonNode;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

@ExtendWith(GatewayExtension.class)
class StaticFilesTest {
    private static final String ORGANISM = """
        organism: {name: test}
        listeners:
          - name: greeter
            description: Greets.
            agent: true
            handler: llm
            prompt: Be as warm as the sun in Ñuble.
            model: default
            payload: {root: Greeting, fields: {Name: string}}
            response: {root: Greeted, fields: {Text: string}}
        """;

    private final RunningGateway gateway;
    private String key = "";

    StaticFilesTest(RunningGateway gateway, LocalStores stores) {
        this.gateway = gateway;
    }

    @BeforeEach
    void a_tenant_with_an_organism() {
        key = gateway.createTenant("s" + Ids.v7().toString().substring(0, 35).replace("-", "x"));
        assertThat(gateway.putOrganism(key, ORGANISM).status()).isEqualTo(200);
    }

    @Test
    void a_schema_may_be_kept_for_ever_by_whoever_asked_for_it() throws Exception {
        JsonNode greeter = greeter(key);

        for (String part : new String[] {"payload", "response"}) {
            String path = greeter.path(part).path("xsd_path").asString("");
            Answer schema = gateway.get(path, key);
            assertThat(schema.status()).as(path + " " + schema.body()).isEqualTo(200);
            assertThat(schema.body()).isEqualTo(greeter.path(part).path("xsd").asString(""));
            assertThat(schema.header("Content-Type")).startsWith("application/xml");
            assertThat(schema.header("Cache-Control").split(", *"))
                    .containsExactlyInAnyOrder("private", "max-age=31536000", "immutable");
            assertThat(schema.header("X-Content-Type-Options")).isEqualTo("nosniff");
            String hash = sha256(schema.body());
            assertThat(schema.header("ETag")).isEqualTo("\"" + hash + "\"");
            assertThat(path).isEqualTo("/v1/static/1/greeter." + part + "." + hash + ".xsd");
        }
    }

    @Test
    void who_has_it_is_told_so_and_sent_nothing() {
        String path = greeter(key).path("payload").path("xsd_path").asString("");
        String etag = gateway.get(path, key).header("ETag");

        Answer again = conditional(path, etag);
        assertThat(again.status()).isEqualTo(304);
        assertThat(again.body()).isEmpty();
        assertThat(again.header("ETag")).isEqualTo(etag);
        assertThat(again.header("Cache-Control")).contains("immutable");
        assertThat(conditional(path, "\"another\"").status()).isEqualTo(200);
    }

    @Test
    void a_path_stays_when_the_organism_changes() {
        String path = greeter(key).path("payload").path("xsd_path").asString("");
        String schema = gateway.get(path, key).body();

        gateway.putOrganism(key, ORGANISM.replace("Name: string", "Name: string, Age: int"));

        String now = greeter(key).path("payload").path("xsd_path").asString("");
        assertThat(now).startsWith("/v1/static/2/").isNotEqualTo(path);
        assertThat(gateway.get(now, key).body()).contains("Age").isNotEqualTo(schema);
        assertThat(gateway.get(path, key).body()).isEqualTo(schema);
    }

    /** Any key may ask for any number of old ones, each of which has to be parsed. */
    @Test
    void an_old_version_is_read_in_its_tenant_s_share_of_the_processor() throws Exception {
        String path = greeter(key).path("payload").path("xsd_path").asString("");
        gateway.putOrganism(key, ORGANISM.replace("Name: string", "Name: string, Age: int"));
        FairGate<Payer> processor = gateway.processor();
        int places = Math.max(4, 2 * Runtime.getRuntime().availableProcessors());
        for (int i = 0; i < places; i++) {
            processor.enter(Payer.of(new TenantId("somebody-else")));
        }
        CompletableFuture<Answer> answer;
        try {
            answer = CompletableFuture.supplyAsync(() -> gateway.get(path, key));
            await().until(() -> processor.waiting() == 1 || answer.isDone());
            assertThat(answer).isNotDone();
        } finally {
            for (int i = 0; i < places; i++) {
                processor.leave();
            }
        }
        assertThat(answer.get(20, TimeUnit.SECONDS).status()).isEqualTo(200);
    }

    @Test
    void a_prompt_is_for_whoever_may_write_it() {
        String path = greeter(key).path("prompt_path").asString("");
        Answer prompt = gateway.get(path, key);
        assertThat(prompt.status()).as(path + " " + prompt.body()).isEqualTo(200);
        assertThat(prompt.body()).isEqualTo("Be as warm as the sun in Ñuble.");
        assertThat(prompt.header("Content-Type")).isEqualTo("text/plain;charset=UTF-8");
        assertThat(prompt.header("Cache-Control")).contains("private", "immutable");

        String writer = gateway.post(
                        "/v1/keys", key, "application/json", "{\"name\":\"w\",\"scopes\":[\"messages:write\"]}")
                .json()
                .path("secret")
                .asString("");
        assertThat(greeter(writer).has("prompt_path")).isFalse();
        Answer refused = gateway.get(path, writer);
        assertThat(refused.problem()).isEqualTo("forbidden");
        assertThat(prompt.header("Vary")).contains("Authorization");
        String guessed = path.replaceFirst("prompt\\.[0-9a-f]{64}", "prompt." + "0".repeat(64));
        assertThat(gateway.get(guessed, writer).problem()).as("a guess").isEqualTo("forbidden");
        assertThat(refused.header("Cache-Control")).isEqualTo("no-store");
        assertThat(gateway.get(greeter(writer).path("payload").path("xsd_path").asString(""), writer)
                        .status())
                .isEqualTo(200);
    }

    @Test
    void nobody_else_learns_of_it() {
        String path = greeter(key).path("payload").path("xsd_path").asString("");
        String other =
                gateway.createTenant("o" + Ids.v7().toString().substring(0, 35).replace("-", "x"));

        Answer refused = gateway.get(path, other);
        assertThat(refused.problem()).isEqualTo("not-found");
        assertThat(refused.header("Cache-Control")).isEqualTo("no-store");
        assertThat(gateway.get(path, "as_live_wrong").problem()).isEqualTo("unauthenticated");
        for (String wrong : new String[] {
            path.replace("greeter.payload.", "greeter.payload.0"),
            path.replace("/1/", "/2/"),
            path.replace("/1/", "/999999999999999999/"),
            path.replace("/1/", "/9999999999999999999/"),
            path.replace("/1/", "/x/"),
            "/v1/static/1/..%2f..%2fetc"
        }) {
            assertThat(gateway.get(wrong, key).status()).as(wrong).isBetween(400, 404);
        }
    }

    private JsonNode greeter(String key) {
        return gateway.get("/v1/listeners", key).json().path("data").path(0);
    }

    private Answer conditional(String path, String etag) {
        return gateway.send(
                gateway.request(path).header("Authorization", "Bearer " + key).header("If-None-Match", etag));
    }

    private static String sha256(String text) throws Exception {
        return HexFormat.of()
                .formatHex(MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8)));
    }
}
