package io.agentserver.gateway.deletion;

import io.agentserver.buffer.v1.BufferGrpc;
import io.agentserver.buffer.v1.ShardStats;
import io.agentserver.buffer.v1.StatsReply;
import io.agentserver.buffer.v1.StatsRequest;
import io.agentserver.envelope.TenantId;
import io.agentserver.gateway.log.LogTopics;
import io.agentserver.gateway.threads.ThreadBuffer;
import io.agentserver.localstores.LocalKafka;
import io.agentserver.log.Topics;
import io.agentserver.service.PlatformKeys;
import io.agentserver.service.ServiceTokens;
import io.agentserver.service.grpc.GrpcAddress;
import io.grpc.Server;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.StreamObserver;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringSerializer;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;

import static org.assertj.core.api.Assertions.assertThat;

/** What becomes of messages on their way, and what the receipt says of them; over a broker, whose pumps are a test's word. */
class LogStepTest {
    private static final Instant TOLD = Instant.parse("2026-11-30T12:00:00Z");
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final int PARTITIONS = 4;

    @SuppressWarnings("NullAway.Init")
    private static LocalKafka broker;

    @SuppressWarnings("NullAway.Init")
    private static Admin admin;

    @SuppressWarnings("NullAway.Init")
    private static Server buffer;

    @SuppressWarnings("NullAway.Init")
    private static ThreadBuffer threads;

    private final TenantId tenant =
            new TenantId("t" + UUID.randomUUID().toString().substring(0, 8));
    private final LogTopics topics = new LogTopics(admin, (short) 1);

    @BeforeAll
    static void start(@TempDir Path directory) throws IOException {
        broker = LocalKafka.start(directory.resolve("kafka"), 0);
        admin = Admin.create(Map.of("bootstrap.servers", broker.bootstrap()));
        buffer = NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                .addService(new TwoTurnsOpen())
                .build()
                .start();
        Path keys = directory.resolve("platform-keys.json");
        PlatformKeys.createIfAbsent(keys);
        threads = new ThreadBuffer(
                new GrpcAddress("127.0.0.1:" + buffer.getPort()),
                new ServiceTokens(PlatformKeys.load(keys), Clock.systemUTC()),
                Optional::empty);
    }

    @AfterAll
    static void stop() {
        threads.close();
        buffer.shutdownNow();
        admin.close();
        broker.close();
    }

    @Test
    void what_is_not_finished_in_time_is_dropped_with_its_topic_and_counted_once() throws Exception {
        topics.createFor(tenant, PARTITIONS);
        put(0, 3);
        put(1, 2);
        finish(Map.of(0, 2L)); // of the other partition's the pumps have finished none ever

        DeletionStep.Part early = work("", Duration.ofSeconds(29));
        assertThat(early).as("they have time").isEqualTo(DeletionStep.Part.waiting(3, ""));

        Deletion.Store receipt = runToTheEnd(PATIENCE);
        assertThat(receipt.counts()).containsOnly(Map.entry("messages_dropped", 3L), Map.entry("turns_dropped", 2L));
        assertThat(receipt.found()).as("both topics").isEqualTo(2);
        assertThat(receipt.left()).isZero();
        assertThat(topicsThere()).doesNotContain(Topics.messages(tenant), Topics.deadLetters(tenant));
    }

    @Test
    void what_is_finished_is_not_waited_for_and_not_counted() throws Exception {
        topics.createFor(tenant, PARTITIONS);
        put(2, 4);
        finish(Map.of(2, 4L));
        assertThat(work("", Duration.ofSeconds(4)))
                .as("a gateway may not have heard of it yet")
                .isEqualTo(DeletionStep.Part.waiting(1, ""));
        assertThat(runToTheEnd(Duration.ofSeconds(6)).counts()).containsOnly(Map.entry("turns_dropped", 2L));
    }

    @Test
    void a_tenant_that_has_no_topics_has_dropped_nothing() {
        Deletion.Store receipt = runToTheEnd(Duration.ofSeconds(6));
        assertThat(receipt.counts()).isEmpty();
        assertThat(receipt.found()).isZero();
    }

    /** As the job does, by another gateway each time. */
    private Deletion.Store runToTheEnd(Duration from) {
        Deletion.Store[] store = {Deletion.Store.of(step(Duration.ZERO)).begun(TOLD)};
        Duration[] at = {from};
        Awaitility.await().until(() -> {
            Instant now = TOLD.plus(at[0]);
            store[0] = store[0].after(work(store[0].cursor(), at[0]), now, Deletions.HEARD, now);
            at[0] = at[0].plusSeconds(1);
            return store[0].checkedAt() != null;
        });
        return store[0];
    }

    private DeletionStep.Part work(String cursor, Duration after) {
        return step(after).work(tenant, cursor, TOLD);
    }

    private LogStep step(Duration after) {
        return new LogStep(topics, threads, PATIENCE, Clock.fixed(TOLD.plus(after), ZoneOffset.UTC));
    }

    private void put(int partition, int messages) throws Exception {
        try (KafkaProducer<String, String> producer = new KafkaProducer<>(
                Map.of("bootstrap.servers", broker.bootstrap()), new StringSerializer(), new StringSerializer())) {
            for (int i = 0; i < messages; i++) {
                producer.send(new ProducerRecord<>(Topics.messages(tenant), partition, "a thread", "<message/>"))
                        .get();
            }
        }
    }

    /** As the pumps' group does, of which none runs here. */
    private void finish(Map<Integer, Long> offsets) throws Exception {
        for (Map.Entry<Integer, Long> each : offsets.entrySet()) {
            admin.alterConsumerGroupOffsets(
                            Topics.PUMPS,
                            Map.of(
                                    new TopicPartition(Topics.messages(tenant), each.getKey()),
                                    new OffsetAndMetadata(each.getValue())))
                    .all()
                    .get();
        }
    }

    private static Set<String> topicsThere() throws Exception {
        return admin.listTopics().names().get();
    }

    /** In two parts of a shard each. */
    private static final class TwoTurnsOpen extends BufferGrpc.BufferImplBase {
        @Override
        public void stats(StatsRequest request, StreamObserver<StatsReply> replies) {
            replies.onNext(StatsReply.newBuilder()
                    .addShards(ShardStats.newBuilder().setConversations(3).setOpen(1))
                    .setNextCursor(request.getCursor().isEmpty() ? "next" : "")
                    .build());
            replies.onCompleted();
        }
    }
}
