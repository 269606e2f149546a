package io.agentserver.router;

import io.agentserver.credit.Credit;
import io.agentserver.credit.PostedBalance;
import io.agentserver.envelope.TenantId;
import io.agentserver.localstores.LocalStore;
import io.agentserver.localstores.LocalStores;
import io.agentserver.log.Brokers;
import io.agentserver.log.Topics;
import io.agentserver.service.PlatformKeys;
import io.agentserver.service.ServiceTokens;
import io.agentserver.service.redis.RedisClients;
import io.agentserver.tenancy.ApiKey;
import io.agentserver.tenancy.KeyUses;
import io.agentserver.tenancy.LlmLimits;
import io.agentserver.tenancy.Plan;
import io.agentserver.tenancy.RedisKeyUses;
import io.agentserver.tenancy.TenantDirectory;
import io.agentserver.tenancy.TenantEntry;
import io.agentserver.usage.UsageRecord;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Stream;

/** What a router needs around it, real, once for all test classes: Kafka with two tenants on it, Redis, the platform's key. */
final class TestPlatform implements AutoCloseable {
    static final TenantId ACME = new TenantId("acme");
    static final TenantId GLOBEX = new TenantId("globex");
    static final TenantId HOOLI = new TenantId("hooli");
    static final TenantId UMBRELLA = new TenantId("umbrella");
    static final TenantId DUNDER = new TenantId("dunder"); // one call at once
    static final TenantId INITECH = new TenantId("initech"); // its credit is each test's own
    static final TenantId WAYNE = new TenantId("wayne"); // likewise, and its own keys of providers
    static final TenantId STARK = new TenantId("stark"); // likewise

    private static final long PLENTY = 1_000_000_000_000L;

    final String acmeKey = newKey();
    final String globexKey = newKey();
    final String hooliKey = newKey();
    final String umbrellaKey = newKey();
    final String dunderKey = newKey();
    final String initechKey = newKey();
    final String wayneKey = newKey();
    final String starkKey = newKey();
    final String keyWithoutScope = newKey();
    final String expiredKey = newKey();
    final String revokedKey = newKey();

    private final LocalStores stores;
    private final Path keyFile;
    private final ServiceTokens tokens;
    private final List<UsageRecord> usage = new CopyOnWriteArrayList<>();
    private final Thread heartbeat =
            Thread.ofPlatform().daemon().name("heartbeat").unstarted(this::beat);
    private final Thread reader =
            Thread.ofPlatform().daemon().name("usage-reader").unstarted(this::readUsage);
    private final RedisClients redis;
    private volatile boolean closed;
    private long revision = 1;

    /** Gives the one platform of this JVM to a test class's constructor. */
    static final class Extension implements ParameterResolver {
        @Override
        public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
            return parameter.getParameter().getType() == TestPlatform.class;
        }

        @Override
        public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
            return context.getRoot()
                    .getStore(ExtensionContext.Namespace.GLOBAL)
                    .computeIfAbsent(TestPlatform.class, type -> new TestPlatform(), TestPlatform.class);
        }
    }

    private TestPlatform() {
        try {
            stores = LocalStores.inTemporaryDirectory(Map.of(LocalStore.KAFKA, 0, LocalStore.REDIS, 0));
            keyFile = stores.directory().resolve("platform.jwks");
            PlatformKeys.createIfAbsent(keyFile);
            tokens = new ServiceTokens(PlatformKeys.load(keyFile), Clock.systemUTC());
            writeTenants();
            KafkaUsageTopic.ensure(Brokers.plain(kafka()), 1, Duration.ofSeconds(10));
            redis = RedisClients.connect(redis(), Duration.ofSeconds(10));
            openCredit(ACME, PLENTY);
            openCredit(GLOBEX, PLENTY);
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
        heartbeat.start();
        reader.start();
    }

    String kafka() {
        return stores.kafkaBootstrap();
    }

    String redis() {
        return stores.redisUrl();
    }

    String serviceToken(TenantId tenant, String scope) {
        return tokens.issue(tenant, scope);
    }

    /** Settings of a router on free ports, that keeps no answers. */
    Map<String, String> settings() {
        Map<String, String> settings = new HashMap<>();
        settings.put("AGENTSERVER_KAFKA", kafka());
        settings.put("AGENTSERVER_REDIS_URL", redis());
        settings.put("AGENTSERVER_PLATFORM_KEY", keyFile.toString());
        settings.put("AGENTSERVER_BIND", "127.0.0.1");
        settings.put("AGENTSERVER_LLM_PORT", "0");
        settings.put("AGENTSERVER_LLM_MANAGEMENT_PORT", "0");
        settings.put("AGENTSERVER_LOG_FORMAT", "text");
        settings.put("llm-router.cache", "0s"); // most tests ask their provider the same again and again
        return settings;
    }

    /** As billing does. */
    void openCredit(TenantId tenant, long microusd) {
        new Credit(redis).open(tenant, new PostedBalance(microusd, 1), Duration.ZERO, Instant.EPOCH);
    }

    Credit credit() {
        return new Credit(redis);
    }

    /** Those whose use routers have passed on since this was asked, by the ids that {@link #keyId} gives. */
    List<String> keysUsed() {
        return new RedisKeyUses(redis).take().stream().map(KeyUses.Use::keyId).toList();
    }

    static String keyId(String secret) {
        return ApiKey.parse(secret).orElseThrow().hash().substring(0, 8);
    }

    /** Redis forgets what it has of the tenant's credit, and of its minute. */
    void loseCredit(TenantId tenant) {
        redis.commands()
                .del(Stream.of("state", "holds", "expiries", "unposted", "posted", "seconds")
                        .map(key -> "credit:{" + tenant + "}:" + key)
                        .toArray(String[]::new));
    }

    /** Calls that hold credit. */
    long running(TenantId tenant) {
        return redis.commands().hlen("credit:{" + tenant + "}:holds");
    }

    long available(TenantId tenant) {
        return credit().standing(tenant).toCompletableFuture().join().available();
    }

    Path write(String name, String content) throws IOException {
        return java.nio.file.Files.writeString(stores.directory().resolve(name), content);
    }

    /** The first record of a call, as billing would post it. */
    UsageRecord usageOf(UUID receipt) {
        return Awaitility.await()
                .atMost(Duration.ofSeconds(10))
                .pollInterval(Duration.ofMillis(20))
                .until(() -> allUsageOf(receipt).stream().findFirst(), Optional::isPresent)
                .orElseThrow();
    }

    List<UsageRecord> allUsageOf(UUID receipt) {
        return usage.stream().filter(record -> record.receipt().equals(receipt)).toList();
    }

    List<UsageRecord> usageOfThread(String thread) {
        return usage.stream().filter(record -> thread.equals(record.thread())).toList();
    }

    @Override
    public void close() {
        closed = true;
        heartbeat.interrupt();
        try {
            reader.join(Duration.ofSeconds(5));
            heartbeat.join(Duration.ofSeconds(5));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        redis.close();
        stores.close();
    }

    private void writeTenants() {
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", kafka()))) {
            NewTopic tenants = new NewTopic(Topics.TENANTS, 1, (short) 1).configs(Map.of("cleanup.policy", "compact"));
            admin.createTopics(List.of(tenants)).all().get();
        } catch (InterruptedException | java.util.concurrent.ExecutionException e) {
            throw new IllegalStateException(e);
        }
        try (KafkaProducer<byte[], byte[]> producer = producer()) {
            put(
                    producer,
                    entry(
                            ACME,
                            key(acmeKey, Set.of("llm:call"), null, null),
                            key(keyWithoutScope, Set.of("usage:read"), null, null),
                            key(expiredKey, Set.of("llm:call"), Instant.EPOCH, null),
                            key(revokedKey, Set.of("llm:call"), null, Instant.EPOCH)));
            put(producer, entry(INITECH, key(initechKey, Set.of("llm:call"), null, null)));
            put(producer, entry(WAYNE, key(wayneKey, Set.of("llm:call"), null, null)));
            put(producer, entry(STARK, key(starkKey, Set.of("llm:call"), null, null)));
            put(producer, entry(GLOBEX, key(globexKey, Set.of("llm:call"), null, null)));
            put(producer, limited(HOOLI, hooliKey, new LlmLimits(5, 1_000, 2, false)));
            put(producer, limited(DUNDER, dunderKey, new LlmLimits(0, 0, 1, false)));
            put(producer, limited(UMBRELLA, umbrellaKey, new LlmLimits(1, 0, 0, true)));
        }
    }

    /** As a gateway does: from now on these are all that the tenant has. */
    void ownKeys(TenantId tenant, String apiKey, List<TenantEntry.ProviderKey> keys) {
        TenantEntry.Key key = key(apiKey, Set.of("llm:call"), null, null);
        try (KafkaProducer<byte[], byte[]> producer = producer()) {
            put(
                    producer,
                    new TenantEntry(
                                    tenant.value(),
                                    tenant.value(),
                                    "dev",
                                    ++revision,
                                    Instant.EPOCH,
                                    0,
                                    List.of(key),
                                    List.of())
                            .withProviderKeys(keys));
        }
    }

    private static void put(KafkaProducer<byte[], byte[]> producer, TenantEntry entry) {
        send(producer, entry.id(), entry.toJson());
    }

    private static void send(KafkaProducer<byte[], byte[]> producer, String key, byte[] value) {
        try {
            producer.send(new ProducerRecord<>(Topics.TENANTS, key.getBytes(StandardCharsets.UTF_8), value))
                    .get();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (java.util.concurrent.ExecutionException e) {
            throw new IllegalStateException(e);
        }
    }

    private static TenantEntry entry(TenantId tenant, TenantEntry.Key... keys) {
        return new TenantEntry(tenant.value(), tenant.value(), "dev", 1, Instant.EPOCH, 0, List.of(keys), List.of());
    }

    private static TenantEntry limited(TenantId tenant, String key, LlmLimits limits) {
        return entry(tenant, key(key, Set.of("llm:call"), null, null)).withPlan(Plan.DEV, null, limits, null);
    }

    private static TenantEntry.Key key(
            String secret, Set<String> scopes, @Nullable Instant expires, @Nullable Instant revoked) {
        String hash = ApiKey.parse(secret).orElseThrow().hash();
        return new TenantEntry.Key(keyId(secret), "test", hash, scopes, Instant.EPOCH, expires, revoked);
    }

    private void beat() {
        try (KafkaProducer<byte[], byte[]> producer = producer()) {
            while (!closed) {
                send(producer, TenantDirectory.HEARTBEAT, "{}".getBytes(StandardCharsets.UTF_8));
                Thread.sleep(Duration.ofSeconds(1));
            }
        } catch (InterruptedException closing) {
            // as told
        }
    }

    private void readUsage() {
        try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(
                Map.of("bootstrap.servers", kafka(), "enable.auto.commit", false),
                new ByteArrayDeserializer(),
                new ByteArrayDeserializer())) {
            List<TopicPartition> partitions = consumer.partitionsFor(Topics.USAGE).stream()
                    .map(partition -> new TopicPartition(partition.topic(), partition.partition()))
                    .toList();
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            while (!closed) {
                consumer.poll(Duration.ofMillis(100)).forEach(record -> {
                    UsageRecord read = UsageRecord.ofJson(record.value());
                    if (!new String(record.key(), StandardCharsets.UTF_8).equals(read.tenant())) {
                        throw new IllegalStateException("the key is not the tenant: " + read);
                    }
                    usage.add(read);
                });
            }
        }
    }

    private KafkaProducer<byte[], byte[]> producer() {
        return new KafkaProducer<>(
                Map.of("bootstrap.servers", kafka()), new ByteArraySerializer(), new ByteArraySerializer());
    }

    private static String newKey() {
        return ApiKey.create(false, new SecureRandom()).secret();
    }
}
