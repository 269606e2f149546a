package io.agentserver.buffer.grpc;

import io.agentserver.envelope.ServiceToken.Caller;
import io.agentserver.envelope.TenantId;
import io.agentserver.service.ServiceTokens;
import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;

import java.util.Optional;

/**
 * Lets through only calls with a service token of scope {@code buffer}, and puts the tenant that it speaks for into the
 * call's context. One and the same answer for every other.
 */
final class ServiceTokenInterceptor implements ServerInterceptor {
    private static final Metadata.Key<String> AUTHORIZATION =
            Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);
    private static final String SCHEME = "Bearer ";
    private static final Context.Key<TenantId> TENANT = Context.key("tenant");

    private final ServiceTokens tokens;

    ServiceTokenInterceptor(ServiceTokens tokens) {
        this.tokens = tokens;
    }

    /** Whom the current call's token speaks for. */
    static TenantId caller() {
        return TENANT.get();
    }

    @Override
    public <Q, A> ServerCall.Listener<Q> interceptCall(
            ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
        Optional<Caller> caller = Optional.ofNullable(headers.get(AUTHORIZATION))
                .filter(header -> header.startsWith(SCHEME))
                .flatMap(header -> tokens.verify(header.substring(SCHEME.length()), ServiceTokens.BUFFER));
        if (caller.isEmpty()) {
            call.close(
                    Status.UNAUTHENTICATED.withDescription("a service token of scope buffer is needed"),
                    new Metadata());
            return new ServerCall.Listener<>() {};
        }
        Context context = Context.current().withValue(TENANT, caller.get().tenant());
        return Contexts.interceptCall(context, call, headers, next);
    }
}
