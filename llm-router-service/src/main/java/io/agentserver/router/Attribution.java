package io.agentserver.router;

import io.agentserver.envelope.EnvelopeNames;
import io.agentserver.envelope.MessageId;
import io.agentserver.envelope.ThreadId;
import org.jspecify.annotations.Nullable;

import java.util.Optional;
import java.util.function.Function;

/** For whom inside the tenant a call is made: what the {@code x-agentserver-*} headers of the request say. */
record Attribution(
        Optional<ThreadId> conversation,
        Optional<ThreadId> thread,
        Optional<MessageId> message,
        Optional<String> listener) {
    static final String CONVERSATION = "x-agentserver-conversation";
    static final String THREAD = "x-agentserver-thread";
    static final String MESSAGE = "x-agentserver-message";
    static final String LISTENER = "x-agentserver-listener";

    Attribution {
        listener.filter(name -> !EnvelopeNames.isName(name)).ifPresent(name -> {
            throw new IllegalArgumentException(LISTENER + " is no listener's name: [A-Za-z][A-Za-z0-9._-]{0,127}");
        });
    }

    /**
     * @param service whether another service asks: it alone is believed which listener it is for, as usage has a line for each
     * @throws IllegalArgumentException saying which header is malformed
     */
    static Attribution ofHeaders(Function<String, @Nullable String> header, boolean service) {
        return new Attribution(
                parsed(header, CONVERSATION, ThreadId::parse),
                parsed(header, THREAD, ThreadId::parse),
                parsed(header, MESSAGE, MessageId::parse),
                service ? Optional.ofNullable(header.apply(LISTENER)) : Optional.empty());
    }

    private static <T> Optional<T> parsed(
            Function<String, @Nullable String> header, String name, Function<String, T> parse) {
        String value = header.apply(name);
        try {
            return value == null ? Optional.empty() : Optional.of(parse.apply(value));
        } catch (IllegalArgumentException malformed) {
            throw new IllegalArgumentException(name + " is not a UUID", malformed);
        }
    }
}
