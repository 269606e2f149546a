package io.agentserver.pump.trace;

import io.agentserver.service.trace.Spans;
import io.agentserver.service.trace.Traceparent;
import io.micrometer.tracing.Span;
import io.micrometer.tracing.Tracer;
import io.micrometer.tracing.propagation.Propagator;
import org.jspecify.annotations.Nullable;
import org.slf4j.MDC;

import java.util.Map;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * The trace of a message (W3C {@code traceparent}) and the ids in its log lines. Where no traces are made, what the message
 * brought is handed on as it came, and no span is made. Safe on any thread.
 */
public final class Tracing {
    private static final String TEMPLATE = "messages.{tenant}";

    private final Tracer tracer;
    private final Propagator propagator;
    private final boolean made;
    private final ThreadLocal<@Nullable String> brought = new ThreadLocal<@Nullable String>();

    public Tracing(Tracer tracer, Propagator propagator) {
        this.tracer = tracer;
        this.propagator = propagator;
        this.made = Spans.areMade(tracer);
    }

    /** Without traces, for tests and tools. */
    public static Tracing none() {
        return new Tracing(Tracer.NOOP, Propagator.NOOP);
    }

    /**
     * Handles a message in a span that continues the one of its record.
     *
     * @param header its record's {@code traceparent}
     */
    public void inMessage(String topic, int partition, long offset, @Nullable String header, Runnable work) {
        Optional<String> traceparent = Traceparent.valid(header);
        if (!made) {
            traceparent.ifPresent(brought::set);
            try {
                work.run();
            } finally {
                brought.remove();
            }
            return;
        }
        Map<String, String> carrier =
                traceparent.map(parent -> Map.of(Traceparent.HEADER, parent)).orElse(Map.of());
        Span span = propagator
                .extract(carrier, Map::get)
                .name("process " + TEMPLATE)
                .kind(Span.Kind.CONSUMER)
                .tag("messaging.system", "kafka")
                .tag("messaging.operation.type", "process")
                .tag("messaging.destination.name", topic)
                .tag("messaging.destination.template", TEMPLATE)
                .tag("messaging.destination.partition.id", String.valueOf(partition))
                .tag("messaging.kafka.offset", offset)
                .start();
        in(span, () -> {
            work.run();
            return true;
        });
    }

    /** Gives the current span the ids that log lines have. */
    public void identify() {
        if (made) {
            Spans.tagWithIds(tracer.currentSpan());
        }
    }

    /**
     * Runs a handler in a span of its own.
     *
     * @param kind llm, http, builtin or java
     * @param failure of a result: OpenTelemetry's {@code error.type}; empty: it is none
     */
    public <R> R inHandler(String kind, String listener, Function<R, Optional<String>> failure, Supplier<R> handler) {
        if (!made) {
            return handler.get();
        }
        Span span = tracer.nextSpan().name("handle " + kind).tag(Spans.LISTENER, listener);
        Spans.tagWithIds(span);
        return in(span.start(), () -> {
            R result = handler.get();
            failure.apply(result).ifPresent(type -> Spans.fail(tracer, span, type));
            return result;
        });
    }

    private <R> R in(Span span, Supplier<R> work) {
        try (Tracer.SpanInScope scope = tracer.withSpan(span)) {
            return work.get();
        } catch (RuntimeException | Error e) {
            Spans.fail(tracer, span, e.getClass().getName());
            throw e;
        } finally {
            span.end();
        }
    }

    /** Of what is done on this thread, as the header {@code traceparent}. */
    public Optional<String> traceparent() {
        return made ? Spans.traceparent(tracer) : Optional.ofNullable(brought.get());
    }

    /** Hands each header of the current trace to a carrier. */
    public void inject(BiConsumer<String, String> carrier) {
        if (!made) {
            traceparent().ifPresent(trace -> carrier.accept(Traceparent.HEADER, trace));
            return;
        }
        Span span = tracer.currentSpan();
        if (span != null) {
            propagator.inject(span.context(), carrier, (to, key, value) -> {
                if (to != null) {
                    to.accept(key, value);
                }
            });
        }
    }

    /** The current trace and log ids for work on another thread. */
    public Runnable carry(Runnable work) {
        Span span = made ? tracer.currentSpan() : null;
        String trace = made ? null : brought.get();
        Map<String, String> ids = MDC.getCopyOfContextMap();
        return () -> {
            if (ids != null) {
                MDC.setContextMap(ids);
            }
            brought.set(trace);
            try {
                if (made) {
                    try (Tracer.SpanInScope scope = tracer.withSpan(span)) {
                        work.run();
                    }
                } else {
                    work.run();
                }
            } finally {
                brought.remove();
                MDC.clear();
            }
        };
    }
}
