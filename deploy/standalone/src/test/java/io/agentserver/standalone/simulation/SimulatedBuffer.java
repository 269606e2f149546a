package io.agentserver.standalone.simulation;

import io.agentserver.buffer.journal.ConversationJournal;
import io.agentserver.buffer.journal.ConversationReader;
import io.agentserver.buffer.journal.DueIndex;
import io.agentserver.buffer.journal.Wakeups;
import io.agentserver.buffer.store.ConversationKey;
import io.agentserver.buffer.store.DueStore;
import io.agentserver.buffer.store.Leases;
import io.agentserver.buffer.store.Retention;
import io.agentserver.buffer.store.ThreadStore;
import io.agentserver.buffer.v1.AnswerOutcome;
import io.agentserver.buffer.v1.AnswerRequest;
import io.agentserver.buffer.v1.AwaitedReply;
import io.agentserver.buffer.v1.AwaitedRequest;
import io.agentserver.buffer.v1.BeginReply;
import io.agentserver.buffer.v1.BeginRequest;
import io.agentserver.buffer.v1.CompleteReply;
import io.agentserver.buffer.v1.CompleteRequest;
import io.agentserver.buffer.v1.DueReply;
import io.agentserver.buffer.v1.DueRequest;
import io.agentserver.buffer.v1.LateAnswer;
import io.agentserver.buffer.v1.ParkReply;
import io.agentserver.buffer.v1.ParkRequest;
import io.agentserver.buffer.v1.ReadReply;
import io.agentserver.buffer.v1.ReadRequest;
import io.agentserver.buffer.v1.Stop;
import io.agentserver.buffer.v1.Verdict;
import io.agentserver.envelope.MessageId;
import io.agentserver.envelope.TenantId;
import io.agentserver.envelope.ThreadId;
import io.agentserver.pump.flow.ThreadBuffer;
import io.agentserver.standalone.simulation.Simulation.Broken;

import java.time.Clock;
import java.time.Duration;
import java.util.Map;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * Some buffer processes over one store. Each call goes to any of them; whoever calls may be killed before it gets there, and
 * after it was done but not answered.
 */
final class SimulatedBuffer implements ThreadBuffer {
    private static final Retention RETENTION = Retention.ofAll(Duration.ofHours(24));

    private record Pod(ConversationJournal journal, ConversationReader reader, DueIndex due) {}

    private final Pod[] pods = new Pod[2];
    private final ThreadStore threads;
    private final DueStore due;
    private final Clock clock;
    private final Random random;
    private final Broken broken;
    /** What a client's message is called where its repeat is not recognised as one. */
    private final Map<String, String> renamed = new ConcurrentHashMap<>();

    /** @param broken a fault of ours, which the checker must find */
    SimulatedBuffer(ThreadStore threads, DueStore due, Clock clock, Random random, Broken broken) {
        this.threads = threads;
        this.due = due;
        this.clock = clock;
        this.random = random;
        this.broken = broken;
        for (int i = 0; i < pods.length; i++) {
            restart(i);
        }
    }

    /** It has forgotten all that is not in the store. */
    void restartOne() {
        restart(random.nextInt(pods.length));
    }

    void cancel(ThreadId conversation) {
        any().journal.cancel(new ConversationKey(Platform.TENANT, conversation));
    }

    /** By way of a gateway. */
    AnswerOutcome answer(ThreadId conversation, ThreadId thread, MessageId message, String content) {
        return call(() -> any().journal
                .answer(
                        new ConversationKey(Platform.TENANT, conversation),
                        AnswerRequest.newBuilder()
                                .setThread(thread.toString())
                                .setMessage(message.toString())
                                .setAnswer(LateAnswer.newBuilder().setContent(content))
                                .build())
                .getOutcome());
    }

    @Override
    public BeginReply begin(BeginRequest request) {
        return call(() -> {
            ConversationKey key = key(request.getTenant(), request.getConversation());
            BeginReply reply = any().journal.begin(key, request);
            if (broken == Broken.FORGETS_MESSAGES && request.getClient() && reply.getVerdict() == Verdict.DONE) {
                String fresh = new MessageId(new UUID(random.nextLong() & ~0xf000L | 0x7000L, 1L << 63)).toString();
                renamed.put(request.getMessage(), fresh);
                return any().journal
                        .begin(key, request.toBuilder().setMessage(fresh).build());
            }
            return reply;
        });
    }

    @Override
    public CompleteReply complete(CompleteRequest request) {
        CompleteRequest.Builder heard =
                request.toBuilder().setMessage(renamed.getOrDefault(request.getMessage(), request.getMessage()));
        if (broken == Broken.OVERLOOKS_ANSWERS) {
            heard.setSawAnswer(true);
        }
        return call(() -> any().journal.complete(key(request.getTenant(), request.getConversation()), heard.build()));
    }

    @Override
    public ReadReply read(ReadRequest request) {
        return call(() -> any().reader.read(key(request.getTenant(), request.getConversation()), request));
    }

    @Override
    public ParkReply park(ParkRequest request) {
        return call(() -> any().journal.park(key(request.getTenant(), request.getConversation()), request));
    }

    @Override
    public DueReply due(DueRequest request) {
        return call(() -> any().due.take(request));
    }

    @Override
    public AwaitedReply awaited(AwaitedRequest request) {
        throw new UnsupportedOperationException("handlers are instant here");
    }

    @Override
    public void stops(Consumer<Stop> listener) {
        throw new UnsupportedOperationException("handlers are instant here");
    }

    private void restart(int which) {
        Wakeups wakeups = new Wakeups();
        ConversationJournal journal = new ConversationJournal(threads, due, wakeups, RETENTION, 100_000_000, clock);
        pods[which] = new Pod(
                journal,
                new ConversationReader(journal, threads, wakeups),
                new DueIndex(due, Leases.NOBODY_ELSE, journal, _ -> false, clock));
    }

    private Pod any() {
        return pods[random.nextInt(pods.length)];
    }

    private static <T> T call(Supplier<T> call) {
        Baton.point();
        T reply = call.get();
        Baton.point();
        return reply;
    }

    private static ConversationKey key(String tenant, String conversation) {
        return new ConversationKey(new TenantId(tenant), ThreadId.parse(conversation));
    }
}
