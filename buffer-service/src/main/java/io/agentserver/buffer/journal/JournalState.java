package io.agentserver.buffer.journal;

import com.google.protobuf.ByteString;
import io.agentserver.buffer.commit.Answered;
import io.agentserver.buffer.commit.CallEnded;
import io.agentserver.buffer.commit.Cancelled;
import io.agentserver.buffer.commit.Change;
import io.agentserver.buffer.commit.Commit;
import io.agentserver.buffer.commit.Completed;
import io.agentserver.buffer.commit.Entry;
import io.agentserver.buffer.commit.Parked;
import io.agentserver.buffer.commit.Released;
import io.agentserver.buffer.commit.ThreadOpened;
import io.agentserver.buffer.commit.TurnEnded;
import io.agentserver.buffer.commit.TurnOpened;
import io.agentserver.buffer.v1.LateAnswer;
import io.agentserver.buffer.v1.Parking;
import io.agentserver.buffer.v1.Slot;
import io.agentserver.buffer.v1.SlotState;
import io.agentserver.buffer.v1.Tokens;
import io.agentserver.buffer.v1.TurnState;
import io.agentserver.envelope.MessageId;
import io.agentserver.envelope.ThreadId;
import org.jspecify.annotations.Nullable;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * What a conversation's commits, applied in order, amount to. The same commits give the same state on every machine. Not
 * thread-safe; whoever holds it locks it.
 */
final class JournalState {
    private static final String NO_CALL = "";

    private final ThreadId conversation;
    private long number;
    private long sequence;
    private long expiredThrough;
    private long createdAtMs;
    private long beganMs;
    private long lastActivityMs;
    private long keptUntilMs;
    private long weight;
    private long bytes;
    private Tokens tokens = Tokens.getDefaultInstance();

    private final List<Slot> slots = new ArrayList<>();
    private final Map<MessageKey, Long> sequences = new HashMap<>();
    private final Map<MessageKey, Completed> completed = new HashMap<>();
    /** In the open turn only; the value is the thread whose answer the message is, or {@link #NO_CALL}. */
    private final Map<MessageKey, String> inFlight = new LinkedHashMap<>();

    private final Map<ThreadId, ThreadState> threads = new LinkedHashMap<>();
    /** Opened in the open turn, parents before children; those of ended turns are all closed. */
    private final List<ThreadState> threadsOfTurn = new ArrayList<>();

    private final Map<MessageId, TurnProgress> turns = new LinkedHashMap<>();
    private final List<TurnProgress> endedTurns = new ArrayList<>();
    private final Deque<MessageKey> queue = new ArrayDeque<>();
    /** Of messages in flight, as they were parked last. */
    private final Map<MessageKey, Parking> parkings = new HashMap<>();
    /** Those of them that are parked now. */
    private final Set<MessageKey> asleep = new LinkedHashSet<>();
    /** Of messages in flight. */
    private final Map<MessageKey, LateAnswer> answers = new HashMap<>();
    /** Of all that were answered late: by it a repeat is known. */
    private final Map<MessageKey, ByteString> answerDigests = new HashMap<>();

    /** Slots whose content the store that was read did not have, by sequence: how many bytes. */
    private final Map<Long, Integer> prunedSlots = new HashMap<>();
    /** Messages whose late answer it did not have. */
    private final Set<MessageKey> prunedAnswers = new HashSet<>();

    private long prunedThrough;

    private long cancelledAtMs;
    private @Nullable Commit erasure;
    private @Nullable TurnProgress openTurn;

    JournalState(ThreadId conversation) {
        this.conversation = conversation;
        ThreadState root = ThreadState.root(conversation);
        threads.put(conversation, root);
    }

    // ---- what is

    ThreadId conversation() {
        return conversation;
    }

    /** Of the last commit; 0: none. */
    long number() {
        return number;
    }

    long sequence() {
        return sequence;
    }

    /** Slots up to this sequence are no longer in the store. */
    long expiredThrough() {
        return expiredThrough;
    }

    long createdAtMs() {
        return createdAtMs;
    }

    long lastActivityMs() {
        return lastActivityMs;
    }

    /** Until when stores keep what was written so far; 0: an older buffer wrote all of it. */
    long keptUntilMs() {
        return keptUntilMs;
    }

    Tokens tokens() {
        return tokens;
    }

    /** About the bytes of memory that it takes. */
    long weight() {
        return weight;
    }

    /** Those that are left, in the order of their sequences. */
    List<Slot> slots() {
        return Collections.unmodifiableList(slots);
    }

    Slot slot(long atSequence) {
        return slots.get((int) (atSequence - expiredThrough - 1));
    }

    Optional<Slot> find(MessageKey key) {
        return Optional.ofNullable(sequences.get(key)).map(this::slot);
    }

    Optional<Completed> completion(MessageKey key) {
        return Optional.ofNullable(completed.get(key));
    }

    boolean isInFlight(MessageKey key) {
        return inFlight.containsKey(key);
    }

    /** Whether it has not taken effect yet and may still do so. */
    boolean isAwaited(MessageKey key) {
        return isInFlight(key) || queue.contains(key);
    }

    Collection<MessageKey> inFlight() {
        return Collections.unmodifiableCollection(inFlight.keySet());
    }

    /** The thread whose answer a message in flight is. */
    Optional<ThreadId> answeredBy(MessageKey key) {
        return Optional.ofNullable(inFlight.get(key))
                .filter(thread -> !thread.equals(NO_CALL))
                .map(ThreadId::parse);
    }

    Optional<ThreadState> thread(ThreadId id) {
        return Optional.ofNullable(threads.get(id));
    }

    /** Opened so far, the root first. */
    Collection<ThreadState> threads() {
        return Collections.unmodifiableCollection(threads.values());
    }

    Optional<TurnProgress> turn(MessageId id) {
        return Optional.ofNullable(turns.get(id));
    }

    Collection<TurnProgress> turns() {
        return Collections.unmodifiableCollection(turns.values());
    }

    List<TurnProgress> endedTurns() {
        return Collections.unmodifiableList(endedTurns);
    }

    Optional<TurnProgress> openTurn() {
        return Optional.ofNullable(openTurn);
    }

    /** Clients' messages that wait for their turn, in order. */
    Deque<MessageKey> queue() {
        return queue;
    }

    /** What is parked now. */
    Map<MessageKey, Parking> parked() {
        Map<MessageKey, Parking> parked = new HashMap<>(parkings);
        parked.keySet().retainAll(asleep);
        return parked;
    }

    /** As it was parked last. */
    Optional<Parking> parking(MessageKey key) {
        return Optional.ofNullable(parkings.get(key));
    }

    boolean isAsleep(MessageKey key) {
        return asleep.contains(key);
    }

    /** What its service has said since it was handed the message; of one in flight alone. */
    Optional<LateAnswer> answer(MessageKey key) {
        return Optional.ofNullable(answers.get(key));
    }

    /** Of the late answer that stands, whatever has become of the message. */
    Optional<ByteString> answerDigest(MessageKey key) {
        return Optional.ofNullable(answerDigests.get(key));
    }

    /** Whether something else of its thread was parked, or queued in the mailbox, before it. */
    boolean isBehind(MessageKey key) {
        return nextInMailbox(key.thread(), Optional.empty())
                .filter(next -> !next.equals(key))
                .isPresent();
    }

    boolean isInMailbox(MessageKey key) {
        return thread(key.thread())
                .filter(thread -> thread.mailbox.contains(key))
                .isPresent();
    }

    /** The first of a thread's mailbox, without one that is about to leave it. */
    Optional<MessageKey> nextInMailbox(ThreadId thread, Optional<MessageKey> leaving) {
        return thread(thread).stream()
                .flatMap(its -> its.mailbox.stream())
                .filter(key -> inFlight.containsKey(key) && !leaving.equals(Optional.of(key)))
                .findFirst();
    }

    /** When the client cancelled last; 0: never. */
    long cancelledAtMs() {
        return cancelledAtMs;
    }

    /** When the oldest commit was made that is more than a place to go on after; 0: there is none. */
    long beganMs() {
        return beganMs;
    }

    /** The commit that has erased it, which is its last one for ever. */
    Optional<Commit> erasure() {
        return Optional.ofNullable(erasure);
    }

    /** Whether all slots after this sequence have their content. */
    boolean isWholeAfter(long after) {
        return prunedThrough <= after;
    }

    /** Whether a message's slot, if there is one, has its content. */
    boolean isWhole(MessageKey key) {
        Long at = sequences.get(key);
        return at == null || !prunedSlots.containsKey(at);
    }

    /** How many bytes a slot lacks. */
    int prunedBytes(long atSequence) {
        return prunedSlots.getOrDefault(atSequence, 0);
    }

    /** Of its slots, whether they are whole or not. */
    long bytes() {
        return bytes;
    }

    /** Whether it lacks something that a handler of this message would be given, as only an old state of a pruned copy may. */
    boolean lacksContentFor(MessageKey key) {
        return prunedAnswers.contains(key)
                || thread(key.thread())
                        .filter(thread -> prunedSlots.keySet().stream().anyMatch(thread::remembers))
                        .isPresent();
    }

    // ---- what happens

    /** Is it the next one, with no number and no slot in between? To nothing any commit is. */
    boolean isFollowedBy(Commit commit) {
        return number == 0 || commit.getNumber() == number + 1 && commit.getSequenceBefore() == sequence;
    }

    /** @throws IllegalStateException if the commit is not the next one */
    void apply(Commit commit) {
        if (number == 0) {
            // the store's oldest: 1, unless the beginning has expired
            sequence = commit.getSequenceBefore();
            expiredThrough = sequence;
            createdAtMs = commit.getAtMs();
        } else if (!isFollowedBy(commit)) {
            throw new IllegalStateException("commit " + commit.getNumber() + " of conversation " + conversation
                    + " does not follow commit " + number);
        }
        number = commit.getNumber();
        if (beganMs == 0 && commit.getChangesCount() > 0) {
            beganMs = commit.getAtMs();
        }
        lastActivityMs = commit.getAtMs();
        keptUntilMs = Math.max(keptUntilMs, commit.getKeptUntilMs());
        weight += 256 + 2L * commit.getSerializedSize();
        Optional<ThreadState> handled = Optional.empty();
        for (Change change : commit.getChangesList()) {
            switch (change.getWhatCase()) {
                case COMPLETED -> handled = complete(change.getCompleted());
                case ENTRY -> enter(change.getEntry(), handled);
                case TURN_OPENED -> openTurn(change.getTurnOpened(), commit.getAtMs(), commit.getSequenceBefore());
                case TURN_ENDED -> endTurn(change.getTurnEnded(), commit.getAtMs());
                case THREAD_OPENED -> open(change.getThreadOpened());
                case THREAD_CLOSED ->
                    close(ThreadId.parse(change.getThreadClosed().getId()));
                case CALL_ENDED -> endCall(change.getCallEnded());
                case RELEASED -> release(change.getReleased());
                case PARKED -> park(change.getParked());
                case UNPARKED ->
                    asleep.remove(MessageKey.of(
                            change.getUnparked().getThread(),
                            change.getUnparked().getMessage()));
                case WAITING -> {
                    MessageKey key = MessageKey.of(
                            change.getWaiting().getThread(), change.getWaiting().getMessage());
                    thread(key.thread()).ifPresent(thread -> thread.mailbox.add(key));
                }
                case CANCELLED -> cancel(change.getCancelled());
                case ANSWERED -> answer(change.getAnswered());
                case ERASED -> erase(commit);
                case WHAT_NOT_SET ->
                    throw new IllegalStateException("commit " + number + " of conversation " + conversation
                            + " holds a change that this version does not know: upgrade the buffer");
            }
        }
        parkings.keySet().retainAll(inFlight.keySet());
        asleep.retainAll(inFlight.keySet());
        answers.keySet().retainAll(inFlight.keySet());
        if (openTurn != null) {
            openTurn.waits(
                    parkings.entrySet().stream()
                            .anyMatch(parked -> parked.getValue().getWaits() && asleep.contains(parked.getKey())),
                    lastActivityMs);
        }
    }

    private void park(Parked parked) {
        MessageKey key = MessageKey.of(parked.getThread(), parked.getMessage());
        parkings.put(key, parked.getParking());
        asleep.add(key);
        thread(key.thread()).ifPresent(thread -> {
            // awake again, it is still the first
            thread.mailbox.remove(key);
            thread.mailbox.addFirst(key);
        });
    }

    private void answer(Answered answered) {
        MessageKey key = MessageKey.of(answered.getThread(), answered.getMessage());
        answers.put(key, answered.getAnswer());
        answerDigests.put(key, AnswerDecision.digest(answered));
        if (!answered.hasAnswer()) {
            prunedAnswers.add(key);
        }
        asleep.remove(key);
    }

    /** The open turn has an end of its own in the same commit. */
    private void cancel(Cancelled cancelled) {
        cancelledAtMs = cancelled.getAtMs();
        while (!queue.isEmpty()) {
            MessageKey key = queue.remove();
            find(key).ifPresent(slot -> setState(slot.getSequence(), SlotState.DROPPED));
            turn(key.message()).ifPresent(turn -> end(turn, TurnState.TURN_CANCELLED));
        }
    }

    private void erase(Commit last) {
        erasure = last;
        expiredThrough = sequence;
        createdAtMs = lastActivityMs;
        weight = 256 + 2L * last.getSerializedSize();
        tokens = Tokens.getDefaultInstance();
        bytes = 0;
        slots.clear();
        sequences.clear();
        completed.clear();
        inFlight.clear();
        threads.clear();
        threads.put(conversation, ThreadState.root(conversation));
        threadsOfTurn.clear();
        turns.clear();
        endedTurns.clear();
        queue.clear();
        answerDigests.clear();
        prunedSlots.clear();
        prunedAnswers.clear();
        prunedThrough = 0;
        cancelledAtMs = 0;
        openTurn = null;
    }

    private void end(TurnProgress turn, TurnState how) {
        turn.state = how;
        turn.endedAtMs = lastActivityMs;
        turn.endedAfterSequence = sequence;
        endedTurns.add(turn);
    }

    private Optional<ThreadState> complete(Completed done) {
        MessageKey key = MessageKey.of(done.getThread(), done.getMessage());
        Optional<ThreadId> answer = answeredBy(key);
        inFlight.remove(key);
        completed.put(key, done);
        tokens = sum(tokens, done.getTokens());
        find(key).flatMap(slot -> turn(MessageId.parse(slot.getTurn()))).ifPresent(turn -> {
            turn.tokens = sum(turn.tokens, done.getTokens());
            turn.hops += done.getAbsorbed() ? 0 : 1;
        });
        Optional<ThreadState> thread = thread(key.thread());
        if (done.getDropped()) {
            return Optional.empty();
        }
        thread.ifPresent(handled -> {
            handled.mailbox.remove(key);
            answer.ifPresent(handled.openCalls::remove);
            find(key).ifPresent(slot -> handled.remember(slot.getSequence()));
            if (done.getAbsorbed()) {
                handled.absorbed.add(key);
            } else {
                handled.absorbed.clear();
            }
        });
        return thread;
    }

    private void enter(Entry entry, Optional<ThreadState> madeBy) {
        Slot slot = entry.getSlot();
        MessageKey key = MessageKey.of(slot);
        sequence = slot.getSequence();
        if (entry.getPruned() > 0) {
            prunedSlots.put(sequence, entry.getPruned());
            prunedThrough = sequence;
        }
        slots.add(slot);
        bytes += slot.getSerializedSize() + entry.getPruned();
        Long taken = sequences.put(key, sequence);
        if (taken != null) {
            displace(key, taken);
        }
        if (entry.getInFlight()) {
            inFlight.put(key, entry.getAnswers());
        }
        if (slot.getCause().isEmpty()) {
            TurnProgress turn = new TurnProgress(key.message(), slot.getAtMs());
            turns.put(key.message(), turn);
            if (slot.getState() == SlotState.QUEUED) {
                queue.add(key);
            } else if (slot.getState() == SlotState.DROPPED) {
                end(turn, TurnState.TURN_CANCELLED);
            }
        } else {
            madeBy.ifPresent(thread -> thread.remember(sequence));
        }
    }

    /**
     * A client may name a message as an output to come is named: it can compute those ids. The output stands, or whoever waits
     * for it would wait for ever; the client's message is dropped, or the queue would wait for it.
     */
    private void displace(MessageKey key, long taken) {
        completed.remove(key);
        answerDigests.remove(key);
        if (queue.remove(key)) {
            setState(taken, SlotState.DROPPED);
            TurnProgress turn = turns.computeIfAbsent(key.message(), id -> new TurnProgress(id, lastActivityMs));
            end(turn, TurnState.TURN_FAILED);
        }
    }

    private void setState(long atSequence, SlotState state) {
        slots.set(
                (int) (atSequence - expiredThrough - 1),
                slot(atSequence).toBuilder().setState(state).build());
    }

    private void openTurn(TurnOpened opened, long atMs, long sequenceBefore) {
        MessageKey key = new MessageKey(conversation, MessageId.parse(opened.getTurn()));
        queue.remove(key);
        inFlight.put(key, NO_CALL);
        find(key)
                .filter(slot -> slot.getState() == SlotState.QUEUED)
                .ifPresent(slot -> setState(slot.getSequence(), SlotState.SENT));
        TurnProgress turn = turns.computeIfAbsent(key.message(), id -> new TurnProgress(id, atMs));
        turn.state = TurnState.TURN_OPEN;
        turn.openedAtMs = atMs;
        turn.organismVersion = opened.getOrganismVersion();
        turn.commitsBefore = number - 1;
        turn.slotsBefore = sequenceBefore;
        openTurn = turn;
        ThreadState root = root();
        root.listener = opened.getListener();
        root.caller = opened.getClient();
    }

    private void endTurn(TurnEnded ended, long atMs) {
        MessageId id = MessageId.parse(ended.getTurn());
        TurnProgress turn = turns.computeIfAbsent(id, unknown -> new TurnProgress(unknown, atMs));
        turn.responseSequence = ended.getResponseSequence();
        end(turn, ended.getState());
        openTurn = null;
        inFlight.clear();
        threadsOfTurn.forEach(thread -> thread.closed = true);
        threadsOfTurn.clear();
        root().openCalls.clear();
        root().absorbed.clear();
        root().mailbox.clear();
    }

    private void open(ThreadOpened opened) {
        ThreadState thread = ThreadState.of(opened);
        threads.put(thread.id, thread);
        threadsOfTurn.add(thread);
        Optional<ThreadState> caller = thread(thread.callerThread);
        if (thread.answersTurn) {
            // the root has left the turn: nobody waits any more for its calls, and what is on its way to it is dead
            root().openCalls.clear();
            root().absorbed.clear();
            root().mailbox.clear();
            inFlight.keySet().removeIf(key -> key.thread().equals(conversation));
            return;
        }
        caller.ifPresent(waiting -> {
            if (!opened.getReplaces().isEmpty()) {
                waiting.openCalls.remove(ThreadId.parse(opened.getReplaces()));
            }
            waiting.openCalls.add(thread.id);
        });
    }

    private void close(ThreadId id) {
        thread(id).filter(thread -> !thread.isRoot()).ifPresent(thread -> {
            thread.closed = true;
            // parents come before their children, so one pass reaches all below
            for (ThreadState below : threadsOfTurn) {
                if (below.parent
                        .flatMap(this::thread)
                        .filter(parent -> parent.closed)
                        .isPresent()) {
                    below.closed = true;
                }
            }
            inFlight.keySet()
                    .removeIf(key ->
                            thread(key.thread()).filter(its -> its.closed).isPresent());
        });
    }

    private void endCall(CallEnded ended) {
        thread(ThreadId.parse(ended.getCallerThread()))
                .ifPresent(caller -> caller.openCalls.remove(ThreadId.parse(ended.getThread())));
    }

    private void release(Released released) {
        MessageKey key = MessageKey.of(released.getThread(), released.getMessage());
        completed.remove(key);
        inFlight.put(key, NO_CALL);
        thread(key.thread()).ifPresent(thread -> {
            thread.absorbed.remove(key);
            find(key).ifPresent(slot -> thread.forget(slot.getSequence()));
        });
    }

    private ThreadState root() {
        return threads.computeIfAbsent(conversation, ThreadState::root);
    }

    private static Tokens sum(Tokens a, Tokens b) {
        return a.toBuilder()
                .setInput(a.getInput() + b.getInput())
                .setOutput(a.getOutput() + b.getOutput())
                .build();
    }
}
