package io.agentserver.pump.trace;

import io.agentserver.log.RecordHeaders;
import io.micrometer.tracing.Span;
import io.micrometer.tracing.Tracer;
import io.micrometer.tracing.propagation.Propagator;
import org.jspecify.annotations.Nullable;
import org.slf4j.MDC;

import java.util.Map;
import java.util.function.BiConsumer;

/** The trace of a message (W3C {@code traceparent}) and the ids in its log lines. Safe on any thread. */
public final class Tracing {
    private final Tracer tracer;
    private final Propagator propagator;

    public Tracing(Tracer tracer, Propagator propagator) {
        this.tracer = tracer;
        this.propagator = propagator;
    }

    /** Without traces, for tests and tools. */
    public static Tracing none() {
        return new Tracing(Tracer.NOOP, Propagator.NOOP);
    }

    /** Runs in a span that continues the one of {@code traceparent}. */
    public void inSpan(String name, @Nullable String traceparent, Runnable work) {
        Span.Builder builder = propagator.extract(
                traceparent == null ? Map.<String, String>of() : Map.of(RecordHeaders.TRACEPARENT, traceparent),
                Map::get);
        Span span = builder.name(name).kind(Span.Kind.CONSUMER).start();
        try (Tracer.SpanInScope scope = tracer.withSpan(span)) {
            work.run();
        } catch (RuntimeException e) {
            span.error(e);
            throw e;
        } finally {
            span.end();
        }
    }

    /** Hands each header of the current span to a carrier. */
    public void inject(BiConsumer<String, String> carrier) {
        Span span = tracer.currentSpan();
        if (span != null) {
            propagator.inject(span.context(), carrier, (to, key, value) -> {
                if (to != null) {
                    to.accept(key, value);
                }
            });
        }
    }

    /** The current span and log ids for work on another thread. */
    public Runnable carry(Runnable work) {
        Span span = tracer.currentSpan();
        Map<String, String> ids = MDC.getCopyOfContextMap();
        return () -> {
            if (ids != null) {
                MDC.setContextMap(ids);
            }
            try (Tracer.SpanInScope scope = tracer.withSpan(span)) {
                work.run();
            } finally {
                MDC.clear();
            }
        };
    }
}
