package io.agentserver.service.trace;

import io.micrometer.tracing.Span;
import io.micrometer.tracing.TraceContext;
import io.micrometer.tracing.Tracer;
import io.opentelemetry.api.trace.StatusCode;
import org.jspecify.annotations.Nullable;
import org.slf4j.MDC;

import java.util.List;
import java.util.Optional;

/**
 * What the services' spans have alike. No span has anything of a payload, a prompt or a secret, so none has an exception's
 * message either, which may quote one.
 */
public final class Spans {
    public static final String TENANT = "agentserver.tenant";
    public static final String CONVERSATION = "agentserver.conversation";
    public static final String THREAD = "agentserver.thread";
    public static final String MESSAGE = "agentserver.message";
    public static final String LISTENER = "agentserver.listener";

    /** The ids in a log line's context, which are a span's attributes with {@code agentserver.} before them. */
    private static final List<String> IDS = List.of("tenant", "conversation", "thread", "message");

    private Spans() {}

    /** Whether traces are made at all: else there is not even an SDK. */
    @SuppressWarnings("ReferenceEquality") // there is one of it
    public static boolean areMade(Tracer tracer) {
        return tracer != Tracer.NOOP;
    }

    /** The current span as the header {@code traceparent}; empty: there is none. */
    public static Optional<String> traceparent(Tracer tracer) {
        Span span = areMade(tracer) ? tracer.currentSpan() : null;
        return span == null ? Optional.empty() : Optional.of(traceparent(span.context()));
    }

    private static String traceparent(TraceContext context) {
        boolean sampled = Boolean.TRUE.equals(context.sampled());
        return "00-" + context.traceId() + "-" + context.spanId() + (sampled ? "-01" : "-00");
    }

    /** Gives the span the ids that this thread's log lines have. */
    public static void tagWithIds(@Nullable Span span) {
        if (span == null || span.isNoop()) {
            return;
        }
        for (String name : IDS) {
            String id = MDC.get(name);
            if (id != null) {
                span.tag("agentserver." + name, id);
            }
        }
    }

    /**
     * Marks the span as failed.
     *
     * @param type OpenTelemetry's {@code error.type}: a class, a status, a word of ours
     */
    public static void fail(Tracer tracer, Span span, String type) {
        span.tag("error.type", type);
        // Micrometer sets the status only together with an exception and its message
        try (Tracer.SpanInScope scope = tracer.withSpan(span)) {
            io.opentelemetry.api.trace.Span.current().setStatus(StatusCode.ERROR);
        }
    }
}
