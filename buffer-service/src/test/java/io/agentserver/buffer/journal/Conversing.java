package io.agentserver.buffer.journal;

import com.google.protobuf.ByteString;
import io.agentserver.buffer.store.ConversationKey;
import io.agentserver.buffer.store.DueStore;
import io.agentserver.buffer.store.MemoryDueStore;
import io.agentserver.buffer.store.MemoryThreadStore;
import io.agentserver.buffer.store.Retention;
import io.agentserver.buffer.store.ThreadStore;
import io.agentserver.buffer.v1.AnswerOutcome;
import io.agentserver.buffer.v1.AnswerRequest;
import io.agentserver.buffer.v1.BeginReply;
import io.agentserver.buffer.v1.BeginRequest;
import io.agentserver.buffer.v1.CompleteReply;
import io.agentserver.buffer.v1.CompleteRequest;
import io.agentserver.buffer.v1.Emission;
import io.agentserver.buffer.v1.Join;
import io.agentserver.buffer.v1.Kind;
import io.agentserver.buffer.v1.LateAnswer;
import io.agentserver.buffer.v1.Output;
import io.agentserver.buffer.v1.Slot;
import io.agentserver.buffer.v1.Tokens;
import io.agentserver.envelope.MessageId;
import io.agentserver.envelope.TenantId;
import io.agentserver.envelope.ThreadId;

import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.ThreadLocalRandom;

/** One conversation and what a client and pumps do in it: messages in, emissions out. */
final class Conversing {
    static final TenantId TENANT = new TenantId("acme");

    private static final Duration TTL = Duration.ofHours(24);

    /** Of today: DynamoDB Local deletes within seconds what has expired by the clock of the wall. For all tests of a run it is one. */
    @SuppressWarnings("TimeInStaticInitializer")
    static final Instant START = Instant.now().truncatedTo(ChronoUnit.DAYS);

    final TestClock clock = new TestClock(START);
    final ThreadStore store;
    private final ThreadStore checked;
    final DueStore due = new MemoryDueStore();
    final Wakeups wakeups = new Wakeups();
    final ConversationJournal journal;
    final ConversationKey key;
    final ThreadId root;
    final Emission first;

    Conversing() {
        this(new MemoryThreadStore(Retention.ofAll(TTL), new TestClock(Instant.EPOCH)));
    }

    Conversing(ThreadStore store) {
        this(store, idOf(START));
    }

    Conversing(ThreadStore store, UUID firstMessage) {
        this.store = store;
        this.checked = new CheckedBriefs(store, TTL);
        MessageId id = new MessageId(firstMessage);
        root = ThreadId.ofFirstMessage(TENANT, id);
        key = new ConversationKey(TENANT, root);
        first = clientMessage(id);
        journal = process();
    }

    /** An id of version 7 that was made then. */
    static UUID idOf(Instant when) {
        long random = ThreadLocalRandom.current().nextLong() >>> 2;
        return new UUID(when.toEpochMilli() << 16 | 0x7000, random | 1L << 63);
    }

    /** Another process over the same store. */
    ConversationJournal process() {
        return process(due);
    }

    /** One with another due index. */
    ConversationJournal process(DueStore due) {
        return new ConversationJournal(checked, due, wakeups, Retention.ofAll(TTL), 10_000_000, clock);
    }

    Emission clientMessage() {
        return clientMessage(MessageId.create());
    }

    private Emission clientMessage(MessageId id) {
        return Emission.newBuilder()
                .setMessage(id.toString())
                .setThread(root.toString())
                .setConversation(root.toString())
                .setEnvelope("<from-client>" + id + "</from-client>")
                .setClient(true)
                .build();
    }

    BeginRequest.Builder beginning(Emission message) {
        return BeginRequest.newBuilder()
                .setTenant(TENANT.value())
                .setConversation(root.toString())
                .setThread(message.getThread())
                .setMessage(message.getMessage())
                .setEnvelope(message.getEnvelope())
                .setDigest(ByteString.copyFromUtf8(message.getEnvelope()))
                .setClient(message.getClient())
                .setFrom("client")
                .setTo("boss")
                .setRoot("Order")
                .setOrganismVersion(7)
                .setTakesAnswers(true)
                .setJoin(Join.ALL)
                .setHistorySlots(50);
    }

    BeginReply begin(Emission message) {
        return journal.begin(key, beginning(message).build());
    }

    BeginReply begin(Emission message, Join join) {
        return journal.begin(key, beginning(message).setJoin(join).build());
    }

    CompleteRequest.Builder completing(Emission message, Output... outputs) {
        return CompleteRequest.newBuilder()
                .setTenant(TENANT.value())
                .setConversation(root.toString())
                .setThread(message.getThread())
                .setMessage(message.getMessage())
                .setTokens(Tokens.newBuilder().setInput(10).setOutput(1))
                .addAllOutputs(List.of(outputs));
    }

    AnswerOutcome answer(Emission message, String content) {
        return answer(journal, message, content);
    }

    AnswerOutcome answer(ConversationJournal process, Emission message, String content) {
        return process.answer(
                        key,
                        AnswerRequest.newBuilder()
                                .setThread(message.getThread())
                                .setMessage(message.getMessage())
                                .setAnswer(LateAnswer.newBuilder().setContent(content))
                                .build())
                .getOutcome();
    }

    CompleteReply complete(Emission message, Output... outputs) {
        return journal.complete(key, completing(message, outputs).build());
    }

    /** Begins and completes, and gives what went on the log. */
    List<Emission> handle(Emission message, Output... outputs) {
        begin(message);
        return complete(message, outputs).getEmissionsList();
    }

    Output forward(Emission cause, int ordinal, String to) {
        MessageId id = MessageId.parse(cause.getMessage()).output(ordinal);
        return output(Kind.FORWARD, id, ThreadId.parse(cause.getThread()).child(id), to);
    }

    Output toItself(Emission cause, int ordinal) {
        MessageId id = MessageId.parse(cause.getMessage()).output(ordinal);
        return output(Kind.FORWARD, id, ThreadId.parse(cause.getThread()), "itself");
    }

    Output handOver(Emission cause, String to) {
        MessageId id = MessageId.parse(cause.getMessage()).output(0);
        return output(Kind.HAND_OVER, id, ThreadId.parse(cause.getThread()).child(id), to);
    }

    /** To the thread's caller, as its begin named it. */
    Output respond(Emission cause, BeginReply begun) {
        MessageId id = MessageId.parse(cause.getMessage()).output(0);
        return output(Kind.RESPOND, id, ThreadId.parse(begun.getCallerThread()), begun.getCaller());
    }

    /** To the client. */
    Output respond(Emission cause) {
        return output(Kind.RESPOND, MessageId.parse(cause.getMessage()).output(0), root, "client");
    }

    JournalState state() {
        return journal.look(key, state -> state);
    }

    List<Slot> slots() {
        return journal.look(key, state -> List.copyOf(state.slots()));
    }

    private static Output output(Kind kind, MessageId id, ThreadId thread, String to) {
        return Output.newBuilder()
                .setKind(kind)
                .setMessage(id.toString())
                .setThread(thread.toString())
                .setFrom("a handler")
                .setTo(to)
                .setRoot("Output")
                .setEnvelope("<from-handler>" + id + "</from-handler>")
                .build();
    }
}
