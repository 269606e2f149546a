package io.agentserver.localstores;

import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class FreePortsTest {
    @Test
    void are_different_and_can_be_bound() throws IOException {
        int[] ports = FreePorts.take(20);
        assertThat(ports).hasSize(20).doesNotHaveDuplicates();
        try (ServerSocket socket = new ServerSocket(ports[0], 1, InetAddress.getLoopbackAddress())) {
            assertThatThrownBy(() -> FreePorts.requireFree(socket.getLocalPort(), "a test"))
                    .hasMessageStartingWith("port " + ports[0] + " for a test is taken");
        }
        FreePorts.requireFree(ports[0], "a test");
    }
}
