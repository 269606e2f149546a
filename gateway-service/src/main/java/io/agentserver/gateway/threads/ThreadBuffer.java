package io.agentserver.gateway.threads;

import io.agentserver.buffer.v1.AnswerOutcome;
import io.agentserver.buffer.v1.AnswerRequest;
import io.agentserver.buffer.v1.AwaitTurnReply;
import io.agentserver.buffer.v1.AwaitTurnRequest;
import io.agentserver.buffer.v1.BufferGrpc;
import io.agentserver.buffer.v1.CancelReply;
import io.agentserver.buffer.v1.CancelRequest;
import io.agentserver.buffer.v1.Conversation;
import io.agentserver.buffer.v1.EraseRequest;
import io.agentserver.buffer.v1.EraseTenantReply;
import io.agentserver.buffer.v1.EraseTenantRequest;
import io.agentserver.buffer.v1.LateAnswer;
import io.agentserver.buffer.v1.ListReply;
import io.agentserver.buffer.v1.ListRequest;
import io.agentserver.buffer.v1.ReadReply;
import io.agentserver.buffer.v1.ReadRequest;
import io.agentserver.buffer.v1.Slot;
import io.agentserver.buffer.v1.StatsReply;
import io.agentserver.buffer.v1.StatsRequest;
import io.agentserver.buffer.v1.Turn;
import io.agentserver.buffer.v1.WatchEvent;
import io.agentserver.buffer.v1.WatchRequest;
import io.agentserver.envelope.MessageId;
import io.agentserver.envelope.TenantId;
import io.agentserver.envelope.ThreadId;
import io.agentserver.gateway.problems.Problem;
import io.agentserver.gateway.problems.ProblemType;
import io.agentserver.gateway.problems.Unavailable;
import io.agentserver.log.RecordHeaders;
import io.agentserver.service.ServiceTokens;
import io.agentserver.service.grpc.GrpcAddress;
import io.grpc.ClientInterceptor;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusException;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.BlockingClientCall;
import io.grpc.stub.MetadataUtils;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;

/**
 * The buffer as the gateway uses it: reads, lists, waits, watches, each with the caller's tenant in a service token, so that
 * another tenant's conversation is simply not there. Blocks on the caller's (virtual) thread; opens its connection when it is
 * first needed. Every call throws {@link Unavailable} if the buffer does not answer.
 */
public final class ThreadBuffer implements AutoCloseable {
    private static final Metadata.Key<String> AUTHORIZATION =
            Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);
    private static final Metadata.Key<String> TRACEPARENT =
            Metadata.Key.of(RecordHeaders.TRACEPARENT, Metadata.ASCII_STRING_MARSHALLER);
    private static final Duration PATIENCE = Duration.ofSeconds(5);
    /** A part takes some seconds by itself, and the hot store's is one. */
    private static final Duration ERASING = Duration.ofSeconds(60);

    private static final Duration BETWEEN_RESETS = Duration.ofMillis(500);
    private static final int LARGEST_REPLY = 64 * 1024 * 1024;

    private final ManagedChannel channel;
    private final ServiceTokens tokens;
    private final Supplier<Optional<String>> traceparent;
    private final AtomicLong lastReset = new AtomicLong(System.nanoTime());

    /** @param address of the buffer's gRPC */
    public ThreadBuffer(GrpcAddress address, ServiceTokens tokens, Supplier<Optional<String>> traceparent) {
        this.channel = address.channel()
                .executor(Executors.newVirtualThreadPerTaskExecutor())
                .maxInboundMessageSize(LARGEST_REPLY)
                .keepAliveTime(30, TimeUnit.SECONDS)
                .build();
        this.tokens = tokens;
        this.traceparent = traceparent;
    }

    /**
     * A page of slots after a sequence and the conversation's state, without threads and turns.
     *
     * @param wait for a conversation that is not there yet
     */
    public ReadReply read(TenantId tenant, ThreadId conversation, long after, int limit, String thread, Duration wait) {
        ReadRequest request = ReadRequest.newBuilder()
                .setTenant(tenant.value())
                .setConversation(conversation.toString())
                .setAfter(after)
                .setLimit(limit)
                .setThread(thread)
                .setWaitMs((int) wait.toMillis())
                .setBrief(true)
                .build();
        return answered(() -> stub(tenant, PATIENCE.plus(wait)).read(request));
    }

    /** The conversation's state with all threads and turns, without slots; or why there is none. */
    public ReadReply state(TenantId tenant, ThreadId conversation, Duration wait) {
        ReadRequest request = ReadRequest.newBuilder()
                .setTenant(tenant.value())
                .setConversation(conversation.toString())
                .setWaitMs((int) wait.toMillis())
                .build();
        return answered(() -> stub(tenant, PATIENCE.plus(wait)).read(request));
    }

    /** The slot of a message in a conversation's root thread, in one call however long the conversation is. */
    public Optional<Slot> slot(TenantId tenant, ThreadId conversation, MessageId message) {
        return message(tenant, conversation, message.toString(), 1, Duration.ZERO).getSlotsList().stream()
                .filter(slot -> slot.getMessage().equals(message.toString()))
                .findFirst();
    }

    /** The turn that a client's message has opened, or will. */
    Optional<Turn> turn(TenantId tenant, ThreadId conversation, String turn) {
        return turn(message(tenant, conversation, turn, 0, Duration.ZERO), turn);
    }

    /**
     * As {@link #turn}; found if the turn is.
     *
     * @param wait for one that the journal does not have yet
     */
    ReadReply withTurn(TenantId tenant, ThreadId conversation, String turn, Duration wait) {
        ReadReply reply = message(tenant, conversation, turn, 0, wait);
        return reply.toBuilder().setFound(turn(reply, turn).isPresent()).build();
    }

    private static Optional<Turn> turn(ReadReply reply, String turn) {
        return reply.getConversation().getTurnsList().stream()
                .filter(its -> its.getId().equals(turn))
                .findFirst();
    }

    /** An older buffer, while a new version is rolled out, answers with its first slots and all turns. */
    private ReadReply message(TenantId tenant, ThreadId conversation, String message, int limit, Duration wait) {
        ReadRequest request = ReadRequest.newBuilder()
                .setTenant(tenant.value())
                .setConversation(conversation.toString())
                .setMessage(message)
                .setThread(conversation.toString())
                .setLimit(limit)
                .setWaitMs((int) wait.toMillis())
                .build();
        return answered(() -> stub(tenant, PATIENCE.plus(wait)).read(request));
    }

    /** A page of conversations by their last activity, without threads and turns. */
    public ListReply list(TenantId tenant, int limit, boolean oldestFirst, String cursor) {
        ListRequest request = ListRequest.newBuilder()
                .setTenant(tenant.value())
                .setLimit(limit)
                .setOldestFirst(oldestFirst)
                .setCursor(cursor)
                .build();
        return answered(() -> stub(tenant, PATIENCE).list(request));
    }

    /**
     * How much is kept of a part of a tenant's conversations, by shard.
     *
     * @param cursor empty: of the first part
     */
    public StatsReply stats(TenantId tenant, String cursor) {
        StatsRequest request = StatsRequest.newBuilder()
                .setTenant(tenant.value())
                .setCursor(cursor)
                .build();
        return answered(() -> stub(tenant, PATIENCE).stats(request));
    }

    /** Ends the conversation's turns; its state then, or empty if there is no such one. */
    Optional<Conversation> cancel(TenantId tenant, ThreadId conversation) {
        CancelRequest request = CancelRequest.newBuilder()
                .setTenant(tenant.value())
                .setConversation(conversation.toString())
                .build();
        CancelReply reply = answered(() -> stub(tenant, PATIENCE).cancel(request));
        return reply.getFound() ? Optional.of(reply.getConversation()) : Optional.empty();
    }

    /** Forgets a conversation; false: there is no such one. */
    boolean erase(TenantId tenant, ThreadId conversation) {
        EraseRequest request = EraseRequest.newBuilder()
                .setTenant(tenant.value())
                .setConversation(conversation.toString())
                .build();
        return answered(() -> stub(tenant, PATIENCE).erase(request)).getFound();
    }

    /**
     * Has the buffer forget a part of what it has of a tenant, and refuse it from the first call on.
     *
     * @param cursor where the last call stopped; empty: from the start
     */
    public EraseTenantReply eraseTenant(TenantId tenant, String cursor) {
        EraseTenantRequest request = EraseTenantRequest.newBuilder()
                .setTenant(tenant.value())
                .setCursor(cursor)
                .build();
        return answered(() -> stub(ServiceTokens.PLATFORM, ERASING).eraseTenant(request));
    }

    /** Has the buffer delete a part of what the backup has of a tenant. */
    public EraseTenantReply eraseBackups(TenantId tenant) {
        EraseTenantRequest request =
                EraseTenantRequest.newBuilder().setTenant(tenant.value()).build();
        return answered(() -> stub(ServiceTokens.PLATFORM, ERASING).eraseBackups(request));
    }

    /** Hands over what a service says later about a message that it was handed. */
    public AnswerOutcome answer(
            TenantId tenant, ThreadId conversation, ThreadId thread, MessageId message, String content) {
        AnswerRequest request = AnswerRequest.newBuilder()
                .setTenant(tenant.value())
                .setConversation(conversation.toString())
                .setThread(thread.toString())
                .setMessage(message.toString())
                .setAnswer(LateAnswer.newBuilder().setContent(content))
                .build();
        return answered(() -> stub(tenant, PATIENCE).answer(request)).getOutcome();
    }

    /** Waits until a turn has ended, or the time is over. */
    public AwaitTurnReply awaitTurn(TenantId tenant, ThreadId conversation, MessageId turn, Duration wait) {
        AwaitTurnRequest request = AwaitTurnRequest.newBuilder()
                .setTenant(tenant.value())
                .setConversation(conversation.toString())
                .setTurn(turn.toString())
                .setWaitMs((int) wait.toMillis())
                .build();
        return answered(() -> stub(tenant, PATIENCE.plus(wait)).awaitTurn(request));
    }

    /** The slots after a sequence, as they come. The caller cancels it, and tells {@link #brokeOff} if it broke. */
    BlockingClientCall<?, WatchEvent> watch(TenantId tenant, ThreadId conversation, long after) {
        WatchRequest request = WatchRequest.newBuilder()
                .setTenant(tenant.value())
                .setConversation(conversation.toString())
                .setAfter(after)
                .build();
        return BufferGrpc.newBlockingV2Stub(channel)
                .withInterceptors(identity(tenant))
                .watch(request);
    }

    void brokeOff(StatusException e) {
        if (e.getStatus().getCode() == Status.Code.UNAVAILABLE) {
            reconnectSoon();
        }
    }

    @Override
    public void close() {
        channel.shutdownNow();
    }

    private BufferGrpc.BufferBlockingV2Stub stub(TenantId tenant, Duration deadline) {
        return BufferGrpc.newBlockingV2Stub(channel).withDeadlineAfter(deadline).withInterceptors(identity(tenant));
    }

    private ClientInterceptor identity(TenantId tenant) {
        Metadata headers = new Metadata();
        headers.put(AUTHORIZATION, "Bearer " + tokens.issue(tenant, ServiceTokens.BUFFER));
        traceparent.get().ifPresent(trace -> headers.put(TRACEPARENT, trace));
        return MetadataUtils.newAttachHeadersInterceptor(headers);
    }

    private interface Call<T> {
        T answer() throws StatusException;
    }

    private <T> T answered(Call<T> call) {
        try {
            return call.answer();
        } catch (StatusException e) {
            throw unanswered(e, e.getStatus());
        } catch (StatusRuntimeException e) {
            throw unanswered(e, e.getStatus());
        }
    }

    private RuntimeException unanswered(Exception e, Status status) {
        if (status.getCode() == Status.Code.UNAVAILABLE) {
            reconnectSoon();
        }
        return switch (status.getCode()) {
            // an older buffer, while a new version is rolled out, does not know every call
            case UNAVAILABLE, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, CANCELLED, ABORTED, UNIMPLEMENTED ->
                new Unavailable("the conversation store does not answer; try again", e);
            case NOT_FOUND -> Problem.notFound().refusal();
            // ids are checked before; of what is left, a cursor is the caller's own
            case INVALID_ARGUMENT ->
                Problem.of(ProblemType.INVALID_REQUEST, "a parameter has a wrong value")
                        .refusal();
            default -> new IllegalStateException("the buffer refused a call of the gateway: " + status, e);
        };
    }

    /** Left alone, gRPC would wait for up to two minutes before it tried again: a buffer that is back must be found at once. */
    private void reconnectSoon() {
        long now = System.nanoTime();
        long last = lastReset.get();
        if (now - last > BETWEEN_RESETS.toNanos() && lastReset.compareAndSet(last, now)) {
            channel.resetConnectBackoff();
        }
    }
}
