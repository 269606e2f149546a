package io.agentserver.router;

import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;

/** A provider of models. Safe on any thread. */
interface Backend {

    /** The provider's name, the first part of its models' names. */
    String provider();

    /** Where it is, for traces; empty: in this process. */
    default Optional<URI> address() {
        return Optional.empty();
    }

    /** Whether it is asked under the calling tenant's own key. */
    default boolean isTenants() {
        return false;
    }

    /** Those of its servers that one call may ask, in this order. */
    default List<Replica> inTurn() {
        return List.of(new Replica(this, new Guard(Guard.Limits.NONE)));
    }

    /**
     * Asks; blocks until the provider has said whether it will answer. An interrupt of the thread cancels the provider's
     * request.
     *
     * @throws IOException if it cannot be reached or answers with something else than an answer
     */
    Opening open(Request request) throws IOException, InterruptedException;

    /**
     * @param chat the client's request, not to be changed
     * @param model the model's name as this provider knows it
     * @param maxOutput the most tokens of one answer, reasoning included
     * @param trace W3C trace headers to hand on
     * @param sent run when the provider has all of it, from when on it may work, and charge; on any thread
     */
    record Request(
            ChatRequest chat, String model, int maxOutput, UUID receipt, Map<String, String> trace, Runnable sent) {
        /** Of which nobody is told. */
        Request(ChatRequest chat, String model, int maxOutput, UUID receipt, Map<String, String> trace) {
            this(chat, model, maxOutput, receipt, trace, () -> {});
        }

        Request telling(Runnable sent) {
            return new Request(chat, model, maxOutput, receipt, trace, sent);
        }
    }

    /** What a provider says first. */
    sealed interface Opening {
        record Opened(Chunks chunks) implements Opening {}

        /**
         * @param message the provider's own words, for the caller if the request is the caller's fault
         * @param retryAfter how long it wants to be left alone, if it says so
         */
        record Refused(int status, String message, Optional<Duration> retryAfter) implements Opening {}
    }

    /**
     * An answer as OpenAI's chat completion chunks, also where the provider gave it in one piece. Where client and provider
     * both speak Anthropic's shape the deltas have a member {@code blocks} instead of {@code content} and {@code tool_calls}:
     * Anthropic's content blocks by their index, with the JSON of a tool's input as {@code partial_json}. Of embeddings it
     * is one chunk, OpenAI's whole answer. One thread at a time.
     */
    interface Chunks extends AutoCloseable {

        /**
         * Blocks for the next chunk; null when the answer is complete.
         *
         * @throws IOException if the answer breaks off or is unreadable
         */
        @Nullable
        ObjectNode next() throws IOException;

        /** Cancels what is still running at the provider. */
        @Override
        void close();
    }
}
