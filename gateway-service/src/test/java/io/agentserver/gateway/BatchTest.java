package io.agentserver.gateway;

import io.agentserver.envelope.Ids;
import io.agentserver.envelope.MessageId;
import io.agentserver.envelope.TenantId;
import io.agentserver.envelope.ThreadId;
import io.agentserver.gateway.RunningGateway.Answer;
import io.agentserver.localstores.LocalStores;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import tools.jackson.databind.JsonNode;

import java.net.http.HttpRequest;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

import static io.agentserver.gateway.AdmissionTest.envelope;
import static org.assertj.core.api.Assertions.assertThat;

@ExtendWith(GatewayExtension.class)
class BatchTest {
    private final RunningGateway gateway;
    private final LocalStores stores;
    private String tenant = "";
    private String key = "";

    BatchTest(RunningGateway gateway, LocalStores stores) {
        this.gateway = gateway;
        this.stores = stores;
    }

    @BeforeEach
    void a_tenant_with_an_organism() {
        tenant = "t" + Ids.v7().toString().substring(0, 35).replace("-", "x");
        key = gateway.createTenant(tenant);
        assertThat(gateway.putOrganism(key, AdmissionTest.ORGANISM).status()).isEqualTo(200);
    }

    private static String greeting(String name, String meta) {
        return envelope("<from>console</from>" + meta, "<Greeting xmlns=\"\"><Name>" + name + "</Name></Greeting>");
    }

    private HttpRequest.Builder request(String messages) {
        return gateway.request("/v1/messages")
                .header("Content-Type", "application/vnd.agentserver.batch+xml")
                .POST(HttpRequest.BodyPublishers.ofString("<batch>" + messages + "</batch>"));
    }

    private Answer batch(String messages) {
        return gateway.send(request(messages).header("Authorization", "Bearer " + key));
    }

    private List<String> names() {
        return LogReader.all(stores, tenant).stream()
                .map(record -> new String(record.value(), StandardCharsets.UTF_8))
                .map(xml -> xml.substring(xml.indexOf("<Name>") + 6, xml.indexOf("</Name>")))
                .toList();
    }

    @Test
    void says_of_each_message_what_became_of_it() {
        Answer answer = batch(greeting("Ada", "")
                + envelope("<from>console</from>", "<Greeting xmlns=\"\"><Nome>B</Nome></Greeting>")
                + envelope("<from>greeter</from>", "<Greeting xmlns=\"\"><Name>C</Name></Greeting>")
                + greeting("Dora", ""));

        assertThat(answer.status()).as(answer.body()).isEqualTo(207);
        JsonNode results = answer.json().path("results");
        assertThat(results.size()).isEqualTo(4);
        assertThat(IntStream.range(0, 4).map(i -> results.path(i).path("status").asInt()))
                .containsExactly(202, 422, 422, 202);
        assertThat(results.path(0).path("message_id").asString()).hasSize(36);
        assertThat(results.path(0).path("turn_id")).isEqualTo(results.path(0).path("message_id"));
        assertThat(results.path(0).path("thread_id"))
                .isNotEqualTo(results.path(3).path("thread_id"));
        assertThat(results.path(1).path("problem").path("type").asString()).endsWith("/invalid-payload");
        assertThat(results.path(1).path("problem").path("pointer").asString()).isEqualTo("/message/Greeting/Nome");
        assertThat(results.path(2).path("problem").path("pointer").asString()).isEqualTo("/message/meta/from");
        assertThat(answer.counted("invalid-payload")).isEqualTo(1);
        assertThat(answer.counted("invalid-envelope")).isEqualTo(1);
        assertThat(names()).containsExactlyInAnyOrder("Ada", "Dora");
    }

    @Test
    void keeps_the_order_of_a_thread() {
        String thread = "<thread>" + Ids.v7() + "</thread>";
        String other = "<thread>" + Ids.v7() + "</thread>";
        StringBuilder messages = new StringBuilder();
        List<String> sent = new ArrayList<>();
        for (int i = 0; i < 60; i++) {
            messages.append(greeting("a" + i, thread)).append(greeting("b" + i, other));
            sent.add("a" + i);
        }

        Answer answer = batch(messages.toString());

        assertThat(answer.status()).as(answer.body()).isEqualTo(207);
        assertThat(answer.body()).doesNotContain("problem");
        assertThat(names().stream().filter(name -> name.startsWith("a")).toList())
                .isEqualTo(sent);
        assertThat(names().stream().filter(name -> name.startsWith("b")).toList())
                .hasSize(60);
    }

    @Test
    void a_batch_under_the_same_idempotency_key_is_the_same_messages() {
        String messages = greeting("Ada", "") + greeting("Ben", "");
        Answer first = gateway.send(
                request(messages).header("Authorization", "Bearer " + key).header("Idempotency-Key", "k1"));
        Answer again = gateway.send(
                request(messages).header("Authorization", "Bearer " + key).header("Idempotency-Key", "k1"));

        assertThat(first.status()).isEqualTo(207);
        assertThat(again.body()).isEqualTo(first.body());
        assertThat(names()).containsExactlyInAnyOrder("Ada", "Ben");
    }

    @Test
    void the_same_id_twice_in_a_batch_is_one_message() {
        String id = "<d:id xmlns:d=\"https://xml-pipeline.org/ns/delivery/v1\">" + Ids.v7() + "</d:id>";
        Answer answer = batch(greeting("Ada", id) + greeting("Ada", id) + greeting("Eve", id));

        JsonNode results = answer.json().path("results");
        assertThat(results.path(1)).as(answer.body()).isEqualTo(results.path(0));
        assertThat(results.path(2).path("problem").path("type").asString()).endsWith("/idempotency-mismatch");
        assertThat(names()).containsExactly("Ada");
    }

    @Test
    void carries_on_the_trace_of_the_client_for_each() {
        String trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        gateway.send(request(greeting("Ada", "") + greeting("Ben", ""))
                .header("Authorization", "Bearer " + key)
                .header("traceparent", trace));

        assertThat(LogReader.all(stores, tenant))
                .hasSize(2)
                .allSatisfy(record -> assertThat(new String(
                                record.headers().lastHeader("traceparent").value(), StandardCharsets.UTF_8))
                        .isEqualTo(trace));
    }

    @Test
    void what_is_no_batch_leaves_nothing_on_the_log() {
        Answer malformed = batch(greeting("Ada", "") + "<message>");
        Answer text = batch(greeting("Ada", "") + "and more");
        Answer large = batch("<!--" + "x".repeat(4 * 1024 * 1024) + "-->");
        Answer many = batch(greeting("Ada", "").repeat(501));

        assertThat(malformed.status()).isEqualTo(400);
        assertThat(malformed.problem()).isEqualTo("malformed-xml");
        assertThat(text.status()).isEqualTo(422);
        assertThat(text.problem()).isEqualTo("invalid-envelope");
        assertThat(large.status()).isEqualTo(413);
        assertThat(many.status()).isEqualTo(422);
        assertThat(names()).isEmpty();
    }

    @Test
    void without_an_api_key_each_message_must_be_signed() {
        Answer answer = gateway.send(request(greeting("Ada", "") + envelope("", "<Greeting xmlns=\"\"/>")));

        assertThat(answer.status()).as(answer.body()).isEqualTo(207);
        assertThat(IntStream.range(0, 2)
                        .mapToObj(i -> answer.json()
                                .path("results")
                                .path(i)
                                .path("status")
                                .asInt())
                        .collect(Collectors.toSet()))
                .containsExactly(401);
        String large = "<!--" + "x".repeat(300_000) + "-->";
        assertThat(gateway.send(request(large)).status()).isEqualTo(413);
        assertThat(batch(greeting("Ada", "") + large).status()).isEqualTo(207);
    }

    @Test
    void a_thread_that_a_message_begins_by_its_id_is_one_with_those_that_name_it() {
        String ids = "<d:id xmlns:d=\"https://xml-pipeline.org/ns/delivery/v1\">";
        StringBuilder messages = new StringBuilder();
        List<String> expected = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            MessageId id = MessageId.create();
            ThreadId thread = ThreadId.ofFirstMessage(new TenantId(tenant), id);
            messages.append(greeting("first" + i, ids + id + "</d:id>"))
                    .append(greeting("then" + i, "<thread>" + thread + "</thread>"));
            expected.add("first" + i + " then" + i);
        }

        assertThat(batch(messages.toString()).body()).doesNotContain("problem");

        List<String> names = names();
        assertThat(expected)
                .allSatisfy(pair -> assertThat(names.indexOf(pair.split(" ", 2)[0]))
                        .isLessThan(names.indexOf(pair.split(" ", 2)[1])));
    }
}
