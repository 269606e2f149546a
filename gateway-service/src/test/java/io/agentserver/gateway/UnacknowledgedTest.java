package io.agentserver.gateway;

import io.agentserver.envelope.Ids;
import io.agentserver.gateway.RunningGateway.Answer;
import io.agentserver.localstores.LocalKafka;
import io.agentserver.localstores.LocalStores;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

import java.net.http.HttpRequest;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;

import static org.assertj.core.api.Assertions.assertThat;

/** While the broker is down there is never a 202 for what it may not have; with it back all goes on by itself. */
class UnacknowledgedTest {
    private static final String GREETING =
            AdmissionTest.envelope("<from>c</from>", "<Greeting xmlns=\"\"><Name>x</Name></Greeting>");

    private final String tenant = "l" + Ids.v7().toString().substring(0, 35).replace("-", "x");

    @Test
    void what_the_log_does_not_acknowledge_is_503_with_the_ids_to_repeat_it_with() {
        try (LocalStores stores = RunningGateway.stores();
                RunningGateway gateway = RunningGateway.on(stores)) {
            String key = gateway.createTenant(tenant);
            assertThat(gateway.putOrganism(key, AdmissionTest.ORGANISM).status())
                    .isEqualTo(200);
            stores.kafka().close();

            Answer unknown = send(gateway, key, GREETING);
            assertThat(unknown.status()).as(unknown.body()).isEqualTo(503);
            assertThat(unknown.problem()).isEqualTo("unavailable");
            assertThat(unknown.header("Retry-After")).isNotEmpty();
            String id = unknown.json().path("message_id").asString();
            String thread = unknown.json().path("thread_id").asString();
            Answer batch = gateway.post(
                    "/v1/messages",
                    key,
                    "application/vnd.agentserver.batch+xml",
                    "<batch>" + AdmissionTest.envelope("<from>c</from>", "<Nobody xmlns=\"\"/>") + "</batch>");
            assertThat(batch.json().path("results").path(0).path("status").asInt())
                    .as("what is wrong is still said: " + batch.body())
                    .isEqualTo(422);

            Path directory = stores.directory().resolve("kafka");
            try (LocalKafka back = LocalKafka.start(directory, stores.kafka().port())) {
                String byIds = GREETING.replace(
                        "</meta>",
                        "<thread>" + thread + "</thread><id xmlns=\"https://xml-pipeline.org/ns/delivery/v1\">" + id
                                + "</id></meta>");
                Awaitility.await()
                        .atMost(Duration.ofSeconds(60))
                        .until(() -> gateway.post("/v1/messages", key, "application/xml", byIds)
                                        .status()
                                == 202);
                Answer byKey = send(gateway, key, GREETING);
                assertThat(byKey.status()).as(byKey.body()).isEqualTo(202);
                assertThat(byKey.json().path("message_id").asString()).isEqualTo(id);
                assertThat(byKey.json().path("thread_id").asString()).isEqualTo(thread);
                assertThat(send(gateway, key, GREETING.replace(">x<", ">y<")).problem())
                        .isEqualTo("idempotency-mismatch");
                assertThat(LogReader.all(stores, tenant))
                        .as("on " + back.bootstrap())
                        .isNotEmpty()
                        .allMatch(record -> new String(
                                        record.headers()
                                                .lastHeader("message-id")
                                                .value(),
                                        StandardCharsets.UTF_8)
                                .equals(id));
            }
        }
    }

    private static Answer send(RunningGateway gateway, String key, String xml) {
        return gateway.send(gateway.request("/v1/messages")
                .header("Authorization", "Bearer " + key)
                .header("Content-Type", "application/xml")
                .header("Idempotency-Key", "order-1")
                .POST(HttpRequest.BodyPublishers.ofString(xml)));
    }
}
