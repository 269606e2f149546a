package io.agentserver.buffer.grpc;

import com.google.protobuf.Descriptors;
import com.google.protobuf.Message;
import io.agentserver.service.trace.Spans;
import io.grpc.ForwardingServerCall.SimpleForwardingServerCall;
import io.grpc.ForwardingServerCallListener.SimpleForwardingServerCallListener;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import io.micrometer.tracing.Span;
import io.micrometer.tracing.Tracer;
import io.micrometer.tracing.propagation.Propagator;
import org.jspecify.annotations.Nullable;

import java.util.List;
import java.util.Set;

/**
 * A span for each call that belongs to a message or a request, which continues the caller's; the call's log lines carry its
 * ids. Micrometer's own interceptor makes an observation of each message and phase as well, which cost a tenth of a
 * conversation's CPU.
 */
public final class TracingInterceptor implements ServerInterceptor {
    /** What pumps ask of their own accord, all the time. */
    private static final Set<String> UNASKED = Set.of("Due", "Stops", "Awaited");

    private static final List<String> IDS = List.of("tenant", "conversation", "thread", "message");

    private final Tracer tracer;
    private final Propagator propagator;

    /** One that costs nothing where no traces are made. */
    public static ServerInterceptor of(Tracer tracer, @Nullable Propagator propagator) {
        return Spans.areMade(tracer) && propagator != null ? new TracingInterceptor(tracer, propagator) : new Passing();
    }

    TracingInterceptor(Tracer tracer, Propagator propagator) {
        this.tracer = tracer;
        this.propagator = propagator;
    }

    @Override
    public <Q, A> ServerCall.Listener<Q> interceptCall(
            ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
        String method = String.valueOf(call.getMethodDescriptor().getBareMethodName());
        if (UNASKED.contains(method)) {
            return next.startCall(call, headers);
        }
        Span span = propagator
                .extract(headers, (from, name) -> from == null ? null : from.get(key(name)))
                .name(call.getMethodDescriptor().getFullMethodName())
                .kind(Span.Kind.SERVER)
                .tag("rpc.system", "grpc")
                .tag("rpc.service", String.valueOf(call.getMethodDescriptor().getServiceName()))
                .tag("rpc.method", method)
                .start();
        ServerCall.Listener<Q> handling = next.startCall(new Ended<>(call, span), headers);
        return new SimpleForwardingServerCallListener<>(handling) {
            @Override
            public void onMessage(Q request) {
                if (!span.isNoop() && request instanceof Message message) {
                    tagWithIds(message);
                }
                super.onMessage(request);
            }

            private void tagWithIds(Message request) {
                for (String id : IDS) {
                    Descriptors.FieldDescriptor field =
                            request.getDescriptorForType().findFieldByName(id);
                    if (field != null && request.getField(field) instanceof String value && !value.isEmpty()) {
                        span.tag("agentserver." + id, value);
                    }
                }
            }

            @Override
            public void onHalfClose() { // where a call with one request is handled
                try (Tracer.SpanInScope scope = tracer.withSpan(span)) {
                    super.onHalfClose();
                }
            }

            @Override
            public void onComplete() {
                span.end();
                super.onComplete();
            }

            @Override
            public void onCancel() {
                span.end();
                super.onCancel();
            }
        };
    }

    private static final class Passing implements ServerInterceptor {
        @Override
        public <Q, A> ServerCall.Listener<Q> interceptCall(
                ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
            return next.startCall(call, headers);
        }
    }

    private static Metadata.Key<String> key(String name) {
        return Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER);
    }

    /** Notes how a call ended. */
    private final class Ended<Q, A> extends SimpleForwardingServerCall<Q, A> {
        private final Span span;

        Ended(ServerCall<Q, A> call, Span span) {
            super(call);
            this.span = span;
        }

        @Override
        public void close(Status status, Metadata trailers) {
            span.tag("rpc.grpc.status_code", status.getCode().value());
            if (!status.isOk()) {
                Spans.fail(tracer, span, status.getCode().name());
            }
            super.close(status, trailers);
        }
    }
}
