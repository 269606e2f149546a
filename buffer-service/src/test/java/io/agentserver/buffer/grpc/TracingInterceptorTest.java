package io.agentserver.buffer.grpc;

import io.agentserver.buffer.v1.BufferGrpc;
import io.agentserver.buffer.v1.DueRequest;
import io.agentserver.buffer.v1.ReadReply;
import io.agentserver.buffer.v1.ReadRequest;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.MetadataUtils;
import io.grpc.stub.StreamObserver;
import io.micrometer.tracing.Tracer;
import io.micrometer.tracing.otel.bridge.OtelCurrentTraceContext;
import io.micrometer.tracing.otel.bridge.OtelPropagator;
import io.micrometer.tracing.otel.bridge.OtelTracer;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.propagation.W3CTraceContextPropagator;
import io.opentelemetry.context.propagation.ContextPropagators;
import io.opentelemetry.sdk.common.CompletableResultCode;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.data.SpanData;
import io.opentelemetry.sdk.trace.export.SimpleSpanProcessor;
import io.opentelemetry.sdk.trace.export.SpanExporter;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Collection;
import java.util.Objects;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Over a real connection, with OpenTelemetry's own tracer. */
class TracingInterceptorTest {
    private static final String TRACE = "0af7651916cd43dd8448eb211c80319c";
    private static final String CALLER = "b7ad6b7169203331";

    private final BlockingQueue<SpanData> ended = new LinkedBlockingQueue<>();
    private final SdkTracerProvider provider = SdkTracerProvider.builder()
            .addSpanProcessor(SimpleSpanProcessor.create(new Ended()))
            .build();
    private final io.opentelemetry.api.trace.Tracer otel = provider.get("test");
    private final Tracer tracer = new OtelTracer(otel, new OtelCurrentTraceContext(), event -> {});
    private final OtelPropagator propagator =
            new OtelPropagator(ContextPropagators.create(W3CTraceContextPropagator.getInstance()), otel);

    private final Server server;
    private ManagedChannel channel;

    TracingInterceptorTest() {
        server = NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                .addService(new Answering())
                .intercept(new TracingInterceptor(tracer, propagator))
                .build();
        channel = NettyChannelBuilder.forTarget("127.0.0.1:1").usePlaintext().build();
    }

    @BeforeEach
    void start() throws IOException {
        server.start();
        channel.shutdownNow();
        channel = NettyChannelBuilder.forTarget("127.0.0.1:" + server.getPort())
                .usePlaintext()
                .build();
    }

    @AfterEach
    void stop() {
        channel.shutdownNow();
        server.shutdownNow();
        provider.close();
    }

    @Test
    void a_call_continues_its_callers_trace() throws Exception {
        Metadata headers = new Metadata();
        headers.put(
                Metadata.Key.of("traceparent", Metadata.ASCII_STRING_MARSHALLER), "00-" + TRACE + "-" + CALLER + "-01");
        ReadReply reply = BufferGrpc.newBlockingStub(channel)
                .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers))
                .read(ReadRequest.newBuilder().setTenant("acme").build());

        assertThat(reply.getConversation().getId())
                .as("the span that the call ran in")
                .isEqualTo(TRACE);
        SpanData span = nextEnded();
        assertThat(span.getName()).isEqualTo("agentserver.buffer.v1.Buffer/Read");
        assertThat(span.getTraceId()).isEqualTo(TRACE);
        assertThat(span.getParentSpanId()).isEqualTo(CALLER);
        assertThat(span.getAttributes().get(AttributeKey.stringKey("agentserver.tenant")))
                .isEqualTo("acme");
        assertThat(span.getAttributes().get(AttributeKey.stringKey("rpc.method")))
                .isEqualTo("Read");
    }

    @Test
    void a_call_without_a_trace_begins_one_and_a_failed_one_says_how_it_failed() throws Exception {
        assertThatThrownBy(() -> BufferGrpc.newBlockingStub(channel).read(ReadRequest.getDefaultInstance()))
                .isInstanceOf(StatusRuntimeException.class);
        SpanData span = nextEnded();
        assertThat(span.getParentSpanContext().isValid()).isFalse();
        assertThat(span.getAttributes().asMap().toString()).contains("error.type=UNAVAILABLE");
        assertThat(span.getStatus().getStatusCode()).isEqualTo(StatusCode.ERROR);
    }

    @Test
    void what_pumps_ask_of_their_own_accord_is_no_trace() throws Exception {
        assertThatThrownBy(() -> BufferGrpc.newBlockingStub(channel).due(DueRequest.getDefaultInstance()))
                .isInstanceOf(StatusRuntimeException.class); // nobody answers it here
        assertThatThrownBy(() -> BufferGrpc.newBlockingStub(channel).read(ReadRequest.getDefaultInstance()))
                .isInstanceOf(StatusRuntimeException.class);

        assertThat(nextEnded().getName()).isEqualTo("agentserver.buffer.v1.Buffer/Read");
    }

    private SpanData nextEnded() throws InterruptedException {
        SpanData span = ended.poll(10, TimeUnit.SECONDS);
        assertThat(span).isNotNull();
        return span;
    }

    private final class Answering extends BufferGrpc.BufferImplBase {
        @Override
        public void read(ReadRequest request, StreamObserver<ReadReply> replies) {
            if (request.getTenant().isEmpty()) {
                replies.onError(Status.UNAVAILABLE.asRuntimeException());
                return;
            }
            ReadReply.Builder reply = ReadReply.newBuilder();
            reply.getConversationBuilder()
                    .setId(Objects.requireNonNull(tracer.currentTraceContext().context())
                            .traceId());
            replies.onNext(reply.build());
            replies.onCompleted();
        }
    }

    private final class Ended implements SpanExporter {
        @Override
        public CompletableResultCode export(Collection<SpanData> spans) {
            ended.addAll(spans);
            return CompletableResultCode.ofSuccess();
        }

        @Override
        public CompletableResultCode flush() {
            return CompletableResultCode.ofSuccess();
        }

        @Override
        public CompletableResultCode shutdown() {
            return CompletableResultCode.ofSuccess();
        }
    }
}
