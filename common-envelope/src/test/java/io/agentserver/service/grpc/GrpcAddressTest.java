package io.agentserver.service.grpc;

import io.agentserver.buffer.v1.BeginReply;
import io.agentserver.buffer.v1.BeginRequest;
import io.agentserver.buffer.v1.BufferGrpc;
import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.stub.StreamObserver;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.concurrent.atomic.AtomicReference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

class GrpcAddressTest {
    @Test
    void a_message_within_the_process_is_handed_over_as_it_is() throws Exception {
        GrpcAddress address = GrpcAddress.inProcess(18_082);
        AtomicReference<BeginRequest> seen = new AtomicReference<>();
        Server server = address.server()
                .directExecutor()
                .addService(new BufferGrpc.BufferImplBase() {
                    @Override
                    public void begin(BeginRequest request, StreamObserver<BeginReply> replies) {
                        seen.set(request);
                        replies.onNext(BeginReply.getDefaultInstance());
                        replies.onCompleted();
                    }
                })
                .build()
                .start();
        ManagedChannel channel = address.channel().build();
        try {
            BeginRequest request = BeginRequest.newBuilder().setTenant("acme").build();
            BufferGrpc.newBlockingStub(channel).begin(request);
            assertThat(seen.get()).isSameAs(request);
        } finally {
            channel.shutdownNow();
            server.shutdownNow();
        }
    }

    @Test
    void what_is_on_the_network_is_not_served_from_here() {
        assertThatIllegalStateException()
                .isThrownBy(() -> new GrpcAddress("buffer:8082").server())
                .withMessageContaining("buffer:8082");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "buffer", "buffer:", ":8082", "http://buffer:8082", "a:1,b:2", "in-process:"})
    void what_is_no_address_is_refused(String text) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new GrpcAddress(text))
                .withMessageContaining(text);
    }
}
