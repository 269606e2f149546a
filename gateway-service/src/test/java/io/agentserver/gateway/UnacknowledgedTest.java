package io.agentserver.gateway;

import io.agentserver.envelope.Ids;
import io.agentserver.gateway.RunningGateway.Answer;
import io.agentserver.localstores.LocalStores;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.common.config.ConfigResource;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

import java.net.http.HttpRequest;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;

import static org.assertj.core.api.Assertions.assertThat;

/** The log has too few replicas to acknowledge anything: never a 202 for what it may not have. */
@ExtendWith(GatewayExtension.class)
class UnacknowledgedTest {
    private final RunningGateway gateway;
    private final LocalStores stores;
    private final String tenant = "l" + Ids.v7().toString().substring(0, 35).replace("-", "x");
    private String key = "";

    UnacknowledgedTest(RunningGateway gateway, LocalStores stores) {
        this.gateway = gateway;
        this.stores = stores;
    }

    @BeforeEach
    void a_tenant_with_an_organism() {
        key = gateway.createTenant(tenant);
        assertThat(gateway.putOrganism(key, AdmissionTest.ORGANISM).status()).isEqualTo(200);
    }

    @Test
    void what_the_log_does_not_acknowledge_is_503_with_the_ids_to_repeat_it_with() throws Exception {
        needReplicas(2); // of one
        String greeting = AdmissionTest.envelope("<from>c</from>", "<Greeting xmlns=\"\"><Name>x</Name></Greeting>");
        Answer unknown = send(greeting, "order-1");

        assertThat(unknown.status()).as(unknown.body()).isEqualTo(503);
        assertThat(unknown.problem()).isEqualTo("unavailable");
        assertThat(unknown.header("Retry-After")).isNotEmpty();
        String id = unknown.json().path("message_id").asString();
        String thread = unknown.json().path("thread_id").asString();

        needReplicas(1);
        Answer repeated = send(
                greeting.replace(
                        "</meta>",
                        "<thread>" + thread + "</thread><id xmlns=\"https://xml-pipeline.org/ns/delivery/v1\">" + id
                                + "</id></meta>"),
                null);
        assertThat(repeated.status()).as(repeated.body()).isEqualTo(202);
        assertThat(repeated.json().path("message_id").asString()).isEqualTo(id);
        assertThat(repeated.json().path("thread_id").asString()).isEqualTo(thread);
        assertThat(send(greeting, "order-1").body()).as("by its key, too").isEqualTo(repeated.body());
        assertThat(send(greeting.replace(">x<", ">y<"), "order-1").problem()).isEqualTo("idempotency-mismatch");
        assertThat(LogReader.all(stores, tenant))
                .isNotEmpty()
                .allMatch(record -> new String(
                                record.headers().lastHeader("message-id").value(), StandardCharsets.UTF_8)
                        .equals(id));
    }

    @Test
    void each_message_of_a_batch_is_503_by_itself() throws Exception {
        needReplicas(2);
        String good = AdmissionTest.envelope("<from>c</from>", "<Greeting xmlns=\"\"><Name>x</Name></Greeting>");
        Answer batch = gateway.post(
                "/v1/messages",
                key,
                "application/vnd.agentserver.batch+xml",
                "<batch>" + good + good.replace("Name", "Nome") + "</batch>");
        assertThat(batch.status()).as(batch.body()).isEqualTo(207);
        assertThat(batch.json().path("results").path(0).path("status").asInt()).isEqualTo(503);
        assertThat(batch.json()
                        .path("results")
                        .path(0)
                        .path("problem")
                        .path("message_id")
                        .asString())
                .hasSize(36);
        assertThat(batch.json().path("results").path(1).path("status").asInt()).isEqualTo(422);
        needReplicas(1);
    }

    private void needReplicas(int count) throws Exception {
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", stores.kafkaBootstrap()))) {
            ConfigResource topic = new ConfigResource(ConfigResource.Type.TOPIC, "messages." + tenant);
            admin.incrementalAlterConfigs(Map.of(
                            topic,
                            List.of(new AlterConfigOp(
                                    new ConfigEntry("min.insync.replicas", String.valueOf(count)),
                                    AlterConfigOp.OpType.SET))))
                    .all()
                    .get();
        }
    }

    private Answer send(String xml, @Nullable String idempotencyKey) {
        HttpRequest.Builder request = gateway.request("/v1/messages")
                .header("Authorization", "Bearer " + key)
                .header("Content-Type", "application/xml")
                .POST(HttpRequest.BodyPublishers.ofString(xml));
        return gateway.send(idempotencyKey == null ? request : request.header("Idempotency-Key", idempotencyKey));
    }
}
