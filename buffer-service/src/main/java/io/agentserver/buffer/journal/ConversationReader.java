package io.agentserver.buffer.journal;

import io.agentserver.buffer.journal.Wakeups.Waiter;
import io.agentserver.buffer.store.ConversationKey;
import io.agentserver.buffer.store.RecentConversations;
import io.agentserver.buffer.store.RecentConversations.Order;
import io.agentserver.buffer.store.ShardKey;
import io.agentserver.buffer.store.StoreUnavailableException;
import io.agentserver.buffer.store.ThreadStore;
import io.agentserver.buffer.v1.AwaitTurnReply;
import io.agentserver.buffer.v1.AwaitTurnRequest;
import io.agentserver.buffer.v1.Conversation;
import io.agentserver.buffer.v1.ListReply;
import io.agentserver.buffer.v1.ListRequest;
import io.agentserver.buffer.v1.ReadReply;
import io.agentserver.buffer.v1.ReadRequest;
import io.agentserver.buffer.v1.ShardStats;
import io.agentserver.buffer.v1.StatsReply;
import io.agentserver.buffer.v1.StatsRequest;
import io.agentserver.buffer.v1.Turn;
import io.agentserver.buffer.v1.TurnState;
import io.agentserver.envelope.MessageId;
import io.agentserver.envelope.TenantId;
import io.agentserver.envelope.ThreadId;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.function.LongFunction;
import java.util.function.Predicate;
import java.util.function.Supplier;

/**
 * Answers what clients ask about conversations, waiting for it if they want to. Safe on any thread; blocks, so it wants
 * virtual ones. What it tells is in the store.
 */
public final class ConversationReader {
    /** Wake-ups may get lost; nobody waits longer than this for what is there. */
    static final Duration POLL = Duration.ofSeconds(2);

    private static final Duration LONGEST_READ = Duration.ofSeconds(5);
    private static final Duration LONGEST_TURN = Duration.ofSeconds(60);
    private static final int MOST_LISTED = 100;
    private static final int COUNTED_AT_ONCE = 500;
    /** An answer stays below what gRPC carries, with an envelope's 256 KiB more. */
    private static final long MOST_BYTES = 3_000_000;

    private final ConversationJournal journal;
    private final ThreadStore store;
    private final Wakeups wakeups;
    private final Duration poll;

    public ConversationReader(ConversationJournal journal, ThreadStore store, Wakeups wakeups) {
        this(journal, store, wakeups, POLL);
    }

    /** @param poll how long a lost wake-up goes unnoticed */
    ConversationReader(ConversationJournal journal, ThreadStore store, Wakeups wakeups, Duration poll) {
        this.journal = journal;
        this.store = store;
        this.wakeups = wakeups;
        this.poll = poll;
    }

    public ReadReply read(ConversationKey key, ReadRequest request) {
        Optional<ThreadId> thread =
                request.getThread().isEmpty() ? Optional.empty() : Optional.of(ThreadId.parse(request.getThread()));
        if (request.getLimit() < 0 || request.getAfter() < 0 || request.getWaitMs() < 0) {
            throw new IllegalArgumentException("limit, after, wait_ms: none may be less than 0");
        }
        Duration wait = atMost(request.getWaitMs(), LONGEST_READ);
        if (request.getMessage().isEmpty()) {
            return show(
                    key,
                    wait,
                    state -> request.getLimit() == 0 || state.isWholeAfter(request.getAfter()),
                    reply -> reply.getFound() || reply.getErased(),
                    state -> page(key, state, request, thread));
        }
        MessageKey message = new MessageKey(thread.orElse(key.conversation()), MessageId.parse(request.getMessage()));
        return show(
                key,
                wait,
                state -> request.getLimit() == 0 || state.isWhole(message),
                reply -> reply.getErased()
                        || reply.getSlotsCount() > 0
                        || reply.getConversation().getTurnsCount() > 0,
                state -> one(key, state, message, request.getLimit() > 0));
    }

    private ReadReply show(
            ConversationKey key,
            Duration wait,
            Predicate<JournalState> suffices,
            Predicate<ReadReply> isAnswer,
            Function<JournalState, ReadReply> view) {
        return await(
                key,
                wait,
                () -> journal.show(key, suffices, view),
                isAnswer,
                number -> number > 0 ? journal.show(key, number, suffices, view) : journal.show(key, suffices, view));
    }

    /** By the journal's index: as fast in a long conversation as in a short one. */
    private ReadReply one(ConversationKey key, JournalState state, MessageKey message, boolean withSlot) {
        long oldest = journal.oldestVisibleMs(key.tenant());
        if (!ConversationView.isFound(state, oldest)) {
            return ReadReply.newBuilder().setErased(state.erasure().isPresent()).build();
        }
        Conversation.Builder conversation = ConversationView.brief(state).toBuilder();
        if (message.thread().equals(state.conversation())) {
            state.turn(message.message()).ifPresent(turn -> conversation.addTurns(turn.toTurn()));
        }
        ReadReply.Builder reply = ReadReply.newBuilder().setFound(true).setConversation(conversation);
        if (withSlot) {
            state.find(message)
                    .filter(slot -> slot.getSequence() > ConversationView.goneThrough(state, oldest))
                    .ifPresent(reply::addSlots);
        }
        return reply.build();
    }

    private ReadReply page(ConversationKey key, JournalState state, ReadRequest request, Optional<ThreadId> thread) {
        long oldest = journal.oldestVisibleMs(key.tenant());
        if (!ConversationView.isFound(state, oldest)) {
            return ReadReply.newBuilder().setErased(state.erasure().isPresent()).build();
        }
        ReadReply.Builder reply = ReadReply.newBuilder()
                .setFound(true)
                .setConversation(request.getBrief() ? ConversationView.brief(state) : ConversationView.full(state));
        long bytes = 0;
        for (var slot : ConversationView.slots(state, request.getAfter(), request.getLimit(), thread, oldest)) {
            bytes += slot.getSerializedSize();
            if (bytes > MOST_BYTES && reply.getSlotsCount() > 0) {
                break; // the reader asks on from the last one
            }
            reply.addSlots(slot);
        }
        return reply.build();
    }

    public ListReply list(TenantId tenant, ListRequest request) {
        int limit = request.getLimit();
        if (limit < 1 || limit > MOST_LISTED) {
            throw new IllegalArgumentException("limit: <" + limit + "> is not 1 to " + MOST_LISTED);
        }
        RecentConversations page = store.recent(
                tenant,
                request.getOldestFirst() ? Order.OLDEST_FIRST : Order.NEWEST_FIRST,
                limit,
                Cursor.parse(request.getCursor()));
        return ListReply.newBuilder()
                .addAllConversations(journal.briefs(keys(tenant, page)))
                .setNextCursor(page.next().map(Cursor::write).orElse(""))
                .build();
    }

    /** What a tenant's conversations hold, those of a page of them. A page is bounded, for each costs the store a read. */
    public StatsReply stats(TenantId tenant, StatsRequest request) {
        RecentConversations page =
                store.recent(tenant, Order.OLDEST_FIRST, COUNTED_AT_ONCE, Cursor.parse(request.getCursor()));
        Map<Integer, ShardStats.Builder> shards = new TreeMap<>();
        for (Conversation each : journal.briefs(keys(tenant, page))) {
            int shard = ShardKey.of(ThreadId.parse(each.getId()), ShardKey.SHARDS);
            ShardStats.Builder its = shards.computeIfAbsent(
                    shard, which -> ShardStats.newBuilder().setShard(which));
            its.setConversations(its.getConversations() + 1)
                    .setSlots(its.getSlots() + each.getKeptSlots())
                    .setBytes(its.getBytes() + each.getKeptBytes())
                    .setOpen(its.getOpen() + (each.getOpenTurn().isEmpty() ? 0 : 1));
        }
        StatsReply.Builder reply = StatsReply.newBuilder();
        shards.values().forEach(reply::addShards);
        return reply.setNextCursor(page.next().map(Cursor::write).orElse("")).build();
    }

    private static List<ConversationKey> keys(TenantId tenant, RecentConversations page) {
        return page.conversations().stream()
                .map(recent -> new ConversationKey(tenant, recent.conversation()))
                .toList();
    }

    public AwaitTurnReply awaitTurn(ConversationKey key, AwaitTurnRequest request) {
        MessageId turn = MessageId.parse(request.getTurn());
        Duration wait = atMost(request.getWaitMs(), LONGEST_TURN);
        Function<JournalState, AwaitTurnReply> view = state -> state.erasure().isPresent()
                ? erased(turn)
                : state.turn(turn)
                        .filter(TurnProgress::isEnded)
                        .map(ended -> ended(key, state, ended))
                        .orElse(AwaitTurnReply.getDefaultInstance());
        // who waits for a turn has mostly just sent its message: there is nothing yet that a close look could find
        return await(
                key,
                wait,
                () -> {
                    // what a copy has may have been erased since
                    boolean nothing =
                            wait.isPositive() && !journal.glance(key, view).getEnded();
                    return nothing ? AwaitTurnReply.getDefaultInstance() : journal.look(key, view);
                },
                AwaitTurnReply::getEnded,
                number -> number > 0 ? journal.look(key, number, view) : journal.look(key, view));
    }

    /** Whatever turn it was, it has no response and gets none. */
    private static AwaitTurnReply erased(MessageId turn) {
        return AwaitTurnReply.newBuilder()
                .setEnded(true)
                .setTurn(Turn.newBuilder().setId(turn.toString()).setState(TurnState.TURN_CANCELLED))
                .build();
    }

    private AwaitTurnReply ended(ConversationKey key, JournalState state, TurnProgress turn) {
        AwaitTurnReply.Builder reply =
                AwaitTurnReply.newBuilder().setEnded(true).setTurn(turn.toTurn());
        if (turn.responseSequence > ConversationView.goneThrough(state, journal.oldestVisibleMs(key.tenant()))) {
            reply.setResponse(state.slot(turn.responseSequence));
        }
        return reply.build();
    }

    /**
     * Looks again after each wake-up and, closely, at the end of each poll, until the answer is one or the time is up. A store
     * that is away meanwhile is no reason to give up early.
     *
     * @param next looks again, at a state that has this commit; 0: closely
     */
    private <R> R await(
            ConversationKey key, Duration wait, Supplier<R> first, Predicate<R> isAnswer, LongFunction<R> next) {
        long deadline = System.nanoTime() + wait.toNanos();
        try (Waiter waiter = wakeups.register(key)) {
            R answer = first.get();
            Duration left = Duration.ofNanos(deadline - System.nanoTime());
            while (!isAnswer.test(answer) && left.isPositive() && !wakeups.isClosed()) {
                long number = waiter.await(left.compareTo(poll) < 0 ? left : poll);
                left = Duration.ofNanos(deadline - System.nanoTime());
                try {
                    answer = next.apply(number);
                } catch (StoreUnavailableException e) {
                    if (!left.isPositive()
                            || wakeups.isClosed()
                            || Thread.currentThread().isInterrupted()) {
                        throw e;
                    }
                }
            }
            return answer;
        }
    }

    private static Duration atMost(long millis, Duration longest) {
        Duration asked = Duration.ofMillis(millis);
        return asked.compareTo(longest) < 0 ? asked : longest;
    }
}
