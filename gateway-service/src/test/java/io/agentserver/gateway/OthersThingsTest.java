package io.agentserver.gateway;

import io.agentserver.envelope.Ids;
import io.agentserver.gateway.RunningGateway.Answer;
import io.agentserver.localstores.LocalStores;
import org.apache.kafka.clients.admin.Admin;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.http.HttpRequest;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Map;

import static org.assertj.core.api.Assertions.assertThat;

/** What belongs to somebody else is as if it were not there, however it is asked for. */
@ExtendWith(GatewayExtension.class)
class OthersThingsTest {
    private final RunningGateway gateway;
    private final LocalStores stores;
    private final String tenant = "o" + Ids.v7().toString().substring(0, 35).replace("-", "x");
    private String key = "";

    OthersThingsTest(RunningGateway gateway, LocalStores stores) {
        this.gateway = gateway;
        this.stores = stores;
    }

    @BeforeEach
    void a_tenant() {
        key = gateway.createTenant(tenant);
    }

    // another tenant's thread, key, dead letter (threads: EndToEndContract, dead letters: DeadLettersTest)

    @Test
    void another_tenants_key_or_signing_key_is_404_in_the_bytes_of_one_that_does_not_exist_and_counted() {
        SigningOrg owner = new SigningOrg(gateway);
        String id = gateway.entry(owner.tenant).apiKeys().getFirst().id();
        double before = rejected("not-found");

        List<String> theirs = List.of(
                withoutRequestId(delete("/v1/keys/" + id)),
                withoutRequestId(gateway.post("/v1/keys/" + id + "/rotate", key, "application/json", "")),
                withoutRequestId(delete("/v1/signing-keys/" + SigningOrg.KID)),
                withoutRequestId(gateway.get("/v1/listeners/greeter/schema", key)));
        List<String> absent = List.of(
                withoutRequestId(delete("/v1/keys/" + Ids.v7())),
                withoutRequestId(gateway.post("/v1/keys/" + Ids.v7() + "/rotate", key, "application/json", "")),
                withoutRequestId(delete("/v1/signing-keys/nobodys")),
                withoutRequestId(gateway.get("/v1/listeners/nobody/schema", key)));

        assertThat(theirs).isEqualTo(absent).allMatch(body -> body.startsWith("404"));
        assertThat(rejected("not-found")).isEqualTo(before + 8);
        assertThat(gateway.get("/v1/keys", owner.key).json().path("data")).hasSize(1);
        assertThat(gateway.get("/v1/signing-keys", owner.key).body()).contains(SigningOrg.KID);
    }

    /** For lists there is no other's to be named: they hold what is the caller's. */
    @Test
    void lists_and_documents_hold_nothing_of_another_tenant() {
        SigningOrg owner = new SigningOrg(gateway);
        String id = gateway.entry(owner.tenant).apiKeys().getFirst().id();
        for (String path : List.of(
                "/v1/keys",
                "/v1/signing-keys",
                "/v1/provider-keys",
                "/v1/listeners",
                "/v1/organism",
                "/v1/organism/versions",
                "/v1/dead-letters")) {
            assertThat(gateway.get(path, key).body())
                    .as(path)
                    .doesNotContain(owner.tenant, id, SigningOrg.KID, "greeter");
        }
    }

    // tenant in the body differs from the caller's

    @Test
    void a_signed_envelope_of_another_tenant_is_403_with_an_api_key_beside_it() {
        SigningOrg owner = new SigningOrg(gateway);
        Answer answer = gateway.post("/v1/messages", key, "application/xml", owner.signed(SigningOrg.unsigned()));
        assertThat(answer.status()).as(answer.body()).isEqualTo(403);
        assertThat(answer.problem()).isEqualTo("forbidden");
        assertThat(LogReader.all(stores, owner.tenant)).isEmpty();
        assertThat(LogReader.all(stores, tenant)).isEmpty();
    }

    /** And it is each message's own in a batch. */
    @Test
    void a_signed_envelope_of_another_tenant_in_a_batch_is_403() {
        SigningOrg owner = new SigningOrg(gateway);
        SigningOrg caller = new SigningOrg(gateway);
        Answer answer = gateway.post(
                "/v1/messages",
                caller.key,
                "application/vnd.agentserver.batch+xml",
                "<batch>" + owner.signed(SigningOrg.unsigned()) + caller.signed(SigningOrg.unsigned()) + "</batch>");
        assertThat(answer.status()).as(answer.body()).isEqualTo(207);
        assertThat(answer.json().path("results").path(0).path("status").asInt()).isEqualTo(403);
        assertThat(answer.json().path("results").path(1).path("status").asInt()).isEqualTo(202);
        assertThat(LogReader.all(stores, owner.tenant)).isEmpty();
    }

    // ids with /, .., %00, look-alikes, over-long

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/v1/threads/{id}",
                "/v1/threads/{id}/messages",
                "/v1/threads/{id}/events",
                "/v1/dead-letters/{id}",
                "/v1/listeners/{id}/schema",
                "/v1/static/{id}/x",
                "/v1/static/1/{id}",
                "DELETE /v1/keys/{id}",
                "DELETE /v1/signing-keys/{id}",
                "DELETE /v1/provider-keys/{id}",
                "POST /v1/keys/{id}/rotate",
                "POST /v1/threads/{id}/cancel",
                "POST /v1/dead-letters/{id}/redrive",
                "POST /v1/respond/{id}",
                "/admin/v1/tenants/{id}",
                "PATCH /admin/v1/tenants/{id}",
                "POST /admin/v1/tenants/{id}/keys",
                "POST /admin/v1/tenants/{id}/credit",
            })
    void odd_ids_in_a_path_are_400_or_404(String call) throws IOException {
        String method = call.startsWith("/") ? "GET" : call.substring(0, call.indexOf(' '));
        String path = call.substring(call.indexOf('/'));
        String caller = path.startsWith("/admin") ? RunningGateway.ADMIN_KEY : key;
        String body = method.equals("GET") || method.equals("DELETE")
                ? ""
                : path.endsWith("/keys") ? "{\"name\":\"x\"}" : "{}";
        for (String id : List.of(
                "%2e%2e",
                "..%2f..%2fetc%2fpasswd",
                "a%2Fb",
                "%00",
                tenant + "%00",
                tenant + "%20",
                tenant + "%0a",
                "%0d%0aX-Injected:%20yes",
                "%c0%ae%c0%ae",
                "%ff",
                "..;",
                "a;b=c",
                "a%5cb",
                "%D0%B0%D1%81me", // Cyrillic
                "%EF%BC%90199c0de-7a11-7000-8000-000000000001", // a full-width digit
                "0199c0de7a1170008000000000000001",
                "{0199c0de-7a11-7000-8000-000000000001}".replace("{", "%7B").replace("}", "%7D"),
                "'%20OR%20'1'='1",
                "$%7Bjndi:ldap:%2f%2f127.0.0.1%2fx%7D",
                "%25",
                "*",
                "-1",
                "a".repeat(3000))) {
            String answer = raw(method, path.replace("{id}", id), caller, body);
            assertThat(answer).as(method + " " + path + " " + id).matches("(?s)HTTP/1.1 40[04] .*");
            assertThat(answer)
                    .contains("application/problem+json", "\"request_id\":\"")
                    .doesNotContain("X-Injected", "Exception", "<html", "/etc/passwd");
        }
    }

    /** As bytes, for a client's library would not send most of them. */
    private String raw(String method, String path, String caller, String body) throws IOException {
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), gateway.port())) {
            socket.setSoTimeout(30_000);
            socket.getOutputStream()
                    .write((method + " " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer "
                                    + caller
                                    + "\r\nContent-Type: application/json\r\nIdempotency-Key: k\r\nContent-Length: "
                                    + body.length() + "\r\n\r\n" + body)
                            .getBytes(StandardCharsets.ISO_8859_1));
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    @Test
    void a_tenant_id_that_only_looks_like_one_is_refused_and_gets_no_topic() throws Exception {
        for (String id : List.of(
                tenant.toUpperCase(Locale.ROOT),
                tenant.substring(1) + ".x",
                "a_b_c", // Kafka's metrics take it for a.b.c
                "a.b.c",
                "\u0430cme", // Cyrillic
                "acme\u200b",
                "acme\\u0000",
                "acme\\n",
                "acme/x",
                "../acme",
                "..",
                "a",
                "acme-",
                "-acme",
                "1acme",
                "{acme}",
                "a".repeat(41))) {
            Answer refused = gateway.post(
                    "/admin/v1/tenants",
                    RunningGateway.ADMIN_KEY,
                    "application/json",
                    "{\"id\":\"" + id + "\",\"name\":\"x\"}");
            assertThat(refused.status()).as(id + refused.body()).isEqualTo(422);
        }
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", stores.kafkaBootstrap()))) {
            assertThat(admin.listTopics().names().get())
                    .filteredOn(name -> name.startsWith("messages."))
                    .isNotEmpty()
                    .allMatch(name -> name.matches("messages\\.[a-z][a-z0-9-]{1,38}[a-z0-9]"));
        }
    }

    @Test
    void a_kid_that_is_no_name_is_not_registered() {
        for (String kid : List.of("", "a/b", "../x", "a\\u0000", "a b", "\u0430", "x".repeat(129))) {
            Answer refused = gateway.post(
                    "/v1/signing-keys",
                    key,
                    "application/json",
                    KeysTest.jwk("the-kid").replace("the-kid", kid));
            assertThat(refused.status()).as(kid + refused.body()).isEqualTo(422);
        }
        assertThat(gateway.entry(tenant).signingKeys()).isEmpty();
    }

    // unknown JSON members (balance, role, …)

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            POST  | /v1/messages                       | {"payload":{"Greeting":{"Name":"x"}}
            POST  | /v1/keys                           | {"name":"x","scopes":["threads:read"]
            POST  | /v1/keys/{key}/rotate              | {
            POST  | /v1/threads/{uuid}/cancel          | {
            POST  | /v1/dead-letters/0-0/redrive       | {
            POST  | /v1/dead-letters/redrive           | {"rate":1
            POST  | /admin/v1/tenants                  | {"id":"never-made","name":"x"
            PATCH | /admin/v1/tenants/{tenant}         | {"plan":"dev"
            PATCH | /admin/v1/tenants/{tenant}         | {"rate_limit":{"per_second":1,"burst":1
            PATCH | /admin/v1/tenants/{tenant}         | {"llm_limits":{"concurrent":1
            PATCH | /admin/v1/tenants/{tenant}         | {"retention_hours":1
            POST  | /admin/v1/tenants/{tenant}/keys    | {"name":"x"
            POST  | /admin/v1/tenants/{tenant}/credit  | {"amount_microusd":1,"reason":"x"
            POST  | /v1/signing-keys                   | {jwk}
            PUT   | /v1/provider-keys/openai           | {"key":"sk-0123456789"
            """)
    void an_unknown_member_is_422_and_changes_nothing(String method, String path, String good) {
        String caller = path.startsWith("/admin") ? RunningGateway.ADMIN_KEY : key;
        String id = gateway.entry(tenant).apiKeys().getFirst().id();
        String begin = good.replace("{jwk}", KeysTest.jwk("k").replaceFirst("}$", ""));
        for (String member : List.of(
                "\"balance\":1",
                "\"role\":\"admin\"",
                "\"tenant\":\"another\"",
                "\"__proto__\":{}",
                "\"Name\":\"x\"",
                "\"\":1")) {
            String body = begin + (begin.endsWith("{") ? "" : ",") + member + (begin.contains("_limit") ? "}}" : "}");
            Answer answer = gateway.send(gateway.request(path.replace("{tenant}", tenant)
                            .replace("{key}", id)
                            .replace("{uuid}", Ids.v7().toString()))
                    .header("Authorization", "Bearer " + caller)
                    .header("Content-Type", "application/json")
                    .header("Idempotency-Key", "k")
                    .method(method, HttpRequest.BodyPublishers.ofString(body)));
            assertThat(answer.status()).as(body + answer.body()).isEqualTo(422);
            assertThat(answer.problem()).isEqualTo("unknown-field");
        }
        assertThat(gateway.entry(tenant).apiKeys()).hasSize(1);
        assertThat(gateway.entry(tenant).plan()).isEqualTo("default");
        assertThat(gateway.entry(tenant).signingKeys()).isEmpty();
        assertThat(gateway.entry(tenant).providerKeys()).isNull();
    }

    // a handler URL to loopback, private, link-local or metadata addresses

    @ParameterizedTest
    @ValueSource(
            strings = {
                "http://127.0.0.1/",
                "http://localhost:8080/",
                "http://[::1]/",
                "http://2130706433/",
                "http://0x7f000001/",
                "http://0177.0.0.1/",
                "http://127.1/",
                "http://0.0.0.0/",
                "http://10.1.2.3/",
                "http://172.16.0.1/",
                "http://192.168.0.1/",
                "http://100.64.0.1/",
                "http://169.254.169.254/latest/meta-data/",
                "http://[fd00:ec2::254]/",
                "http://[fe80::1]/",
                "http://[::ffff:169.254.169.254]/",
                "http://metadata.google.internal/",
                "http://100.100.100.200/",
                "http://redis:6379/",
                "http://kubernetes.default.svc/",
                "http://user@169.254.169.254/",
                "http://example.com@127.0.0.1/",
                "http://127.0.0.1#@example.com/",
                "file:///etc/passwd",
                "gopher://127.0.0.1/",
                "jar:http://127.0.0.1!/",
                "http:/127.0.0.1/",
                "//127.0.0.1/",
            })
    void a_handler_url_to_where_only_the_platform_may_go_is_422_when_saved(String url) {
        Answer refused = gateway.putOrganism(key, """
                organism: {name: test}
                listeners:
                  - name: spy
                    description: Reads what it should not.
                    handler: http
                    url: "%s"
                    secret: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw
                    payload: {root: Read, fields: {Path: string}}
                """.formatted(url));
        assertThat(refused.status()).as(refused.body()).isEqualTo(422);
        assertThat(refused.problem()).isEqualTo("invalid-organism");
        assertThat(gateway.get("/v1/organism", key).status()).as("not saved").isEqualTo(404);
    }

    private Answer delete(String path) {
        return gateway.send(
                gateway.request(path).header("Authorization", "Bearer " + key).DELETE());
    }

    private static String withoutRequestId(Answer answer) {
        return answer.status() + answer.body().replaceAll("\"request_id\":\"[^\"]*\"", "");
    }

    private double rejected(String reason) {
        return gateway.metrics()
                .lines()
                .filter(line ->
                        line.startsWith("agentserver_rejected_total{") && line.contains("reason=\"" + reason + "\""))
                .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' '))))
                .sum();
    }
}
