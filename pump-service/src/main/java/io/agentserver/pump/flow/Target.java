package io.agentserver.pump.flow;

import io.agentserver.buffer.v1.Join;
import io.agentserver.envelope.Envelope;
import io.agentserver.envelope.Meta;
import io.agentserver.organism.Handler;
import io.agentserver.organism.Listener;
import io.agentserver.organism.Organism;
import io.agentserver.organism.Route;
import io.agentserver.pump.handler.SystemErrors;

import java.util.List;

/** Who handles a message. */
sealed interface Target {
    /** Enough for 32 copies, 32 answers and the question. */
    int BROADCAST_HISTORY = 80;

    /** What a reply carries. */
    long MOST_HISTORY_BYTES = 8L * 1024 * 1024;

    /** A token is estimated at four characters, of three bytes at most. */
    long BYTES_A_TOKEN = 12;

    /** What a slot has beside its payload: meta, token, receipts, names. */
    long BYTES_A_SLOT = 4096;

    record One(Listener listener) implements Target {}

    /** {@code core} forwards a copy to each. */
    record Broadcast(List<Listener> takers) implements Target {
        public Broadcast {
            takers = List.copyOf(takers);
        }
    }

    /** The last of a broadcast's answers, to {@code core}. */
    record BroadcastAnswer() implements Target {}

    /** @param wanted the name that the message gave */
    record Nobody(String wanted) implements Target {}

    /** A client's message goes by {@code to} or by its root; an output always says to whom. */
    static Target of(Organism organism, Envelope envelope) {
        Meta meta = envelope.meta();
        if (!meta.isClients() && SystemErrors.SENDER.equals(meta.to())) {
            return new BroadcastAnswer();
        }
        return switch (organism.route(
                meta.to(), envelope.root().name(), envelope.root().namespace())) {
            case Route.One(Listener listener) -> new One(listener);
            case Route.Broadcast(List<Listener> takers) -> new Broadcast(takers);
            case Route.None _ -> new Nobody(meta.to() == null ? SystemErrors.SENDER : meta.to());
        };
    }

    /** The name in the journal. */
    default String name() {
        return switch (this) {
            case One(Listener listener) -> listener.name();
            case Broadcast _, BroadcastAnswer _ -> SystemErrors.SENDER;
            case Nobody(String wanted) -> wanted;
        };
    }

    default Join join() {
        return switch (this) {
            case One(Listener listener) ->
                switch (listener.join()) {
                    case ALL -> Join.ALL;
                    case EACH -> Join.EACH;
                };
            case Broadcast _, BroadcastAnswer _, Nobody _ -> Join.ALL;
        };
    }

    /** How much history the handler reads; only a model reads any. */
    default int historySlots() {
        return switch (this) {
            case One(Listener listener) ->
                listener.handler() instanceof Handler.Llm ? listener.history().slots() : 0;
            case Broadcast _, BroadcastAnswer _ -> BROADCAST_HISTORY;
            case Nobody _ -> 0;
        };
    }

    /** How many bytes of slots that is at most: what is older than the prompt has room for need not be read. */
    default long historyBytes() {
        return switch (this) {
            case One(Listener listener) ->
                Math.min(
                        MOST_HISTORY_BYTES,
                        historySlots() == 0
                                ? 0
                                : historySlots() * BYTES_A_SLOT
                                        + listener.history().tokens() * BYTES_A_TOKEN);
            case Broadcast _, BroadcastAnswer _ -> MOST_HISTORY_BYTES;
            case Nobody _ -> 0;
        };
    }

    /** How many tokens of payloads the prompt has room for; 0: that is no matter. */
    default int historyTokens() {
        return switch (this) {
            case One(Listener listener) ->
                listener.handler() instanceof Handler.Llm ? listener.history().tokens() : 0;
            case Broadcast _, BroadcastAnswer _, Nobody _ -> 0;
        };
    }
}
