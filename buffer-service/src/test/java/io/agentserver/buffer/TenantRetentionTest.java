package io.agentserver.buffer;

import com.google.protobuf.ByteString;
import io.agentserver.buffer.grpc.BufferServer;
import io.agentserver.buffer.store.StoreUnavailableException;
import io.agentserver.buffer.v1.BeginRequest;
import io.agentserver.buffer.v1.BufferGrpc;
import io.agentserver.buffer.v1.Verdict;
import io.agentserver.envelope.MessageId;
import io.agentserver.envelope.TenantId;
import io.agentserver.envelope.ThreadId;
import io.agentserver.localstores.LocalStore;
import io.agentserver.localstores.LocalStores;
import io.agentserver.log.Brokers;
import io.agentserver.log.Topics;
import io.agentserver.service.ConfigurationException;
import io.agentserver.service.PlatformKeys;
import io.agentserver.service.ServiceApplication;
import io.agentserver.service.ServiceTokens;
import io.agentserver.tenancy.Plan;
import io.agentserver.tenancy.TenantDirectory;
import io.agentserver.tenancy.TenantEntry;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.MetadataUtils;
import io.lettuce.core.RedisClient;
import io.lettuce.core.api.StatefulRedisConnection;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.context.ConfigurableApplicationContext;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

/** The service, told by the topic of the tenants how long each tenant's conversations are kept. */
class TenantRetentionTest {
    private static final TenantId LASTING = new TenantId("lasting");
    private static final TenantId USUAL = new TenantId("usual");
    private static final Duration PLATFORMS = Duration.ofHours(12);

    @Test
    void serves_when_it_knows_whose_conversations_are_kept_for_how_long_and_takes_each_change(@TempDir Path directory)
            throws Exception {
        Path keys = directory.resolve("platform.jwks");
        PlatformKeys.createIfAbsent(keys);
        ServiceTokens tokens = new ServiceTokens(PlatformKeys.load(keys), Clock.systemUTC());
        try (LocalStores stores = LocalStores.inTemporaryDirectory(Map.of(LocalStore.REDIS, 0, LocalStore.KAFKA, 0));
                ConfigurableApplicationContext service = ServiceApplication.start(
                        BufferApplication.class,
                        "buffer",
                        Map.of(
                                "AGENTSERVER_BIND", "127.0.0.1",
                                "AGENTSERVER_BUFFER_PORT", "0",
                                "AGENTSERVER_BUFFER_MANAGEMENT_PORT", "0",
                                "AGENTSERVER_PLATFORM_KEY", keys.toString(),
                                "AGENTSERVER_BUFFER_STORE", "redis",
                                "AGENTSERVER_BUFFER_TTL", "12h",
                                "AGENTSERVER_REDIS_URL", stores.redisUrl(),
                                "AGENTSERVER_KAFKA", stores.kafkaBootstrap()));
                RedisClient redis = RedisClient.create(stores.redisUrl());
                StatefulRedisConnection<String, String> connection = redis.connect();
                KafkaProducer<byte[], byte[]> topic =
                        Brokers.plain(stores.kafkaBootstrap()).producer(Map.of())) {
            Caller caller = new Caller(service, tokens, connection);
            try {
                // the topic is not there yet
                assertThat(caller.readiness()).isEqualTo(503);
                assertThatThrownBy(() -> caller.hoursKept(USUAL))
                        .isInstanceOfSatisfying(
                                StatusRuntimeException.class,
                                refusal -> assertThat(refusal.getStatus().getCode())
                                        .isEqualTo(Status.Code.UNAVAILABLE));

                createTopic(stores.kafkaBootstrap());
                await().until(() -> caller.readiness() == 200);
                assertThat(caller.hoursKept(USUAL)).isEqualTo(PLATFORMS.toHours());

                TenantEntry entry =
                        new TenantEntry(LASTING.value(), "L", "dev", 1, Instant.EPOCH, 0, List.of(), List.of());
                TenantEntry longer = entry.withPlan(Plan.DEV, null, null, 2_160);
                put(topic, longer);
                put(topic, new TenantEntry(USUAL.value(), "U", "dev", 1, Instant.EPOCH, 0, List.of(), List.of()));
                await().untilAsserted(
                                () -> assertThat(caller.hoursKept(LASTING)).isEqualTo(2_160));
                assertThat(caller.hoursKept(USUAL)).isEqualTo(PLATFORMS.toHours());

                TenantEntry shorter = longer.withPlan(Plan.DEV, null, null, 1);
                put(topic, shorter);
                await().untilAsserted(
                                () -> assertThat(caller.hoursKept(LASTING)).isEqualTo(1));
                put(topic, shorter.withPlan(Plan.DEV, null, null, null));
                await().untilAsserted(
                                () -> assertThat(caller.hoursKept(LASTING)).isEqualTo(PLATFORMS.toHours()));
            } finally {
                caller.channel.shutdownNow();
            }
        }
    }

    @Test
    void before_the_topic_has_been_read_it_guesses_nothing() {
        try (TenantRetention unread =
                new TenantRetention(PLATFORMS, new TenantDirectory(Brokers.plain("127.0.0.1:1")))) {
            assertThat(unread.isKnown()).isFalse();
            assertThatThrownBy(() -> unread.of(USUAL))
                    .isInstanceOf(StoreUnavailableException.class)
                    .hasMessage("how long tenants' conversations are kept has not been read yet, try again");
            assertThatThrownBy(() -> unread.awaitKnown(Duration.ZERO))
                    .isInstanceOf(ConfigurationException.class)
                    .hasMessageContaining("AGENTSERVER_BUFFER_TTL=PT12H");
        }
    }

    @Test
    void without_kafka_all_have_the_platforms() {
        try (TenantRetention retention = TenantRetention.open(
                BufferProperties.of(Map.of("AGENTSERVER_BUFFER_STORE", "memory", "AGENTSERVER_BUFFER_TTL", "12h")))) {
            retention.awaitKnown(Duration.ZERO);
            assertThat(retention.isKnown()).isTrue();
            assertThat(retention.of(LASTING)).isEqualTo(PLATFORMS);
        }
    }

    private static void createTopic(String bootstrap) throws InterruptedException, ExecutionException {
        try (Admin admin = Brokers.plain(bootstrap).admin(Map.of())) {
            admin.createTopics(List.of(new NewTopic(Topics.TENANTS, 1, (short) 1)))
                    .all()
                    .get();
        }
    }

    private static void put(KafkaProducer<byte[], byte[]> topic, TenantEntry entry)
            throws InterruptedException, ExecutionException {
        topic.send(new ProducerRecord<>(Topics.TENANTS, entry.id().getBytes(StandardCharsets.UTF_8), entry.toJson()))
                .get();
    }

    /** Whoever asks the service, and looks what came of it. */
    private static final class Caller {
        private final ConfigurableApplicationContext service;
        private final ServiceTokens tokens;
        private final StatefulRedisConnection<String, String> redis;
        private final ManagedChannel channel;

        Caller(
                ConfigurableApplicationContext service,
                ServiceTokens tokens,
                StatefulRedisConnection<String, String> redis) {
            this.service = service;
            this.tokens = tokens;
            this.redis = redis;
            this.channel = NettyChannelBuilder.forAddress(
                            "127.0.0.1", service.getBean(BufferServer.class).port())
                    .usePlaintext()
                    .build();
        }

        /** Begins a conversation, and says for how many hours Redis keeps it. */
        long hoursKept(TenantId tenant) {
            MessageId message = MessageId.create();
            ThreadId conversation = ThreadId.ofFirstMessage(tenant, message);
            Metadata headers = new Metadata();
            headers.put(
                    Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER),
                    "Bearer " + tokens.issue(tenant, ServiceTokens.BUFFER));
            Verdict verdict = BufferGrpc.newBlockingStub(channel)
                    .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers))
                    .begin(BeginRequest.newBuilder()
                            .setTenant(tenant.value())
                            .setConversation(conversation.toString())
                            .setThread(conversation.toString())
                            .setMessage(message.toString())
                            .setClient(true)
                            .setFrom("client")
                            .setTo("echo")
                            .setRoot("Order")
                            .setEnvelope("<order/>")
                            .setDigest(ByteString.copyFromUtf8("digest"))
                            .build())
                    .getVerdict();
            assertThat(verdict).isEqualTo(Verdict.RUN);
            long left = redis.sync().pttl("thread:" + tenant + ":{" + conversation + "}:commits");
            return Math.ceilDiv(left, Duration.ofHours(1).toMillis());
        }

        int readiness() throws Exception {
            String port = service.getEnvironment().getRequiredProperty("local.server.port");
            try (HttpClient http = HttpClient.newHttpClient()) {
                return http.send(
                                HttpRequest.newBuilder(
                                                URI.create("http://127.0.0.1:" + port + "/actuator/health/readiness"))
                                        .build(),
                                HttpResponse.BodyHandlers.discarding())
                        .statusCode();
            }
        }
    }
}
