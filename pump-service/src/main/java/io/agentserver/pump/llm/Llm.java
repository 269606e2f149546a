package io.agentserver.pump.llm;

import io.agentserver.envelope.MessageId;
import io.agentserver.envelope.TenantId;
import io.agentserver.envelope.ThreadId;
import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.util.List;

/** Whoever answers for a model. Blocks; safe on any thread. A repeated idempotency key gets the first answer and is charged once. */
public interface Llm {
    Answer ask(Question question);

    /** Nobody waits for the answer under this key any more; if that cannot be said, a model may answer in vain. */
    default void abandon(TenantId tenant, String idempotencyKey) {}

    /**
     * @param model a model's or a route's name
     * @param idempotencyKey the message's id and the ordinal of this call in its handling
     * @param time the longest to wait
     */
    record Question(
            TenantId tenant,
            String model,
            List<ChatMessage> messages,
            String idempotencyKey,
            ThreadId conversation,
            ThreadId thread,
            MessageId message,
            String listener,
            Duration time) {
        public Question {
            messages = List.copyOf(messages);
        }
    }

    /** @param name the peer whose answer a user's message is; null: it is from the caller */
    record ChatMessage(Role role, @Nullable String name, String content) {}

    enum Role {
        SYSTEM,
        USER,
        ASSISTANT
    }

    sealed interface Answer {
        record Answered(String content, String receipt, long inputTokens, long outputTokens) implements Answer {}

        /** It may answer later. */
        record Unavailable(String reason) implements Answer {}

        /** It is well, and may answer this question later: the tenant's rate is used up, or an earlier run is not over. */
        record Busy(String reason) implements Answer {}

        /** It will not answer this question. */
        record Refused(String reason) implements Answer {}

        /** The tenant has no credit left. */
        record OutOfCredit() implements Answer {}
    }
}
