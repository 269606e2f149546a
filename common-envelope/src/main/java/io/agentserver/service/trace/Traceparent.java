package io.agentserver.service.trace;

import org.jspecify.annotations.Nullable;

import java.util.Optional;
import java.util.regex.Pattern;

/** The header {@code traceparent} of <a href="https://www.w3.org/TR/trace-context/">W3C Trace Context</a>, version 00. */
public final class Traceparent {
    public static final String HEADER = "traceparent";

    private static final Pattern FORM = Pattern.compile("00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}");

    private Traceparent() {}

    /** The text, if it may be handed on: who sends it is not to be trusted. */
    public static Optional<String> valid(@Nullable String text) {
        return text != null && FORM.matcher(text).matches() ? Optional.of(text) : Optional.empty();
    }
}
