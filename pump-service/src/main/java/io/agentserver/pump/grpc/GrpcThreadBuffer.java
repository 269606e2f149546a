package io.agentserver.pump.grpc;

import io.agentserver.buffer.v1.AwaitedReply;
import io.agentserver.buffer.v1.AwaitedRequest;
import io.agentserver.buffer.v1.BeginReply;
import io.agentserver.buffer.v1.BeginRequest;
import io.agentserver.buffer.v1.BufferGrpc;
import io.agentserver.buffer.v1.CompleteReply;
import io.agentserver.buffer.v1.CompleteRequest;
import io.agentserver.buffer.v1.DueReply;
import io.agentserver.buffer.v1.DueRequest;
import io.agentserver.buffer.v1.ParkReply;
import io.agentserver.buffer.v1.ParkRequest;
import io.agentserver.buffer.v1.ReadReply;
import io.agentserver.buffer.v1.ReadRequest;
import io.agentserver.buffer.v1.Stop;
import io.agentserver.buffer.v1.StopsRequest;
import io.agentserver.envelope.TenantId;
import io.agentserver.pump.flow.ThreadBuffer;
import io.agentserver.pump.flow.UnavailableException;
import io.agentserver.pump.trace.Tracing;
import io.agentserver.service.ServiceTokens;
import io.agentserver.service.grpc.GrpcAddress;
import io.grpc.ConnectivityState;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.MetadataUtils;

import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * The buffer over gRPC, on one HTTP/2 connection that is made when first needed and made again when it breaks. Calls block
 * their virtual thread for 10 s at most. Each carries the tenant's service token and the trace.
 */
public final class GrpcThreadBuffer implements ThreadBuffer, AutoCloseable {
    private static final Metadata.Key<String> AUTHORIZATION =
            Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);
    private static final Duration PATIENCE = Duration.ofSeconds(10);
    private static final int MOST_BYTES = 64 * 1024 * 1024; // a whole history of large slots

    private final ManagedChannel channel;
    private final BufferGrpc.BufferBlockingStub stub;
    private final ServiceTokens tokens;
    private final Tracing tracing;

    public GrpcThreadBuffer(GrpcAddress address, ServiceTokens tokens, Tracing tracing) {
        this.channel = address.channel()
                .maxInboundMessageSize(MOST_BYTES)
                .keepAliveTime(30, TimeUnit.SECONDS)
                .keepAliveTimeout(10, TimeUnit.SECONDS)
                .build();
        this.stub = BufferGrpc.newBlockingStub(channel);
        this.tokens = tokens;
        this.tracing = tracing;
    }

    /** False while the buffer cannot be connected to. */
    public boolean isReachable() {
        return channel.getState(true) != ConnectivityState.TRANSIENT_FAILURE;
    }

    @Override
    public BeginReply begin(BeginRequest request) {
        return call(request.getTenant(), buffer -> buffer.begin(request));
    }

    @Override
    public CompleteReply complete(CompleteRequest request) {
        return call(request.getTenant(), buffer -> buffer.complete(request));
    }

    @Override
    public ReadReply read(ReadRequest request) {
        return call(request.getTenant(), buffer -> buffer.read(request));
    }

    @Override
    public ParkReply park(ParkRequest request) {
        return call(request.getTenant(), buffer -> buffer.park(request));
    }

    @Override
    public DueReply due(DueRequest request) {
        return call(ServiceTokens.PLATFORM.value(), buffer -> buffer.due(request));
    }

    @Override
    public AwaitedReply awaited(AwaitedRequest request) {
        return call(ServiceTokens.PLATFORM.value(), buffer -> buffer.awaited(request));
    }

    @Override
    public void stops(Consumer<Stop> listener) {
        Metadata headers = new Metadata();
        headers.put(AUTHORIZATION, "Bearer " + tokens.issue(ServiceTokens.PLATFORM, ServiceTokens.BUFFER));
        try {
            stub.withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers))
                    .stops(StopsRequest.getDefaultInstance())
                    .forEachRemaining(listener);
        } catch (StatusRuntimeException e) {
            throw new UnavailableException("the buffer: " + e.getStatus(), e);
        }
        throw new UnavailableException("the buffer ended the stream of stops");
    }

    private <T> T call(String tenant, Function<BufferGrpc.BufferBlockingStub, T> call) {
        Metadata headers = new Metadata();
        headers.put(AUTHORIZATION, "Bearer " + tokens.issue(new TenantId(tenant), ServiceTokens.BUFFER));
        tracing.inject((name, value) -> headers.put(Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER), value));
        try {
            return call.apply(stub.withDeadlineAfter(PATIENCE)
                    .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers)));
        } catch (StatusRuntimeException e) {
            throw translated(e);
        }
    }

    /** UNIMPLEMENTED and FAILED_PRECONDITION are an older or newer buffer's: another pod of it will take the request. */
    private static RuntimeException translated(StatusRuntimeException e) {
        Status status = e.getStatus();
        return switch (status.getCode()) {
            case INVALID_ARGUMENT, OUT_OF_RANGE -> new Refused("the buffer refused: " + status, e);
            case INTERNAL, DATA_LOSS, UNKNOWN -> new Failed("the buffer failed: " + status, e);
            // gRPC's own word for a message over the limit, and also for a server that has too much to do
            case RESOURCE_EXHAUSTED ->
                String.valueOf(status.getDescription()).contains("exceeds maximum size")
                        ? new TooLarge("the buffer: " + status, e)
                        : new UnavailableException("the buffer: " + status, e);
            case OK,
                    CANCELLED,
                    DEADLINE_EXCEEDED,
                    NOT_FOUND,
                    ALREADY_EXISTS,
                    PERMISSION_DENIED,
                    FAILED_PRECONDITION,
                    ABORTED,
                    UNIMPLEMENTED,
                    UNAVAILABLE,
                    UNAUTHENTICATED -> new UnavailableException("the buffer: " + status, e);
        };
    }

    @Override
    public void close() {
        channel.shutdownNow();
    }
}
