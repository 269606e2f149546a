package io.agentserver.gateway;

import io.agentserver.envelope.Ids;
import io.agentserver.envelope.TenantId;
import io.agentserver.gateway.RunningGateway.Answer;
import io.agentserver.localstores.LocalKafka;
import io.agentserver.localstores.LocalStores;
import io.agentserver.log.RecordHeaders;
import io.agentserver.log.Topics;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.NewPartitionReassignment;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.TopicPartitionInfo;
import org.apache.kafka.common.config.ConfigResource;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;

import static org.assertj.core.api.Assertions.assertThat;

/** A broker that is well and takes nothing, because fewer replicas of a topic are in sync than it asks for. */
@ExtendWith(GatewayExtension.class)
class TooFewReplicasTest {
    private static final Duration LIMIT = Duration.ofSeconds(60);
    private static final String BATCH = "application/vnd.agentserver.batch+xml";

    private final RunningGateway gateway;
    private final LocalStores stores;
    private final String tenant = "r" + Ids.v7().toString().substring(0, 35).replace("-", "x");

    private final String topic = Topics.messages(new TenantId(tenant));

    TooFewReplicasTest(RunningGateway gateway, LocalStores stores) {
        this.gateway = gateway;
        this.stores = stores;
    }

    @Test
    void is_503_with_the_ids_to_repeat_it_with_and_the_repeats_make_one_message_each(@TempDir Path directory)
            throws Exception {
        String key = gateway.createTenant(tenant);
        assertThat(gateway.putOrganism(key, AdmissionTest.ORGANISM).status()).isEqualTo(200);
        try (Admin admin = Admin.create(Map.of(AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG, stores.kafkaBootstrap()))) {
            askFor(admin, 2);
            losesTheOtherReplica(admin, directory);

            CompletableFuture<Answer> many = new CompletableFuture<>(); // beside the other: each waits for some seconds
            Thread.startVirtualThread(() -> many.complete(
                    gateway.post("/v1/messages", key, BATCH, "<batch>" + greeting("", "many") + "</batch>")));
            Answer one = gateway.post("/v1/messages", key, "application/xml", greeting("", "one"));
            assertThat(one.status()).as(one.body()).isEqualTo(503);
            assertThat(one.problem()).isEqualTo("unavailable");
            assertThat(one.header("Retry-After")).isNotEmpty();
            JsonNode inBatch = many.get().json().path("results").path(0);
            assertThat(inBatch.path("status").asInt()).as(many.get().body()).isEqualTo(503);
            assertThat(LogReader.all(stores, tenant)).as("nobody may read it").isEmpty();

            askFor(admin, 1);
            repeat(key, one.json(), "one");
            repeat(key, one.json(), "one"); // as who has not heard the answer
            repeat(key, inBatch.has("message_id") ? inBatch : inBatch.path("problem"), "many");
            assertThat(LogReader.all(stores, tenant))
                    .extracting(record -> new String(
                            record.headers()
                                    .lastHeader(RecordHeaders.MESSAGE_ID)
                                    .value(),
                            StandardCharsets.UTF_8))
                    .contains(one.json().path("message_id").asString())
                    .satisfies(ids -> assertThat(ids.stream().distinct()).hasSize(2));
        }
    }

    private void repeat(String key, JsonNode ids, String name) {
        String id = ids.path("message_id").asString();
        String thread = ids.path("thread_id").asString();
        Answer again = gateway.post(
                "/v1/messages",
                key,
                "application/xml",
                greeting(
                        "<thread>" + thread + "</thread><id xmlns=\"https://xml-pipeline.org/ns/delivery/v1\">" + id
                                + "</id>",
                        name));
        assertThat(again.status()).as(again.body()).isEqualTo(202);
        assertThat(again.json().path("message_id").asString()).isEqualTo(id);
    }

    private static String greeting(String ids, String name) {
        return AdmissionTest.envelope(
                "<from>c</from>" + ids, "<Greeting xmlns=\"\"><Name>" + name + "</Name></Greeting>");
    }

    private void askFor(Admin admin, int replicas) throws Exception {
        ConfigEntry least = new ConfigEntry("min.insync.replicas", String.valueOf(replicas));
        admin.incrementalAlterConfigs(Map.of(
                        new ConfigResource(ConfigResource.Type.TOPIC, topic),
                        List.of(new AlterConfigOp(least, AlterConfigOp.OpType.SET))))
                .all()
                .get();
    }

    private List<TopicPartitionInfo> partitions(Admin admin) throws Exception {
        return admin.describeTopics(List.of(topic)).allTopicNames().get().values().stream()
                .flatMap(description -> description.partitions().stream())
                .toList();
    }

    /** A second broker that has a replica of each of the topic's partitions, and goes. */
    private void losesTheOtherReplica(Admin admin, Path directory) throws Exception {
        try (LocalKafka _ = stores.kafka().joinedBy(directory, 2)) {
            Awaitility.await()
                    .atMost(LIMIT)
                    .until(() -> admin.describeCluster().nodes().get().size() == 2);
            admin.alterPartitionReassignments(partitions(admin).stream()
                            .collect(Collectors.toMap(
                                    partition -> new TopicPartition(topic, partition.partition()),
                                    _ -> Optional.of(new NewPartitionReassignment(List.of(1, 2))))))
                    .all()
                    .get();
            Awaitility.await()
                    .atMost(LIMIT)
                    .until(() -> partitions(admin).stream()
                            .allMatch(partition -> partition.isr().size() == 2));
        }
        Awaitility.await()
                .atMost(LIMIT)
                .until(() -> partitions(admin).stream()
                        .allMatch(partition -> partition.isr().size() == 1));
    }
}
