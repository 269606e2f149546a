package io.agentserver.gateway;

import io.agentserver.buffer.v1.AnswerOutcome;
import io.agentserver.buffer.v1.AnswerReply;
import io.agentserver.buffer.v1.AnswerRequest;
import io.agentserver.buffer.v1.AwaitTurnReply;
import io.agentserver.buffer.v1.AwaitTurnRequest;
import io.agentserver.buffer.v1.BufferGrpc;
import io.agentserver.buffer.v1.CancelReply;
import io.agentserver.buffer.v1.CancelRequest;
import io.agentserver.buffer.v1.Conversation;
import io.agentserver.buffer.v1.ConversationState;
import io.agentserver.buffer.v1.EraseReply;
import io.agentserver.buffer.v1.EraseRequest;
import io.agentserver.buffer.v1.ListReply;
import io.agentserver.buffer.v1.ListRequest;
import io.agentserver.buffer.v1.ReadReply;
import io.agentserver.buffer.v1.ReadRequest;
import io.agentserver.buffer.v1.ShardStats;
import io.agentserver.buffer.v1.Slot;
import io.agentserver.buffer.v1.SlotState;
import io.agentserver.buffer.v1.StatsReply;
import io.agentserver.buffer.v1.StatsRequest;
import io.agentserver.buffer.v1.Thread;
import io.agentserver.buffer.v1.Turn;
import io.agentserver.buffer.v1.TurnState;
import io.agentserver.buffer.v1.WatchEvent;
import io.agentserver.buffer.v1.WatchRequest;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.StreamObserver;
import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.Consumer;

/** A buffer that says what a test wants it to. It finds the conversations that it was given, and no others. */
final class BufferDouble extends BufferGrpc.BufferImplBase implements AutoCloseable {
    final Map<String, Slot> slots = new ConcurrentHashMap<>(); // one in a conversation
    final Queue<String> cancelled = new ConcurrentLinkedQueue<>();
    final Queue<String> erased = new ConcurrentLinkedQueue<>();
    final List<Integer> waits = new ArrayList<>();
    final Set<String> closed = ConcurrentHashMap.newKeySet(); // conversations whose root thread is
    final List<AnswerRequest> answers = new ArrayList<>();
    volatile int statsParts = 1;
    volatile long lastSequence; // of every conversation; more than its slots: a page was cut
    volatile AnswerOutcome answering = AnswerOutcome.ANSWER_TAKEN;
    /** What a list has, on pages of one; null: one on each end. */
    volatile @Nullable List<Conversation> listed;

    /** What happens before a conversation is read; throws what the caller shall get. */
    volatile Consumer<String> beforeRead = _ -> {};

    /** What a watch sees; empty: its slot, without end. */
    volatile List<WatchEvent> watched = List.of();

    /** Of the turn of a conversation's slot. */
    volatile TurnState turnState = TurnState.TURN_OPEN;

    /** How long turns were waited for, in ms. */
    final Queue<Integer> turnWaits = new ConcurrentLinkedQueue<>();

    /** What a turn has ended with; null: its waiting fails. */
    volatile @Nullable AwaitTurnReply awaited;

    private final Server server;
    private volatile Status awaiting = Status.INTERNAL.withDescription("as the test wants it");

    BufferDouble() throws IOException {
        server = NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                .addService(this)
                .build()
                .start();
    }

    /** Calls of {@code read} so far. */
    int reads() {
        synchronized (waits) {
            return waits.size();
        }
    }

    String address() {
        return "127.0.0.1:" + server.getPort();
    }

    void failAwaiting(Status status) {
        awaiting = status;
    }

    @Override
    public void read(ReadRequest request, StreamObserver<ReadReply> replies) {
        try {
            beforeRead.accept(request.getConversation());
        } catch (StatusRuntimeException e) {
            replies.onError(e);
            return;
        }
        Slot slot = slot(request.getConversation());
        synchronized (waits) {
            waits.add(request.getWaitMs());
        }
        if (erased.contains(request.getTenant() + "#" + request.getConversation())) {
            replies.onNext(ReadReply.newBuilder().setErased(true).build());
            replies.onCompleted();
            return;
        }
        if (slot == null && request.getWaitMs() > 0) {
            return; // until the test is over
        }
        ReadReply.Builder reply = ReadReply.newBuilder();
        if (closed.contains(request.getConversation())) {
            reply.setFound(true)
                    .setConversation(Conversation.newBuilder()
                            .addThreads(Thread.newBuilder()
                                    .setId(request.getConversation())
                                    .setClosed(true)));
        }
        if (slot != null) {
            reply.setFound(true)
                    .setConversation(Conversation.newBuilder()
                            .setId(request.getConversation())
                            .setState(ConversationState.OPEN)
                            .setLastSequence(lastSequence)
                            .addTurns(Turn.newBuilder().setId(slot.getMessage()).setState(turnState)));
            boolean asked =
                    request.getMessage().isEmpty() || request.getMessage().equals(slot.getMessage());
            if (!asked || request.getBrief()) {
                reply.getConversationBuilder().clearTurns();
            }
            if (asked && request.getAfter() == 0 && request.getLimit() > 0) {
                reply.addSlots(slot);
            }
        }
        replies.onNext(reply.build());
        replies.onCompleted();
    }

    /** In parts of the same two shards. */
    @Override
    public void stats(StatsRequest request, StreamObserver<StatsReply> replies) {
        int part = request.getCursor().isEmpty() ? 0 : Integer.parseInt(request.getCursor());
        replies.onNext(StatsReply.newBuilder()
                .addShards(ShardStats.newBuilder()
                        .setShard(3)
                        .setConversations(1)
                        .setSlots(2)
                        .setBytes(100))
                .addShards(ShardStats.newBuilder()
                        .setShard(15)
                        .setConversations(1)
                        .setSlots(3)
                        .setBytes(1_000))
                .setNextCursor(part + 1 < statsParts ? String.valueOf(part + 1) : "")
                .build());
        replies.onCompleted();
    }

    /** As the buffer has them: none without a state. */
    private @Nullable Slot slot(String conversation) {
        Slot slot = slots.get(conversation);
        return slot == null || slot.getState() != SlotState.SLOT_STATE_UNSPECIFIED
                ? slot
                : slot.toBuilder().setState(SlotState.SENT).build();
    }

    @Override
    public void answer(AnswerRequest request, StreamObserver<AnswerReply> replies) {
        synchronized (answers) {
            answers.add(request);
        }
        replies.onNext(AnswerReply.newBuilder().setOutcome(answering).build());
        replies.onCompleted();
    }

    @Override
    public void cancel(CancelRequest request, StreamObserver<CancelReply> replies) {
        cancelled.add(request.getTenant() + "#" + request.getConversation());
        replies.onNext(CancelReply.newBuilder()
                .setFound(true)
                .setConversation(Conversation.newBuilder()
                        .setId(request.getConversation())
                        .setState(ConversationState.CANCELLED))
                .build());
        replies.onCompleted();
    }

    @Override
    public void erase(EraseRequest request, StreamObserver<EraseReply> replies) {
        erased.add(request.getTenant() + "#" + request.getConversation());
        replies.onNext(EraseReply.newBuilder()
                .setFound(slots.containsKey(request.getConversation()))
                .build());
        replies.onCompleted();
    }

    @Override
    public void list(ListRequest request, StreamObserver<ListReply> replies) {
        List<Conversation> all = listed;
        if (all != null) {
            int at = request.getCursor().isEmpty() ? 0 : Integer.parseInt(request.getCursor());
            replies.onNext(ListReply.newBuilder()
                    .addAllConversations(all.subList(at, Math.min(at + 1, all.size())))
                    .setNextCursor(at + 1 < all.size() ? String.valueOf(at + 1) : "")
                    .build());
            replies.onCompleted();
            return;
        }
        if (!request.getCursor().isEmpty()) {
            replies.onError(Status.INVALID_ARGUMENT.asRuntimeException());
            return;
        }
        // as if there were one on each end
        replies.onNext(ListReply.newBuilder()
                .addConversations(Conversation.newBuilder()
                        .setId(request.getOldestFirst() ? "oldest" : "newest")
                        .setState(ConversationState.IDLE))
                .build());
        replies.onCompleted();
    }

    @Override
    public void awaitTurn(AwaitTurnRequest request, StreamObserver<AwaitTurnReply> replies) {
        turnWaits.add(request.getWaitMs());
        AwaitTurnReply reply = awaited;
        if (reply == null) {
            replies.onError(awaiting.asRuntimeException());
            return;
        }
        replies.onNext(reply);
        replies.onCompleted();
    }

    @Override
    public void watch(WatchRequest request, StreamObserver<WatchEvent> events) {
        Slot slot = slot(request.getConversation());
        if (!watched.isEmpty()) {
            watched.forEach(events::onNext);
            events.onCompleted();
            return;
        }
        for (int i = 1; slot != null && i <= 1000; i++) {
            events.onNext(WatchEvent.newBuilder()
                    .setSlot(slot.toBuilder().setSequence(i).build())
                    .build());
        }
    }

    @Override
    public void close() {
        server.shutdownNow();
    }
}
