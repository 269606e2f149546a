package io.agentserver.router;

import tools.jackson.databind.node.ObjectNode;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Optional;
import java.util.Queue;

/** An answer that is known as a whole: a stub, or the kept answer of an earlier call. */
final class RecordedAnswer implements Answer.Live {
    private final Answer.Head head;
    private final ObjectNode completion;
    private final Queue<ObjectNode> chunks;

    RecordedAnswer(Answer.Head head, ObjectNode completion) {
        this.head = head;
        this.completion = completion;
        this.chunks = new ArrayDeque<>(Completion.toChunks(completion));
    }

    @Override
    public Answer.Head head() {
        return head;
    }

    @Override
    public Answer.Event next(Duration wait) {
        ObjectNode chunk = chunks.poll();
        return chunk != null ? new Answer.Event.Chunk(chunk) : new Answer.Event.End(completion);
    }

    @Override
    public Optional<ObjectNode> completed() {
        return Optional.of(completion);
    }

    @Override
    public Duration readWithin() {
        return Route.Limits.DEFAULT.total();
    }

    @Override
    public void close() {}
}
