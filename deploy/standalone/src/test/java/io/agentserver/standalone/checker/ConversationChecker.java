package io.agentserver.standalone.checker;

import io.agentserver.buffer.commit.Change;
import io.agentserver.buffer.commit.Commit;
import io.agentserver.buffer.commit.Completed;
import io.agentserver.buffer.v1.Slot;
import io.agentserver.buffer.v1.SlotState;
import io.agentserver.buffer.v1.TurnState;
import io.agentserver.envelope.EnvelopeDocument;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Reads a conversation's commits, and says what is wrong with them. Knows nothing of the code that wrote them. */
public final class ConversationChecker {
    private final List<String> faults = new ArrayList<>();

    /** A client's message: what was sent, in the order of the log, and what must come of it. */
    public record Sent(String message, String answer, boolean mayBeCancelled) {
        /** What a turn says that failed because nobody answered in time. */
        public static final String TIMEOUT = "<code>timeout</code>";
    }

    public List<String> faults() {
        return faults;
    }

    public void check(String conversation, List<Commit> commits, List<Sent> sent) {
        long number = 0;
        long sequence = 0;
        Set<String> slots = new HashSet<>();
        Set<String> completed = new HashSet<>();
        Set<String> lateAnswers = new HashSet<>();
        Map<String, String> parked = new HashMap<>();
        Map<Long, Slot> bySequence = new HashMap<>();
        List<String> turns = new ArrayList<>();
        Map<String, TurnState> states = new HashMap<>();
        Map<String, String> answers = new HashMap<>();
        for (Commit commit : commits) {
            expect(commit.getNumber() == ++number, conversation + ": commit " + commit.getNumber() + " at " + number);
            for (Change change : commit.getChangesList()) {
                switch (change.getWhatCase()) {
                    case ENTRY -> {
                        Slot slot = change.getEntry().getSlot();
                        expect(slot.getSequence() == ++sequence, conversation + ": a gap before " + slot.getSequence());
                        expect(
                                slots.add(slot.getThread() + slot.getMessage()),
                                conversation + ": two slots of " + slot.getMessage());
                        bySequence.put(slot.getSequence(), slot);
                        if (slot.getCause().isEmpty() && slot.getState() == SlotState.DROPPED) {
                            states.put(slot.getMessage(), TurnState.TURN_CANCELLED);
                            turns.add(slot.getMessage());
                        }
                    }
                    case COMPLETED -> {
                        Completed done = change.getCompleted();
                        expect(
                                completed.add(done.getThread() + done.getMessage()),
                                conversation + ": " + done.getMessage() + " took effect twice");
                        String first = parked.getOrDefault(done.getThread(), done.getMessage());
                        expect(
                                done.getDropped() || first.equals(done.getMessage()),
                                conversation + ": " + done.getMessage() + " overtook " + first);
                        parked.remove(done.getThread(), done.getMessage());
                    }
                    case RELEASED ->
                        completed.remove(change.getReleased().getThread()
                                + change.getReleased().getMessage());
                    case TURN_OPENED -> {
                        turns.add(change.getTurnOpened().getTurn());
                        states.put(change.getTurnOpened().getTurn(), TurnState.TURN_OPEN);
                    }
                    case TURN_ENDED -> {
                        String turn = change.getTurnEnded().getTurn();
                        parked.clear();
                        expect(
                                states.put(turn, change.getTurnEnded().getState()) == TurnState.TURN_OPEN,
                                conversation + ": turn " + turn + " ended and was not open");
                        Slot response = bySequence.get(change.getTurnEnded().getResponseSequence());
                        if (response != null) {
                            answers.put(
                                    turn,
                                    EnvelopeDocument.readOwn(response.getEnvelope())
                                            .payload());
                        }
                    }
                    case CANCELLED ->
                        bySequence.values().stream()
                                .filter(slot -> slot.getCause().isEmpty() && !states.containsKey(slot.getMessage()))
                                .sorted((a, b) -> Long.compare(a.getSequence(), b.getSequence()))
                                .forEach(slot -> {
                                    states.put(slot.getMessage(), TurnState.TURN_CANCELLED);
                                    turns.add(slot.getMessage());
                                });
                    case ERASED -> expect(false, conversation + ": erased, which no client of a run asked for");
                    case PARKED ->
                        parked.put(
                                change.getParked().getThread(),
                                change.getParked().getMessage());
                    case THREAD_CLOSED -> parked.remove(change.getThreadClosed().getId());
                    case ANSWERED -> {
                        String answered = change.getAnswered().getThread()
                                + change.getAnswered().getMessage();
                        expect(
                                !completed.contains(answered) && lateAnswers.add(answered),
                                conversation + ": " + change.getAnswered().getMessage()
                                        + " was answered twice, or after it took effect");
                    }
                    case THREAD_OPENED, CALL_ENDED, UNPARKED, WAITING, WHAT_NOT_SET -> {}
                }
            }
        }
        List<String> order = sent.stream().map(Sent::message).toList();
        expect(turns.equals(order), conversation + ": turns " + turns + " of messages " + order);
        for (Sent message : sent) {
            TurnState state = states.getOrDefault(message.message(), TurnState.TURN_STATE_UNSPECIFIED);
            String answer = answers.getOrDefault(message.message(), "none");
            TurnState end = message.answer().equals(Sent.TIMEOUT) ? TurnState.TURN_FAILED : TurnState.TURN_ENDED;
            boolean asAsked = state == end && answer.contains(message.answer());
            expect(
                    asAsked || state == TurnState.TURN_CANCELLED && message.mayBeCancelled(),
                    conversation + ": message " + message.message() + " is " + state + ", answered " + answer
                            + " instead of " + message.answer());
        }
    }

    private void expect(boolean holds, String fault) {
        if (!holds) {
            faults.add(fault);
        }
    }
}
