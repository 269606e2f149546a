package io.agentserver.loadtests;

import com.google.protobuf.ByteString;
import io.agentserver.buffer.v1.BeginReply;
import io.agentserver.buffer.v1.BeginRequest;
import io.agentserver.buffer.v1.BufferGrpc;
import io.agentserver.buffer.v1.CompleteReply;
import io.agentserver.buffer.v1.CompleteRequest;
import io.agentserver.buffer.v1.Emission;
import io.agentserver.buffer.v1.Kind;
import io.agentserver.buffer.v1.Outcome;
import io.agentserver.buffer.v1.Output;
import io.agentserver.buffer.v1.Verdict;
import io.agentserver.envelope.MessageId;
import io.agentserver.envelope.TenantId;
import io.agentserver.envelope.ThreadId;
import io.agentserver.service.PlatformKeys;
import io.agentserver.service.ServiceTokens;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.ForwardingClientCall.SimpleForwardingClientCall;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.lettuce.core.RedisClient;
import io.lettuce.core.api.StatefulRedisConnection;
import org.HdrHistogram.Histogram;

import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.LinkedBlockingQueue;

/**
 * The journal through gRPC, as a buffer that runs alone serves it: steps a second, whether a long thread is slower than a short one,
 * what one busy conversation bears, what a thread that rests takes in Redis, and how long a Redis that was emptied takes to be
 * filled again. Each part prints a row of {@code docs/performance.md}.
 */
final class JournalBench {
    private static final TenantId TENANT = new TenantId("bench");
    private static final Metadata.Key<String> AUTHORIZATION =
            Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);
    private static final int SHORT = 10;
    private static final int MEASURED_STEPS = 1_000;
    /** Of a busy conversation: so many steps of it may be under way at once. */
    private static final int CALLS = 16;

    private static final int KILOBYTE = 1_024;

    private final Settings settings;
    private final String payload;

    /**
     * @param buffer host:port of its gRPC
     * @param key file of the platform's keys
     * @param payload bytes of each envelope's text
     * @param streams that begin and complete at once
     * @param length slots of the long thread
     * @param hotRate commits a second in one conversation
     * @param threads that rest, and are then filled into Redis again
     */
    record Settings(
            String buffer,
            Path key,
            String redis,
            int payload,
            int streams,
            int length,
            int hotRate,
            int threads,
            Duration time,
            Duration warmUp) {
        static Settings of(Options options) {
            options.only(
                    "buffer",
                    "key",
                    "redis",
                    "payload",
                    "streams",
                    "length",
                    "hot-rate",
                    "threads",
                    "seconds",
                    "warm-up");
            return new Settings(
                    options.text("buffer"),
                    Path.of(options.text("key")),
                    options.text("redis"),
                    options.number("payload", 500),
                    options.number("streams", 64),
                    options.number("length", 10_000),
                    options.number("hot-rate", 100),
                    options.number("threads", 10_000),
                    Duration.ofSeconds(options.number("seconds", 30)),
                    Duration.ofSeconds(options.number("warm-up", 60)));
        }
    }

    JournalBench(Settings settings) {
        this.settings = settings;
        this.payload = order(settings.payload());
    }

    private static String order(int bytes) {
        return "<order>" + "x".repeat(Math.max(0, bytes - 15)) + "</order>";
    }

    void run() {
        ServiceTokens tokens = new ServiceTokens(PlatformKeys.load(settings.key()), Clock.systemUTC());
        ManagedChannel channel =
                NettyChannelBuilder.forTarget(settings.buffer()).usePlaintext().build();
        RedisClient client = RedisClient.create(settings.redis());
        try (StatefulRedisConnection<String, String> redis = client.connect()) {
            BufferGrpc.BufferBlockingStub buffer =
                    BufferGrpc.newBlockingStub(channel).withInterceptors(new Identified(tokens));
            steps(buffer);
            lengths(buffer);
            hot(buffer);
            Queue<MessageId> resting = rest(buffer, redis);
            refill(buffer, redis, resting);
        } finally {
            client.shutdown();
            channel.shutdownNow();
        }
    }

    /** A begin and a complete of each new conversation: two operations. */
    private void steps(BufferGrpc.BufferBlockingStub buffer) {
        Load load = new Load(new Counted(() -> turn(buffer, MessageId.create(), MessageId.create(), true)));
        load.closedLoop(settings.streams(), settings.warmUp());
        Measured measured = load.closedLoop(settings.streams(), settings.time());
        System.out.printf(
                Locale.ROOT,
                "| begin and complete, %d bytes, %d streams | %.0f operations/s | p50 of the two %s | p99 %s | errors %s |%n",
                settings.payload(),
                settings.streams(),
                2 * measured.perSecond(),
                measured.percentile(50),
                measured.percentile(99),
                measured.errorText());
    }

    /** One step of a thread of some slots, and of many: each appends one. */
    private void lengths(BufferGrpc.BufferBlockingStub buffer) {
        Histogram few = new Histogram(3);
        for (int i = 0; i < MEASURED_STEPS; i++) {
            SelfTalk talk = new SelfTalk(buffer);
            talk.steps(SHORT, new Histogram(3));
            talk.steps(1, few);
        }
        Histogram many = new Histogram(3);
        SelfTalk talk = new SelfTalk(buffer);
        talk.steps(settings.length(), new Histogram(3));
        talk.steps(MEASURED_STEPS, many);
        System.out.printf(
                Locale.ROOT,
                "| one more slot after %d | p50 %d us | p99 %d us | after %d | p50 %d us | p99 %d us |%n",
                SHORT,
                few.getValueAtPercentile(50),
                few.getValueAtPercentile(99),
                settings.length(),
                many.getValueAtPercentile(50),
                many.getValueAtPercentile(99));
    }

    /** Commits of a kilobyte each, all of one conversation, each when its time has come; from then on its latency counts. */
    private void hot(BufferGrpc.BufferBlockingStub buffer) {
        BusyConversation busy = new BusyConversation(buffer);
        Measured measured = new Load(new Counted(busy::step)).openLoop(settings.hotRate(), settings.time());
        System.out.printf(
                Locale.ROOT,
                "| one conversation, %d commits of 1 KB a second | %.0f commits/s | p50 of begin and complete %s | p99 %s | errors %s |%n",
                settings.hotRate(),
                measured.perSecond(),
                measured.percentile(50),
                measured.percentile(99),
                measured.errorText());
    }

    private Queue<MessageId> rest(BufferGrpc.BufferBlockingStub buffer, StatefulRedisConnection<String, String> redis) {
        long before = usedMemory(redis);
        Queue<MessageId> first = new ConcurrentLinkedQueue<>();
        Measured measured = new Load(new Counted(() -> {
                    MessageId id = MessageId.create();
                    turn(buffer, id, id, true);
                    first.add(id);
                }))
                .closedLoop(settings.streams(), settings.threads());
        long each = (usedMemory(redis) - before) / Math.max(1, first.size());
        System.out.printf(
                Locale.ROOT,
                "| a thread at rest in Redis | %d bytes, of these %d payload | %d threads | errors %s |%n",
                each,
                2 * payload.length(),
                first.size(),
                measured.errorText());
        return first;
    }

    /** Each next message of a conversation finds that Redis lacks it. */
    private void refill(
            BufferGrpc.BufferBlockingStub buffer,
            StatefulRedisConnection<String, String> redis,
            Queue<MessageId> resting) {
        redis.sync().flushall();
        int count = resting.size();
        long begun = System.nanoTime();
        Measured measured = new Load(new Counted(() -> {
                    MessageId first = resting.poll();
                    if (first != null) {
                        turn(buffer, first, MessageId.create(), false);
                    }
                }))
                .closedLoop(settings.streams(), count);
        double seconds = (System.nanoTime() - begun) / 1e9;
        System.out.printf(
                Locale.ROOT,
                "| refill of %d threads after FLUSHALL | %.1f s | %.0f/s | p99 of a turn %s | keys afterwards %d | errors %s |%n",
                count,
                seconds,
                count / seconds,
                measured.percentile(99),
                redis.sync().dbsize(),
                measured.errorText());
    }

    /**
     * A client's message and its answer.
     *
     * @param first message of the conversation, by which it is named
     * @param isFirst whether {@code message} is that one
     */
    private void turn(BufferGrpc.BufferBlockingStub buffer, MessageId first, MessageId message, boolean isFirst) {
        MessageId id = isFirst ? first : message;
        String conversation = ThreadId.ofFirstMessage(TENANT, first).toString();
        BeginReply begun =
                buffer.begin(begin(conversation, conversation, id, true).build());
        require(begun.getVerdict() == Verdict.RUN, "verdict " + begun.getVerdict());
        CompleteReply done = buffer.complete(complete(conversation, conversation, id)
                .addOutputs(output(Kind.RESPOND, id, begun.getCallerThread(), begun.getCaller()))
                .build());
        require(done.getOutcome() == Outcome.ACCEPTED, "outcome " + done.getOutcome());
    }

    /** A thread that goes on sending to itself. */
    private final class SelfTalk {
        private final BufferGrpc.BufferBlockingStub buffer;
        private final String conversation;
        private MessageId next = MessageId.create();
        private boolean client = true;

        SelfTalk(BufferGrpc.BufferBlockingStub buffer) {
            this.buffer = buffer;
            this.conversation = ThreadId.ofFirstMessage(TENANT, next).toString();
        }

        void steps(int count, Histogram micros) {
            for (int i = 0; i < count; i++) {
                long before = System.nanoTime();
                BeginReply begun = buffer.begin(
                        begin(conversation, conversation, next, client).build());
                require(begun.getVerdict() == Verdict.RUN, "verdict " + begun.getVerdict());
                CompleteReply done = buffer.complete(complete(conversation, conversation, next)
                        .addOutputs(output(Kind.FORWARD, next, conversation, "itself"))
                        .build());
                List<Emission> emissions = done.getEmissionsList();
                require(emissions.size() == 1, "emissions " + emissions.size());
                micros.recordValue((System.nanoTime() - before) / 1_000);
                next = MessageId.parse(emissions.getFirst().getMessage());
                client = false;
            }
        }
    }

    /** One that has called many at once, each of whom goes on sending to itself. */
    private final class BusyConversation {
        private final BufferGrpc.BufferBlockingStub buffer;
        private final String conversation;
        private final BlockingQueue<Emission> ready;

        BusyConversation(BufferGrpc.BufferBlockingStub buffer) {
            this.buffer = buffer;
            MessageId first = MessageId.create();
            ThreadId root = ThreadId.ofFirstMessage(TENANT, first);
            this.conversation = root.toString();
            BeginReply begun =
                    buffer.begin(begin(conversation, conversation, first, true).build());
            require(begun.getVerdict() == Verdict.RUN, "verdict " + begun.getVerdict());
            CompleteRequest.Builder calls = complete(conversation, conversation, first);
            for (int i = 0; i < CALLS; i++) {
                MessageId call = first.output(i);
                calls.addOutputs(output(Kind.FORWARD, first, root.child(call).toString(), "worker")
                        .setMessage(call.toString()));
            }
            this.ready =
                    new LinkedBlockingQueue<>(buffer.complete(calls.build()).getEmissionsList());
            require(ready.size() == CALLS, "emissions " + ready.size());
        }

        /** A commit. One that failed is tried again by a later step. */
        void step() {
            Emission message;
            try {
                message = ready.take();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IllegalStateException("interrupted while all calls were under way", e);
            }
            Emission next = message;
            try {
                next = handle(message);
            } finally {
                ready.add(next);
            }
        }

        private Emission handle(Emission message) {
            MessageId id = MessageId.parse(message.getMessage());
            BeginReply begun = buffer.begin(
                    begin(conversation, message.getThread(), id, false).build());
            if (begun.getVerdict() == Verdict.DONE && begun.getEmissionsCount() == 1) {
                return begun.getEmissions(0);
            }
            require(begun.getVerdict() == Verdict.RUN, "verdict " + begun.getVerdict());
            CompleteReply done = buffer.complete(complete(conversation, message.getThread(), id)
                    .addOutputs(output(Kind.FORWARD, id, message.getThread(), "worker")
                            .setEnvelope(order(KILOBYTE)))
                    .build());
            require(done.getEmissionsCount() == 1, "emissions " + done.getEmissionsCount());
            return done.getEmissions(0);
        }
    }

    private BeginRequest.Builder begin(String conversation, String thread, MessageId id, boolean client) {
        return BeginRequest.newBuilder()
                .setTenant(TENANT.value())
                .setConversation(conversation)
                .setThread(thread)
                .setMessage(id.toString())
                .setClient(client)
                .setFrom("client")
                .setTo("echo")
                .setRoot("order")
                .setEnvelope(payload)
                .setDigest(ByteString.copyFromUtf8("0123456789abcdef0123456789abcdef"))
                .setTakesAnswers(true);
    }

    private static CompleteRequest.Builder complete(String conversation, String thread, MessageId id) {
        return CompleteRequest.newBuilder()
                .setTenant(TENANT.value())
                .setConversation(conversation)
                .setThread(thread)
                .setMessage(id.toString());
    }

    private Output.Builder output(Kind kind, MessageId cause, String thread, String to) {
        return Output.newBuilder()
                .setKind(kind)
                .setMessage(cause.output(0).toString())
                .setThread(thread)
                .setFrom("echo")
                .setTo(to)
                .setRoot("order")
                .setEnvelope(payload);
    }

    private static long usedMemory(StatefulRedisConnection<String, String> redis) {
        return redis.sync()
                .info("memory")
                .lines()
                .filter(line -> line.startsWith("used_memory:"))
                .mapToLong(line ->
                        Long.parseLong(line.substring("used_memory:".length()).strip()))
                .findFirst()
                .orElseThrow();
    }

    private static void require(boolean holds, String what) {
        if (!holds) {
            throw new IllegalStateException(what + " was not to be");
        }
    }

    /** A failure is counted by its kind. */
    private static final class Counted implements Exchange {
        private final Runnable turn;
        private final Map<String, Long> errors = new ConcurrentHashMap<>();

        Counted(Runnable turn) {
            this.turn = turn;
        }

        @Override
        public boolean hold() {
            try {
                turn.run();
                return true;
            } catch (RuntimeException e) {
                errors.merge(String.valueOf(e.getMessage()), 1L, Long::sum);
                return false;
            }
        }

        @Override
        public Map<String, Long> takeErrors() {
            Map<String, Long> taken = Map.copyOf(errors);
            errors.clear();
            return taken;
        }
    }

    /** Each call with a living token: a run may outlast one. */
    private record Identified(ServiceTokens tokens) implements ClientInterceptor {
        @Override
        public <Q, A> ClientCall<Q, A> interceptCall(MethodDescriptor<Q, A> method, CallOptions options, Channel next) {
            return new SimpleForwardingClientCall<>(next.newCall(method, options)) {
                @Override
                public void start(Listener<A> replies, Metadata headers) {
                    headers.put(AUTHORIZATION, "Bearer " + tokens.issue(TENANT, ServiceTokens.BUFFER));
                    super.start(replies, headers);
                }
            };
        }
    }
}
