package io.agentserver.pump.grpc;

import io.agentserver.buffer.v1.BeginReply;
import io.agentserver.buffer.v1.BeginRequest;
import io.agentserver.buffer.v1.BufferGrpc;
import io.agentserver.buffer.v1.Slot;
import io.agentserver.pump.flow.ThreadBuffer;
import io.agentserver.pump.flow.UnavailableException;
import io.agentserver.pump.testing.Calls;
import io.agentserver.pump.trace.Tracing;
import io.agentserver.service.PlatformKeys;
import io.agentserver.service.ServiceTokens;
import io.agentserver.service.grpc.GrpcAddress;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.StreamObserver;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Clock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** What becomes of the buffer's answers, over real connections. */
class GrpcThreadBufferTest {
    private static final BeginRequest REQUEST =
            BeginRequest.newBuilder().setTenant(Calls.DEMO.value()).build();

    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path directory;

    @SuppressWarnings("NullAway.Init")
    private Server server;

    @SuppressWarnings("NullAway.Init")
    private GrpcThreadBuffer buffer;

    private volatile Status status = Status.OK;
    private volatile int answerBytes;

    @BeforeEach
    void start() throws IOException {
        Path file = directory.resolve("key.json");
        PlatformKeys.createIfAbsent(file);
        server = NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                .addService(new BufferGrpc.BufferImplBase() {
                    @Override
                    public void begin(BeginRequest request, StreamObserver<BeginReply> answer) {
                        if (!status.isOk()) {
                            answer.onError(status.asRuntimeException());
                            return;
                        }
                        answer.onNext(BeginReply.newBuilder()
                                .addHistory(Slot.newBuilder().setEnvelope("y".repeat(answerBytes)))
                                .build());
                        answer.onCompleted();
                    }
                })
                .build()
                .start();
        buffer = new GrpcThreadBuffer(
                new GrpcAddress("127.0.0.1:" + server.getPort()),
                new ServiceTokens(PlatformKeys.load(file), Clock.systemUTC()),
                Tracing.none());
    }

    @AfterEach
    void stop() {
        buffer.close();
        server.shutdownNow();
    }

    @Test
    void an_answer_that_is_over_a_calls_limit_is_too_large_and_no_refusal() {
        answerBytes = 1_000;
        assertThat(buffer.begin(REQUEST).getHistoryCount()).isEqualTo(1);

        answerBytes = 64 * 1024 * 1024 + 1;
        assertThatThrownBy(() -> buffer.begin(REQUEST)).isInstanceOf(ThreadBuffer.TooLarge.class);
    }

    @ParameterizedTest
    @EnumSource(value = Status.Code.class, names = "OK", mode = EnumSource.Mode.EXCLUDE)
    void tells_what_will_never_do_from_what_may_pass(Status.Code code) {
        status = code.toStatus().withDescription("a test's");

        assertThatThrownBy(() -> buffer.begin(REQUEST))
                .isInstanceOf(
                        switch (code) {
                            case INVALID_ARGUMENT, OUT_OF_RANGE -> ThreadBuffer.Refused.class;
                            case INTERNAL, DATA_LOSS, UNKNOWN -> ThreadBuffer.Failed.class;
                            default -> UnavailableException.class;
                        })
                .hasMessageContaining("a test's");
    }
}
