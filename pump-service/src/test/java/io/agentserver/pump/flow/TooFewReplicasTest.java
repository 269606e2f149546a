package io.agentserver.pump.flow;

import io.agentserver.localstores.LocalKafka;
import io.agentserver.log.Brokers;
import io.agentserver.log.RecordHeaders;
import io.agentserver.log.Topics;
import io.agentserver.pump.handler.HandlerOutput;
import io.agentserver.pump.log.KafkaOutbox;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

/** A log that takes nothing, because fewer replicas are in sync than a topic asks for. */
class TooFewReplicasTest extends FlowFixture {
    private static final Duration LIMIT = Duration.ofSeconds(60);
    private static final String TOPIC = Topics.messages(DEMO);

    @Test
    void outputs_wait_in_the_journal_and_go_to_the_log_once_when_it_takes_them(@TempDir Path second) throws Exception {
        List<UnavailableException> refused = new ArrayList<>();
        try (Admin admin = Admin.create(Map.of(AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG, kafka.bootstrap()));
                KafkaOutbox real = new KafkaOutbox(Brokers.plain(kafka.bootstrap()))) {
            createOnTwoBrokersOfWhichOneGoes(admin, second);
            outbox = records -> {
                try {
                    real.append(records);
                } catch (UnavailableException e) {
                    refused.add(e);
                    assertThat(journal.completed).as("it has taken effect").hasSize(1);
                    askForOneReplica(admin);
                    throw e;
                }
            };
            http = _ -> done(
                    new HandlerOutput.Forward("shouter", "<GreetingResponse><Message>hi</Message></GreetingResponse>"));
            step(client("service", "<Job><Text>x</Text></Job>"));
        }

        assertThat(refused).singleElement().satisfies(e -> assertThat(e).hasMessageContaining("did not acknowledge"));
        assertThat(pauses).as("in the message's own lane").hasSize(1);
        assertThat(onTheLog())
                .singleElement()
                .satisfies(record -> assertThat(new String(
                                record.headers()
                                        .lastHeader(RecordHeaders.MESSAGE_ID)
                                        .value(),
                                StandardCharsets.UTF_8))
                        .isEqualTo(last().getOutputs(0).getMessage()));
    }

    private static void createOnTwoBrokersOfWhichOneGoes(Admin admin, Path directory) throws Exception {
        try (LocalKafka _ = kafka.joinedBy(directory, 2)) {
            await().atMost(LIMIT)
                    .until(() -> admin.describeCluster().nodes().get().size() == 2);
            admin.createTopics(List.of(
                            new NewTopic(TOPIC, Map.of(0, List.of(1, 2))).configs(Map.of("min.insync.replicas", "2"))))
                    .all()
                    .get();
        }
        await().atMost(LIMIT)
                .until(() -> admin.describeTopics(List.of(TOPIC)).allTopicNames().get().values().stream()
                        .allMatch(topic -> topic.partitions().getFirst().isr().size() == 1));
    }

    private static void askForOneReplica(Admin admin) {
        ConfigResource topic = new ConfigResource(ConfigResource.Type.TOPIC, TOPIC);
        try {
            admin.incrementalAlterConfigs(Map.of(
                            topic,
                            List.of(new AlterConfigOp(
                                    new ConfigEntry("min.insync.replicas", "1"), AlterConfigOp.OpType.SET))))
                    .all()
                    .get();
        } catch (ExecutionException | InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private static List<ConsumerRecord<byte[], byte[]>> onTheLog() {
        try (KafkaConsumer<byte[], byte[]> consumer =
                Brokers.plain(kafka.bootstrap()).consumer(Map.of())) {
            TopicPartition partition = new TopicPartition(TOPIC, 0);
            consumer.assign(List.of(partition));
            consumer.seekToBeginning(List.of(partition));
            long end = consumer.endOffsets(List.of(partition)).getOrDefault(partition, 0L);
            List<ConsumerRecord<byte[], byte[]>> all = new ArrayList<>();
            while (consumer.position(partition) < end) {
                consumer.poll(Duration.ofMillis(200)).forEach(all::add);
            }
            return all;
        }
    }
}
