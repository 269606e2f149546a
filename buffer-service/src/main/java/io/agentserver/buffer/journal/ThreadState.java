package io.agentserver.buffer.journal;

import io.agentserver.buffer.commit.ThreadOpened;
import io.agentserver.envelope.ThreadId;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** A thread of a conversation as its commits made it. Confined to its {@link JournalState}. */
final class ThreadState {
    final ThreadId id;
    final Optional<ThreadId> parent;
    /** That it calls; the root's changes with the turn. */
    String listener;
    /** Whom its answer goes to, by name. */
    String caller;

    final ThreadId callerThread;
    /** Its answer is the turn's response. */
    final boolean answersTurn;

    boolean closed;
    /** The calls it has made whose answers it has neither run nor absorbed. */
    final Set<ThreadId> openCalls = new LinkedHashSet<>();
    /** The answers that were kept for it since it last ran. */
    final Deque<MessageKey> absorbed = new ArrayDeque<>();
    /** What is off the log and comes again, one after the other, in this order; those that are dead are passed over. */
    final Deque<MessageKey> mailbox = new ArrayDeque<>();
    /** Sequences of what it began and of its own outputs. */
    private final LinkedHashSet<Long> history = new LinkedHashSet<>();

    private ThreadState(
            ThreadId id,
            Optional<ThreadId> parent,
            String listener,
            String caller,
            ThreadId callerThread,
            boolean answersTurn) {
        this.id = id;
        this.parent = parent;
        this.listener = listener;
        this.caller = caller;
        this.callerThread = callerThread;
        this.answersTurn = answersTurn;
    }

    static ThreadState root(ThreadId conversation) {
        return new ThreadState(conversation, Optional.empty(), "", "", conversation, true);
    }

    static ThreadState of(ThreadOpened opened) {
        return new ThreadState(
                ThreadId.parse(opened.getId()),
                Optional.of(ThreadId.parse(opened.getParent())),
                opened.getListener(),
                opened.getCaller(),
                ThreadId.parse(opened.getCallerThread()),
                opened.getAnswersTurn());
    }

    boolean isRoot() {
        return parent.isEmpty();
    }

    /** Under which {@code hand over} opens its thread. */
    ThreadId handOverParent() {
        return parent.orElse(id);
    }

    /** A message that a thread sends to itself stands where it was sent. */
    void remember(long sequence) {
        history.add(sequence);
    }

    /** Is it in its history? */
    boolean remembers(long sequence) {
        return history.contains(sequence);
    }

    void forget(long sequence) {
        history.remove(sequence);
    }

    /** The latest {@code count}, oldest first. */
    List<Long> latest(int count) {
        return history.stream().skip(Math.max(0, history.size() - count)).toList();
    }
}
