package io.agentserver.router;

import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

import java.io.IOException;
import java.net.URI;
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

    /**
     * Asks; blocks until the provider has said whether it will answer. An interrupt of the thread cancels the provider's
     * request.
     *
     * @throws IOException if it cannot be reached or answers with something else than an answer
     */
    Opening open(Request request) throws IOException, InterruptedException;

    /**
     * @param body the client's request, not to be changed
     * @param model the model's name as this provider knows it
     * @param maxOutput the most tokens of one answer, reasoning included
     * @param trace W3C trace headers to hand on
     */
    record Request(ObjectNode body, String model, int maxOutput, UUID receipt, Map<String, String> trace) {}

    /** What a provider says first. */
    sealed interface Opening {
        record Opened(Chunks chunks) implements Opening {}

        /** @param message the provider's own words, for the caller if the request is the caller's fault */
        record Refused(int status, String message) implements Opening {}
    }

    /** An answer as OpenAI's chat completion chunks, also where the provider gave it in one piece. One thread at a time. */
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
