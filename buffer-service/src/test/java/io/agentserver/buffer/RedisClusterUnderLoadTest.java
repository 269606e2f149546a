package io.agentserver.buffer;

import com.google.protobuf.ByteString;
import io.agentserver.buffer.grpc.BufferServer;
import io.agentserver.buffer.store.ConversationKey;
import io.agentserver.buffer.store.Look;
import io.agentserver.buffer.store.ThreadStore;
import io.agentserver.buffer.v1.BeginReply;
import io.agentserver.buffer.v1.BeginRequest;
import io.agentserver.buffer.v1.BufferGrpc;
import io.agentserver.buffer.v1.CompleteRequest;
import io.agentserver.buffer.v1.Kind;
import io.agentserver.buffer.v1.Outcome;
import io.agentserver.buffer.v1.Output;
import io.agentserver.buffer.v1.ReadRequest;
import io.agentserver.buffer.v1.Slot;
import io.agentserver.buffer.v1.Verdict;
import io.agentserver.buffer.v1.WatchEvent;
import io.agentserver.buffer.v1.WatchRequest;
import io.agentserver.envelope.MessageId;
import io.agentserver.envelope.TenantId;
import io.agentserver.envelope.ThreadId;
import io.agentserver.localstores.LocalDynamo;
import io.agentserver.localstores.LocalRedisCluster;
import io.agentserver.service.PlatformKeys;
import io.agentserver.service.ServiceApplication;
import io.agentserver.service.ServiceTokens;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.MetadataUtils;
import io.grpc.stub.StreamObserver;
import io.lettuce.core.RedisClient;
import io.lettuce.core.cluster.SlotHash;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.context.ConfigurableApplicationContext;

import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import java.util.stream.LongStream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

/**
 * The service, twice over one Redis Cluster and one DynamoDB, while messages flow through it, a thousand a second if the machine can: one
 * process handles them, the other is read and watched. Nodes are added, slots moved, and a primary is killed; no caller notices.
 */
@Timeout(300)
class RedisClusterUnderLoadTest {
    private static final TenantId TENANT = new TenantId("acme");
    private static final int WRITERS = 16;
    private static final int CONVERSATIONS_EACH = 20;
    private static final long BETWEEN_MESSAGES_NANOS = Duration.ofMillis(1).toNanos() * WRITERS;
    private static final Duration PATIENCE = Duration.ofSeconds(90);
    /** After which a silent node counts as gone: the test waits for it, and a machine may stand still for a moment. */
    private static final Duration NODE_TIMEOUT = Duration.ofSeconds(5);

    private static final Metadata.Key<String> AUTHORIZATION =
            Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);

    private final List<Talk> talks = IntStream.range(0, WRITERS * CONVERSATIONS_EACH)
            .mapToObj(_ -> new Talk())
            .toList();
    private final AtomicBoolean enough = new AtomicBoolean();
    private final AtomicLong handled = new AtomicLong();

    /** One conversation, and the ids of its slots' messages. Its writer's alone. */
    private static final class Talk {
        final MessageId first = MessageId.create();
        final String conversation = ThreadId.ofFirstMessage(TENANT, first).toString();
        final List<String> messages = new ArrayList<>();

        ConversationKey key() {
            return new ConversationKey(TENANT, ThreadId.parse(conversation));
        }
    }

    @Test
    void no_caller_notices_that_the_cluster_grows_or_that_a_primary_is_killed(@TempDir Path directory)
            throws Exception {
        over(directory, "tiered");
    }

    /** Faster than over DynamoDB Local; and a primary that is killed takes with it what it had not handed on. */
    @Test
    void no_caller_notices_that_the_cluster_grows_where_redis_is_the_only_store(@TempDir Path directory)
            throws Exception {
        over(directory, "redis");
    }

    private void over(Path directory, String kind) throws Exception {
        Path keys = directory.resolve("platform.jwks");
        PlatformKeys.createIfAbsent(keys);
        ServiceTokens tokens = new ServiceTokens(PlatformKeys.load(keys), Clock.systemUTC());
        try (LocalRedisCluster cluster = LocalRedisCluster.start(directory.resolve("redis"), 3, NODE_TIMEOUT);
                LocalDynamo dynamo = LocalDynamo.inMemory(0)) {
            Map<String, String> settings = Map.of(
                    "AGENTSERVER_BIND",
                    "127.0.0.1",
                    "AGENTSERVER_BUFFER_PORT",
                    "0",
                    "AGENTSERVER_BUFFER_MANAGEMENT_PORT",
                    "0",
                    "AGENTSERVER_PLATFORM_KEY",
                    keys.toString(),
                    "AGENTSERVER_BUFFER_STORE",
                    kind,
                    "AGENTSERVER_REDIS_URL",
                    cluster.url(),
                    "AGENTSERVER_DYNAMODB_URL",
                    dynamo.endpoint().toString());
            try (ConfigurableApplicationContext writing =
                            ServiceApplication.start(BufferApplication.class, "buffer", settings);
                    ConfigurableApplicationContext reading =
                            ServiceApplication.start(BufferApplication.class, "buffer", settings)) {
                ManagedChannel in = channel(writing);
                ManagedChannel out = channel(reading);
                try {
                    Optional<ThreadStore> whole =
                            Optional.of(reading.getBean(ThreadStore.class)).filter(_ -> kind.equals("tiered"));
                    run(cluster, tokens, in, out, whole);
                } finally {
                    enough.set(true);
                    in.shutdownNow();
                    out.shutdownNow();
                }
            }
        }
    }

    /** @param whole a store that loses nothing with a node of Redis */
    private void run(
            LocalRedisCluster cluster,
            ServiceTokens tokens,
            ManagedChannel in,
            ManagedChannel out,
            Optional<ThreadStore> whole)
            throws Exception {
        List<Watching> watches = IntStream.range(0, WRITERS)
                .mapToObj(writer -> talks.get(writer * CONVERSATIONS_EACH))
                .map(talk -> watch(talk, out, tokens))
                .toList();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
                AutoCloseable end = () -> enough.set(true)) { // before it is waited for the writers
            List<Future<?>> writers = IntStream.range(0, WRITERS)
                    .<Future<?>>mapToObj(writer -> threads.submit(() -> write(writer, in, tokens)))
                    .toList();
            awaitHandled(writers, 1_000);

            int added = cluster.grow();
            List<Integer> moving = slots();
            assertThat(moving).hasSizeGreaterThan(50);
            long before = handled.get();
            long began = System.nanoTime();
            for (int slot : moving) {
                cluster.move(slot, slot * 3 / LocalRedisCluster.SLOTS, added);
            }
            long meanwhile = handled.get() - before;
            System.out.printf(
                    "%d messages were handled while %d slots moved, %d a second%n",
                    meanwhile, moving.size(), meanwhile * 1_000_000_000L / (System.nanoTime() - began));
            assertThat(meanwhile).isPositive();
            awaitHandled(writers, handled.get() + 1_000);
            assertThat(keysOf(cluster, added)).isPositive();

            if (whole.isPresent()) {
                cluster.kill(0);
                await().atMost(PATIENCE).until(() -> cluster.isPrimary(3));
                awaitHandled(writers, handled.get() + 1_000);
            }
            enough.set(true);
            for (Future<?> writer : writers) {
                writer.get();
            }
        }
        for (Talk talk : talks) {
            assertThat(read(talk, out, tokens)).isEqualTo(talk.messages);
        }
        for (Watching watching : watches) {
            await().atMost(PATIENCE).until(() -> watching.sequences.size() >= watching.talk.messages.size());
            assertThat(watching.sequences)
                    .containsExactlyElementsOf(LongStream.rangeClosed(1, watching.talk.messages.size())
                            .boxed()
                            .toList());
            assertThat(watching.errors).isEmpty();
        }
        whole.ifPresent(this::assertRefilled);
    }

    /** What Redis has lost with its primary it is given again by whoever reads it. */
    private void assertRefilled(ThreadStore store) {
        List<ConversationKey> all = talks.stream().map(Talk::key).toList();
        Map<ConversationKey, Long> commits = new HashMap<>();
        talks.forEach(talk -> commits.put(talk.key(), (long) talk.messages.size()));
        await().atMost(PATIENCE).untilAsserted(() -> {
            for (ConversationKey key : all) {
                assertThat(store.read(key, 1, Look.CONSISTENT))
                        .hasSize(Objects.requireNonNull(commits.get(key)).intValue());
            }
            assertThat(store.lastNumbers(all)).isEqualTo(commits);
        });
    }

    /** Each is begun and completed, which are a commit and a slot each. */
    private void write(int writer, ManagedChannel channel, ServiceTokens tokens) {
        List<Talk> own = talks.subList(writer * CONVERSATIONS_EACH, (writer + 1) * CONVERSATIONS_EACH);
        long next = System.nanoTime();
        for (int i = 0; !enough.get(); i = (i + 1) % CONVERSATIONS_EACH) {
            Talk talk = own.get(i);
            MessageId id = talk.messages.isEmpty() ? talk.first : MessageId.create();
            BeginReply begun = stub(channel, tokens).begin(begin(talk, id));
            assertThat(begun.getVerdict()).isEqualTo(Verdict.RUN);
            assertThat(stub(channel, tokens).complete(respond(talk, id, begun)).getOutcome())
                    .isEqualTo(Outcome.ACCEPTED);
            talk.messages.add(id.toString());
            talk.messages.add(id.output(0).toString());
            handled.incrementAndGet();
            next = Math.max(next + BETWEEN_MESSAGES_NANOS, System.nanoTime() - BETWEEN_MESSAGES_NANOS);
            LockSupport.parkNanos(next - System.nanoTime());
        }
    }

    private void awaitHandled(List<Future<?>> writers, long count) throws Exception {
        await().atMost(PATIENCE)
                .until(() -> handled.get() > count
                        || writers.stream().anyMatch(writer -> writer.state() == Future.State.FAILED));
        for (Future<?> writer : writers) {
            if (writer.state() == Future.State.FAILED) {
                writer.get(); // throws what it failed of
            }
        }
    }

    /** A third of those that our conversations are in. */
    private List<Integer> slots() {
        return talks.stream()
                .map(talk -> SlotHash.getSlot("thread:" + TENANT + ":{" + talk.conversation + "}:commits"))
                .distinct()
                .limit(talks.size() / 3)
                .toList();
    }

    private static long keysOf(LocalRedisCluster cluster, int node) {
        try (RedisClient client = RedisClient.create(cluster.node(node).url());
                var connection = client.connect()) {
            return connection.sync().dbsize();
        }
    }

    private static ManagedChannel channel(ConfigurableApplicationContext service) {
        return NettyChannelBuilder.forAddress(
                        "127.0.0.1", service.getBean(BufferServer.class).port())
                .usePlaintext()
                .build();
    }

    private static BufferGrpc.BufferBlockingStub stub(ManagedChannel channel, ServiceTokens tokens) {
        return BufferGrpc.newBlockingStub(channel)
                .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers(tokens)));
    }

    private static Metadata headers(ServiceTokens tokens) {
        Metadata headers = new Metadata();
        headers.put(AUTHORIZATION, "Bearer " + tokens.issue(TENANT, ServiceTokens.BUFFER));
        return headers;
    }

    private static BeginRequest begin(Talk talk, MessageId id) {
        String envelope = "<message>" + "x".repeat(500) + "</message>";
        return BeginRequest.newBuilder()
                .setTenant(TENANT.value())
                .setConversation(talk.conversation)
                .setThread(talk.conversation)
                .setMessage(id.toString())
                .setClient(true)
                .setFrom("client")
                .setTo("echo")
                .setRoot("Order")
                .setEnvelope(envelope)
                .setDigest(ByteString.copyFromUtf8(id.toString()))
                .setTakesAnswers(true)
                .build();
    }

    private static CompleteRequest respond(Talk talk, MessageId id, BeginReply begun) {
        return CompleteRequest.newBuilder()
                .setTenant(TENANT.value())
                .setConversation(talk.conversation)
                .setThread(talk.conversation)
                .setMessage(id.toString())
                .addOutputs(Output.newBuilder()
                        .setKind(Kind.RESPOND)
                        .setMessage(id.output(0).toString())
                        .setThread(begun.getCallerThread())
                        .setFrom("echo")
                        .setTo(begun.getCaller())
                        .setRoot("response")
                        .setEnvelope("<response>" + "y".repeat(500) + "</response>"))
                .build();
    }

    private static List<String> read(Talk talk, ManagedChannel channel, ServiceTokens tokens) {
        List<String> messages = new ArrayList<>();
        List<Slot> page;
        do {
            page = stub(channel, tokens)
                    .read(ReadRequest.newBuilder()
                            .setTenant(TENANT.value())
                            .setConversation(talk.conversation)
                            .setAfter(messages.size())
                            .setLimit(1_000)
                            .setBrief(true)
                            .build())
                    .getSlotsList();
            for (Slot slot : page) {
                messages.add(slot.getMessage());
                assertThat(slot.getSequence()).isEqualTo(messages.size());
            }
        } while (!page.isEmpty());
        return messages;
    }

    /** What one watcher was sent. */
    private record Watching(Talk talk, List<Long> sequences, List<Throwable> errors) {}

    private static Watching watch(Talk talk, ManagedChannel channel, ServiceTokens tokens) {
        Watching watching = new Watching(talk, new CopyOnWriteArrayList<>(), new CopyOnWriteArrayList<>());
        BufferGrpc.newStub(channel)
                .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers(tokens)))
                .watch(
                        WatchRequest.newBuilder()
                                .setTenant(TENANT.value())
                                .setConversation(talk.conversation)
                                .build(),
                        new StreamObserver<>() {
                            @Override
                            public void onNext(WatchEvent event) {
                                if (event.hasSlot()) {
                                    watching.sequences().add(event.getSlot().getSequence());
                                }
                            }

                            @Override
                            public void onError(Throwable error) {
                                watching.errors().add(error);
                            }

                            @Override
                            public void onCompleted() {
                                watching.errors().add(new AssertionError("a watch stays open"));
                            }
                        });
        return watching;
    }
}
