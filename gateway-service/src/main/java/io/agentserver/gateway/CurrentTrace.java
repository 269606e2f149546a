package io.agentserver.gateway;

import io.agentserver.service.trace.Spans;
import io.agentserver.service.trace.Traceparent;
import io.micrometer.tracing.Tracer;
import org.jspecify.annotations.Nullable;

import java.util.Optional;
import java.util.function.Supplier;

/**
 * The current span as W3C Trace Context writes it, for what leaves by Kafka or gRPC. Where no traces are made, what the
 * request brought is handed on as it came.
 */
final class CurrentTrace implements Supplier<Optional<String>> {
    private final Tracer tracer;
    private final Supplier<@Nullable String> brought;

    /** @param brought the header of the request that the current thread answers; null: none */
    CurrentTrace(Tracer tracer, Supplier<@Nullable String> brought) {
        this.tracer = tracer;
        this.brought = brought;
    }

    @Override
    public Optional<String> get() {
        return Spans.areMade(tracer) ? Spans.traceparent(tracer) : Traceparent.valid(brought.get());
    }
}
