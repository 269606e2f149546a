package io.agentserver.gateway;

import io.micrometer.tracing.Span;
import io.micrometer.tracing.TraceContext;
import io.micrometer.tracing.Tracer;

import java.util.Optional;
import java.util.function.Supplier;

/** The current span as W3C Trace Context writes it, for what leaves by Kafka or gRPC. */
final class Traceparent implements Supplier<Optional<String>> {
    private final Tracer tracer;

    Traceparent(Tracer tracer) {
        this.tracer = tracer;
    }

    @Override
    public Optional<String> get() {
        Span span = tracer.currentSpan();
        if (span == null) {
            return Optional.empty();
        }
        TraceContext context = span.context();
        boolean sampled = Boolean.TRUE.equals(context.sampled());
        return Optional.of("00-" + context.traceId() + "-" + context.spanId() + (sampled ? "-01" : "-00"));
    }
}
