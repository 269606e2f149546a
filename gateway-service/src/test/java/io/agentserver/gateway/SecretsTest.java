package io.agentserver.gateway;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.ThrowableProxyUtil;
import ch.qos.logback.core.read.ListAppender;
import com.nimbusds.jose.util.Base64URL;
import io.agentserver.envelope.Ids;
import io.agentserver.gateway.RunningGateway.Answer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.http.HttpRequest;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

import static org.assertj.core.api.Assertions.assertThat;

/** Secrets and payloads: never in logs, metrics, error bodies. Everything that holds one here holds the canary. */
@ExtendWith(GatewayExtension.class)
class SecretsTest {
    private static final String CANARY = "Canary4711";

    private final RunningGateway gateway;
    private final Logger root = (Logger) LoggerFactory.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
    private final ListAppender<ILoggingEvent> log = new ListAppender<>();
    private Level before = Level.WARN;
    private String key = "";

    SecretsTest(RunningGateway gateway) {
        this.gateway = gateway;
    }

    @BeforeEach
    void a_tenant_and_all_that_is_logged_in_production() {
        key = gateway.createTenant("c" + Ids.v7().toString().substring(0, 35).replace("-", "x"));
        assertThat(gateway.putOrganism(key, AdmissionTest.ORGANISM).status()).isEqualTo(200);
        before = root.getLevel();
        root.setLevel(Level.INFO);
        log.start();
        root.addAppender(log);
    }

    @AfterEach
    void none_of_it_was_logged_or_measured() {
        root.detachAppender(log);
        root.setLevel(before);
        List<ILoggingEvent> logged = List.copyOf(log.list);
        String all = String.join("\n", logged.stream().map(SecretsTest::text).toList());
        assertThat(all).doesNotContain(CANARY, key, key.substring(8));
        assertThat(gateway.metrics()).doesNotContain(CANARY, key);
    }

    private static String text(ILoggingEvent event) {
        return event.getFormattedMessage()
                + event.getMDCPropertyMap()
                + (event.getThrowableProxy() == null ? "" : ThrowableProxyUtil.asString(event.getThrowableProxy()));
    }

    /** Else the rest would show nothing. */
    @Test
    void what_is_logged_at_info_is_seen_here() {
        SigningOrg org = new SigningOrg(gateway);
        org.send(SigningOrg.with(SigningOrg.unsigned(), "a.b.c"));
        assertThat(log.list).anyMatch(event -> event.getFormattedMessage().contains("was refused"));
    }

    @Test
    void a_payload_that_is_taken_is_not_logged() {
        assertThat(xml(greeting("<Name>" + CANARY + "</Name>")).status()).isEqualTo(202);
        assertThat(json("{\"payload\":{\"Greeting\":{\"Name\":\"" + CANARY + "\"}}}")
                        .status())
                .isEqualTo(202);
    }

    @Test
    void a_payload_that_is_refused_is_not_repeated() {
        String long_ = CANARY + "x".repeat(300_000);
        for (String payload : List.of(
                "<Name>x</Name><Times>" + CANARY + "</Times>",
                "<Name>x</Name>" + CANARY,
                "<Name>x</Name><Times a=\"" + CANARY + "\">1</Times>",
                "<Name>x" + CANARY,
                "<Name>&" + CANARY + ";</Name>",
                "<Name><![CDATA[" + CANARY,
                "<Name>" + CANARY + "\u0000</Name>",
                "<Name a='" + CANARY + "' a='" + CANARY + "'/>",
                "<?pi " + CANARY + "?><Name>x</Name>",
                "<Name>" + long_ + "</Name>")) {
            assertRefused(xml(greeting(payload)));
            assertRefused(batch("<batch>" + greeting(payload) + "</batch>"));
        }
        assertRefused(xml("<!DOCTYPE m [<!ENTITY x \"" + CANARY + "\">]>" + greeting("<Name>&x;</Name>")));
        for (String body : List.of(
                "{\"payload\":{\"Greeting\":{\"Name\":\"x\",\"Times\":\"" + CANARY + "\"}}}",
                "{\"payload\":{\"Greeting\":{\"Name\":\"" + CANARY + "\\u0000\"}}}",
                "{\"payload\":\"" + CANARY + "\"}",
                "{\"payload\":\"<Greeting>" + CANARY + "\"}",
                "{\"payload\":{\"Greeting\":{\"Name\":\"" + CANARY,
                "{\"id\":\"x\",\"payload\":{\"Greeting\":{\"Name\":\"" + CANARY + "\"}}}",
                "{\"payload\":[\"" + CANARY + "\"]}",
                CANARY)) {
            assertRefused(json(body));
        }
        assertRefused(gateway.post("/v1/messages", key, "text/plain", CANARY));
        // with another content under one id
        String id = "<id xmlns=\"https://xml-pipeline.org/ns/delivery/v1\">" + Ids.v7() + "</id>";
        assertThat(xml(greeting("<Name>x</Name>").replace("</meta>", id + "</meta>"))
                        .status())
                .isEqualTo(202);
        assertRefused(xml(greeting("<Name>" + CANARY + "</Name>").replace("</meta>", id + "</meta>")));
    }

    @Test
    void a_token_that_is_refused_is_not_repeated() {
        SigningOrg org = new SigningOrg(gateway);
        var unsigned = SigningOrg.unsigned();
        Map<String, Object> header = org.header();
        header.put("kid", CANARY);
        String bad = org.token(header, org.claims(unsigned));
        for (String token : List.of(bad, CANARY, CANARY + ".x.y")) {
            Answer refused = org.send(SigningOrg.with(unsigned, token));
            assertRefused(refused);
            assertThat(refused.body()).doesNotContain(bad);
        }
        Map<String, Object> claims = org.claims(unsigned);
        claims.put("sub", CANARY);
        assertRefused(org.send(SigningOrg.with(unsigned, org.token(org.header(), claims))));
    }

    @Test
    void an_api_key_is_not_repeated_however_it_is_sent() throws IOException {
        for (String header : List.of(
                "Authorization: Bearer " + CANARY,
                "Authorization: Bearer as_live_" + CANARY,
                "Authorization: Basic " + CANARY,
                "Authorization: " + CANARY,
                "X-Api-Key: " + CANARY,
                "Authorization : Bearer " + CANARY,
                "Authorization : Bearer " + key,
                "Authorization: Bearer " + CANARY + "\u0001",
                "Authorization\u0000: Bearer " + CANARY,
                "Authorization Bearer " + CANARY,
                " Authorization: Bearer " + CANARY,
                "Authorization: Bearer " + CANARY + "x".repeat(20_000))) {
            for (String path : List.of("/v1/keys", "/admin/v1/tenants", "/v1/nothing")) {
                assertThat(raw("GET " + path + " HTTP/1.1\r\nHost: x\r\n" + header + "\r\nConnection: close\r\n\r\n"))
                        .startsWith("HTTP/1.1 4")
                        .doesNotContain(CANARY, key);
            }
        }
        assertThat(raw("GET /v1/keys?api_key=" + CANARY + "&x=[ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"))
                .doesNotContain(CANARY);
        assertThat(raw("POST /v1/respond/" + CANARY + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"))
                .doesNotContain(CANARY);
        assertThat(raw("POST /v1/respond/" + CANARY + "[ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"))
                .doesNotContain(CANARY);
        assertThat(raw(CANARY + "\r\n\r\n")).doesNotContain(CANARY);
        assertThat(raw("G[" + CANARY + " / HTTP/1.1\r\n\r\n")).doesNotContain(CANARY);
        assertThat(raw("GET / HTTP/" + CANARY + "\r\n\r\n")).doesNotContain(CANARY);
    }

    @Test
    void the_secret_of_a_new_key_is_in_the_answer_and_nowhere_else() {
        Answer made =
                gateway.post("/v1/keys", key, "application/json", "{\"name\":\"x\",\"scopes\":[\"threads:read\"]}");
        String secret = made.json().path("secret").asString();
        Answer rotated =
                gateway.post("/v1/keys/" + made.json().path("id").asString() + "/rotate", key, "application/json", "");
        assertThat(gateway.get("/v1/keys", secret).status()).isEqualTo(403);
        List<String> secrets = List.of(secret, rotated.json().path("secret").asString());
        assertThat(gateway.get("/v1/keys", key).body()).doesNotContain(secrets);
        for (ILoggingEvent event : new ArrayList<>(log.list)) {
            assertThat(text(event)).doesNotContain(secrets);
        }
    }

    @Test
    void a_provider_s_key_is_repeated_neither_when_it_is_taken_nor_when_it_is_refused() {
        String own = "sk-" + CANARY + "-0123456789";
        Answer taken = providerKey("openai", "{\"key\":\"" + own + "\"}");
        assertThat(taken.status()).as(taken.body()).isEqualTo(200);
        assertThat(taken.body()).doesNotContain(CANARY);
        assertThat(gateway.get("/v1/provider-keys", key).body()).doesNotContain(CANARY);
        for (String body : List.of(
                "{\"key\":\"" + own + " \"}",
                "{\"key\":\"" + own + "\\n\"}",
                "{\"key\":\"" + own + "ü\"}",
                "{\"key\":[\"" + own + "\"]}",
                "{\"key\":\"" + own,
                "{\"key\":\"" + own + "\",\"role\":1}",
                "{\"key\":\"" + own + "x".repeat(1024) + "\"}",
                own)) {
            assertRefused(providerKey("openai", body));
        }
        assertRefused(providerKey("Open", "{\"key\":\"" + own + "\"}"));
    }

    private Answer providerKey(String provider, String body) {
        return gateway.send(gateway.request("/v1/provider-keys/" + provider)
                .header("Authorization", "Bearer " + key)
                .header("Content-Type", "application/json")
                .PUT(HttpRequest.BodyPublishers.ofString(body)));
    }

    @Test
    void private_parts_of_a_jwk_and_secrets_of_a_listener_are_not_repeated() {
        String canary = Base64URL.encode(CANARY + "0123456789abcdef012345").toString();
        for (String member : List.of("d", "p", "q", "k", "oth")) {
            String jwk = KeysTest.jwk("k").replaceFirst("}$", ",\"" + member + "\":\"" + canary + "\"}");
            Answer refused = gateway.post("/v1/signing-keys", key, "application/json", jwk);
            assertThat(refused.status()).isEqualTo(422);
            assertThat(refused.body()).doesNotContain(canary);
        }
        for (String secret : List.of("whsec_" + CANARY, CANARY, "[" + CANARY + "]", "\"" + CANARY)) {
            assertRefused(gateway.putOrganism(key, """
                    organism: {name: test}
                    listeners:
                      - name: relay
                        description: Relays.
                        handler: http
                        url: https://relay.example/
                        secret: %s
                        payload: {root: Task, fields: {Text: string}}
                    """.formatted(secret)));
        }
        for (ILoggingEvent event : new ArrayList<>(log.list)) {
            assertThat(text(event)).doesNotContain(canary);
        }
    }

    private static void assertRefused(Answer answer) {
        assertThat(answer.status()).as(answer.body()).isIn(207, 400, 401, 413, 415, 422);
        assertThat(answer.body()).doesNotContain(CANARY, "Exception", "\tat ", "io.agentserver", "com.ctc");
        assertThat(answer.raw().headers().map().toString()).doesNotContain(CANARY);
        if (answer.status() == 207) {
            assertThat(answer.body()).doesNotContain("\"status\":202");
        }
    }

    private String raw(String request) throws IOException {
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), gateway.port())) {
            socket.setSoTimeout(30_000);
            socket.getOutputStream().write(request.getBytes(StandardCharsets.ISO_8859_1));
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);
        }
    }

    private static String greeting(String inside) {
        return AdmissionTest.envelope("<from>console</from>", "<Greeting xmlns=\"\">" + inside + "</Greeting>");
    }

    private Answer xml(String body) {
        return gateway.post("/v1/messages", key, "application/xml", body);
    }

    private Answer batch(String body) {
        return gateway.post("/v1/messages", key, "application/vnd.agentserver.batch+xml", body);
    }

    private Answer json(String body) {
        return gateway.send(gateway.request("/v1/messages")
                .header("Authorization", "Bearer " + key)
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(body)));
    }
}
