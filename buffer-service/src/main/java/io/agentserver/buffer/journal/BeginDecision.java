package io.agentserver.buffer.journal;

import io.agentserver.buffer.commit.Completed;
import io.agentserver.buffer.commit.TurnOpened;
import io.agentserver.buffer.journal.Decision.Knowledge;
import io.agentserver.buffer.store.ConversationKey;
import io.agentserver.buffer.v1.BeginReply;
import io.agentserver.buffer.v1.BeginRequest;
import io.agentserver.buffer.v1.Join;
import io.agentserver.buffer.v1.Parking;
import io.agentserver.buffer.v1.Slot;
import io.agentserver.buffer.v1.SlotState;
import io.agentserver.buffer.v1.Verdict;
import io.agentserver.envelope.Ids;
import io.agentserver.envelope.ThreadId;

import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * May this message be handled now? A client's message is journalled when it first comes; an output is in the journal
 * already, and its begin writes nothing unless a join absorbs it.
 */
final class BeginDecision {
    private static final long HISTORY_BYTES = 8 * 1024 * 1024;
    private static final long CHARACTERS_A_TOKEN = 4;
    /** How far the clock of whoever made an id may be ahead of ours. */
    private static final long SKEW_MS = 60_000;
    /** For so long stores keep every commit, whatever its tenant's retention was when it was written: the log's purge bound. */
    private static final Duration EVER_KEPT = Duration.ofHours(24);

    private final ConversationKey conversation;
    private final MessageKey key;
    private final BeginRequest request;
    private final long nowMs;
    private final Duration kept;
    private final Room room;

    /**
     * @param kept the tenant's retention: what entered longer ago may have been forgotten
     * @throws IllegalArgumentException if the request makes no sense in any state
     */
    BeginDecision(ConversationKey conversation, BeginRequest request, long nowMs, Duration kept, Room room) {
        this.conversation = conversation;
        this.key = MessageKey.of(request.getThread(), request.getMessage());
        this.request = request;
        this.nowMs = nowMs;
        this.kept = kept;
        this.room = room;
        if (request.getClient() && !key.thread().equals(conversation.conversation())) {
            throw new IllegalArgumentException("thread: a client's message enters a root thread, <"
                    + request.getThread() + "> is not the conversation's");
        }
        if (request.getHistorySlots() < 0) {
            throw new IllegalArgumentException("history_slots: <" + request.getHistorySlots() + "> is less than 0");
        }
        if (request.getHistoryBytes() < 0 || request.getHistoryTokens() < 0) {
            throw new IllegalArgumentException("history_bytes: <" + request.getHistoryBytes() + ">, history_tokens: <"
                    + request.getHistoryTokens() + ">: neither may be less than 0");
        }
    }

    Decision<BeginReply> decide(JournalState state) {
        if (state.erasure().isPresent()) {
            return dead("the conversation was erased");
        }
        Optional<Slot> known = state.find(key);
        if (request.getClient() && known.isPresent() && !known.get().getDigest().equals(request.getDigest())) {
            return Decision.answer(
                    Knowledge.REMEMBERED,
                    s -> verdict(Verdict.MISMATCH, "message " + key.message() + " is known with another content"));
        }
        Optional<Completed> completion = state.completion(key);
        if (completion.isPresent()) {
            return Decision.answer(Replies.standing(completion.get()), this::done);
        }
        if (state.isInFlight(key)) {
            if (!request.getTakesAnswers() && mayBeAnswered(state)) {
                return Decision.answer(Knowledge.CERTAIN, _ -> {
                    throw new OutdatedCallerException("message " + key.message() + " waits for, or has, a late answer");
                });
            }
            if (state.isAsleep(key) || state.isBehind(key)) {
                return queueInMailbox(state);
            }
            if (waitsForOthers(state)) {
                return absorb(state);
            }
            // what is pruned is closed: a state in which it is not is an old one
            return Decision.answer(state.lacksContentFor(key) ? Knowledge.CERTAIN : Knowledge.LOOKED, this::run);
        }
        if (known.isEmpty()) {
            return request.getClient()
                    ? mayHaveBeenForgotten()
                            ? expired()
                            : isCancelled(state) ? arriveTooLate(state) : arriveIfThereIsRoom(state)
                    : dead("the conversation knows no such message; it may have expired");
        }
        if (state.queue().contains(key)) {
            return wait(state);
        }
        return dead("its thread is closed or its turn has ended");
    }

    /** From an old state there may seem to be none: what it holds expires. */
    private Decision<BeginReply> arriveIfThereIsRoom(JournalState state) {
        return room.end(conversation.tenant(), state, key.thread(), oldestMs())
                .map(reason -> Decision.<BeginReply>answer(Knowledge.CERTAIN, _ -> verdict(Verdict.REFUSED, reason)))
                .orElseGet(() -> arrive(state));
    }

    /** Its turn opens, or it queues behind the open one and those that came before. */
    private Decision<BeginReply> arrive(JournalState state) {
        boolean free = state.openTurn().isEmpty() && state.queue().isEmpty();
        CommitDraft draft = new CommitDraft(state, nowMs);
        draft.enter(slot().setState(free ? SlotState.SENT : SlotState.QUEUED), false, "");
        if (free) {
            draft.openTurn(turn(request.getFrom(), request.getTo()));
        }
        return Decision.write(
                draft.build(),
                isCertainlyNew(state) ? Knowledge.REMEMBERED : Knowledge.LOOKED,
                free ? this::run : s -> verdict(Verdict.QUEUED_BEHIND_TURN, ""));
    }

    /** Comes again: from the log once more, or because the turn before it has ended. */
    private Decision<BeginReply> wait(JournalState state) {
        if (state.openTurn().isPresent() || !key.equals(state.queue().peek())) {
            // from an old state this would lose the message: it may be here because its turn has come
            return Decision.answer(Knowledge.CERTAIN, s -> verdict(Verdict.QUEUED_BEHIND_TURN, ""));
        }
        Slot slot = state.find(key).orElseThrow();
        CommitDraft draft = new CommitDraft(state, nowMs);
        draft.openTurn(turn(slot.getFrom(), slot.getTo()));
        return Decision.write(draft.build(), Knowledge.REMEMBERED, this::run);
    }

    /** What it waits behind brings it back, or its own time does. */
    private Decision<BeginReply> queueInMailbox(JournalState state) {
        if (state.isAsleep(key) || state.isInMailbox(key)) {
            // from an old state this would lose the message: it may be here because its time has come
            return Decision.answer(Knowledge.CERTAIN, s -> verdict(Verdict.QUEUED_IN_MAILBOX, ""));
        }
        CommitDraft draft = new CommitDraft(state, nowMs);
        draft.queueInMailbox(key);
        return Decision.write(draft.build(), Knowledge.REMEMBERED, s -> verdict(Verdict.QUEUED_IN_MAILBOX, ""));
    }

    /** The client cancelled when the log had it already. */
    private boolean isCancelled(JournalState state) {
        return request.getAppendedAtMs() > 0 && request.getAppendedAtMs() <= state.cancelledAtMs();
    }

    private Decision<BeginReply> arriveTooLate(JournalState state) {
        CommitDraft draft = new CommitDraft(state, nowMs);
        draft.enter(slot().setState(SlotState.DROPPED), false, "");
        return Decision.write(draft.build(), Knowledge.REMEMBERED, s -> verdict(Verdict.DEAD, "the client cancelled"));
    }

    private Slot.Builder slot() {
        return Slot.newBuilder()
                .setMessage(key.message().toString())
                .setThread(key.thread().toString())
                .setTurn(key.message().toString())
                .setFrom(request.getFrom())
                .setTo(request.getTo())
                .setRoot(request.getRoot())
                .setEnvelope(request.getEnvelope())
                .setDigest(request.getDigest())
                .setTrace(request.getTrace());
    }

    private boolean waitsForOthers(JournalState state) {
        Optional<ThreadId> answeredBy = state.answeredBy(key);
        return request.getJoin() == Join.ALL
                && answeredBy.isPresent()
                && state.thread(key.thread()).orElseThrow().openCalls.stream()
                        .anyMatch(call -> !call.equals(answeredBy.get()));
    }

    private Decision<BeginReply> absorb(JournalState state) {
        CommitDraft draft = new CommitDraft(state, nowMs);
        Completed.Builder absorbed = Completed.newBuilder()
                .setThread(key.thread().toString())
                .setMessage(key.message().toString())
                .setAbsorbed(true);
        state.nextInMailbox(key.thread(), Optional.of(key))
                .flatMap(state::find)
                .ifPresent(next -> absorbed.addEmits(next.getSequence()));
        draft.complete(absorbed);
        return Decision.write(
                draft.build(),
                Knowledge.REMEMBERED,
                s -> BeginReply.newBuilder()
                        .setVerdict(Verdict.ABSORBED)
                        .addAllEmissions(s.completion(key)
                                .map(done -> Replies.emissions(s, done))
                                .orElseThrow())
                        .build());
    }

    private BeginReply run(JournalState state) {
        ThreadState thread = state.thread(key.thread()).orElseThrow();
        TurnProgress turn = state.openTurn().orElseThrow();
        BeginReply.Builder reply = BeginReply.newBuilder()
                .setVerdict(Verdict.RUN)
                .setTurn(turn.id.toString())
                .setOrganismVersion(turn.organismVersion)
                .setCaller(thread.caller)
                .setCallerThread(thread.callerThread.toString())
                .setParentThread(thread.handOverParent().toString())
                .setHops(turn.hops)
                .setTokens(turn.tokens)
                .setTurnOpenedAtMs(turn.countsFromMs(nowMs));
        state.parking(key).ifPresent(reply::setParking);
        state.answer(key).ifPresent(reply::setAnswer);
        reply.setKeepsUntilMs(keptUntilMs(state, turn)).setLongestWaitMs(longestWaitMs());
        room.lack(conversation.tenant(), state, key.thread(), oldestMs()).ifPresent(reply::setOverLimit);
        long current = state.find(key).map(Slot::getSequence).orElse(0L);
        // one more: a message that the thread sent to itself is in its history and is the current one
        long gone = ConversationView.goneThrough(state, oldestMs());
        List<Slot> history = thread.latest(request.getHistorySlots() + 1).stream()
                .filter(sequence -> sequence != current && sequence > gone)
                .map(state::slot)
                .toList();
        return reply.addAllHistory(bounded(history)).build();
    }

    /** An older pump would ask the service again, and take the 202 for an error. */
    private boolean mayBeAnswered(JournalState state) {
        return state.answer(key).isPresent()
                || state.parking(key).filter(Parking::getAwaitsAnswer).isPresent();
    }

    /** While what began the turn can be read, and an hour of a day less: whoever has waited in vain must be told in time. */
    private long keptUntilMs(JournalState state, TurnProgress turn) {
        long began = state.find(new MessageKey(state.conversation(), turn.id))
                .map(Slot::getAtMs)
                .orElse(turn.openedAtMs);
        return began + longestWaitMs();
    }

    private long longestWaitMs() {
        return kept.toMillis() - kept.toMillis() / 24;
    }

    /** The latest of them: as many as were asked for, and as the caller and a reply have room for. */
    private List<Slot> bounded(List<Slot> history) {
        long most = request.getHistoryBytes() == 0 ? HISTORY_BYTES : Math.min(HISTORY_BYTES, request.getHistoryBytes());
        long mostCharacters = request.getHistoryTokens() == 0
                ? Long.MAX_VALUE
                : Math.min(request.getHistoryTokens(), Long.MAX_VALUE / CHARACTERS_A_TOKEN) * CHARACTERS_A_TOKEN;
        int first = history.size();
        long bytes = 0;
        long characters = 0;
        while (first > 0 && history.size() - first < request.getHistorySlots()) {
            bytes += history.get(first - 1).getSerializedSize();
            characters += SlotText.length(history.get(first - 1));
            if (bytes > most || characters > mostCharacters) {
                break;
            }
            first--;
        }
        return history.subList(first, history.size());
    }

    private BeginReply done(JournalState state) {
        Completed completed = state.completion(key).orElseThrow();
        BeginReply.Builder reply = BeginReply.newBuilder()
                .setVerdict(Verdict.DONE)
                .setTurn(state.find(key).map(Slot::getTurn).orElse(""))
                .addAllEmissions(Replies.emissions(state, completed));
        if (completed.hasLetter()) {
            reply.setLetter(completed.getLetter());
        }
        return reply.build();
    }

    /** The log has it longer than the journal remembers what it has seen: after a loss of offsets it may come again. */
    private boolean mayHaveBeenForgotten() {
        return request.getAppendedAtMs() > 0 && request.getAppendedAtMs() < oldestMs();
    }

    private long oldestMs() {
        return nowMs - kept.toMillis();
    }

    private static Decision<BeginReply> expired() {
        return Decision.answer(
                Knowledge.CERTAIN,
                s -> verdict(Verdict.EXPIRED, "it was on the log for longer than a conversation is remembered"));
    }

    private static Decision<BeginReply> dead(String reason) {
        return Decision.answer(Knowledge.CERTAIN, s -> verdict(Verdict.DEAD, reason));
    }

    private static BeginReply verdict(Verdict verdict, String reason) {
        return BeginReply.newBuilder().setVerdict(verdict).setReason(reason).build();
    }

    private TurnOpened.Builder turn(String client, String listener) {
        return TurnOpened.newBuilder()
                .setTurn(key.message().toString())
                .setOrganismVersion(request.getOrganismVersion())
                .setClient(client)
                .setListener(listener);
    }

    /**
     * A conversation that is named after this message began with it, so its first commit may be tried unseen, if the id is
     * so young that this commit cannot have expired, whatever the retention was when it was written. Any other that is not
     * remembered must be looked for: where the oldest commits have expired, number 1 is free again.
     */
    private boolean isCertainlyNew(JournalState state) {
        if (state.number() > 0) {
            return true;
        }
        long createdAtMs = Ids.createdAtMs(key.message().value()).orElse(0);
        return ThreadId.ofFirstMessage(conversation.tenant(), key.message()).equals(conversation.conversation())
                && createdAtMs > nowMs - Math.min(kept.toMillis(), EVER_KEPT.toMillis())
                && createdAtMs
                        <= nowMs + SKEW_MS; // a client may date its id ahead, and send it again when that has come
    }
}
