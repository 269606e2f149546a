package io.agentserver.localstores;

import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.BufferedReader;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

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

    @Test
    void are_given_once_in_a_process_although_nobody_has_bound_them_yet() {
        List<Integer> given = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            Arrays.stream(FreePorts.take(50)).forEach(given::add);
        }
        assertThat(given).hasSize(1000).doesNotHaveDuplicates();
    }

    @Test
    void are_not_given_while_another_process_has_been_given_them() throws IOException {
        int middle = (FreePorts.LOWEST + FreePorts.HIGHEST) / 2;
        Process other = new ProcessBuilder(
                        ProcessHandle.current().info().command().orElseThrow(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        PortsPromised.class.getName(),
                        Integer.toString(FreePorts.LOWEST),
                        Integer.toString(middle))
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        try (BufferedReader answers = other.inputReader(StandardCharsets.UTF_8)) {
            assertThat(answers.readLine()).isEqualTo("promised");
            assertThat(Arrays.stream(FreePorts.take(200)).min().orElseThrow()).isGreaterThanOrEqualTo(middle);
        } finally {
            other.destroyForcibly();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"127.0.0.1", "0.0.0.0", "::"})
    void are_taken_by_a_listener_on_loopback_or_on_all_interfaces(String address) throws IOException {
        try (ServerSocket holder = new ServerSocket(0, 1, InetAddress.ofLiteral(address))) {
            assertThat(FreePorts.holder(holder.getLocalPort()))
                    .hasValue("process " + ProcessHandle.current().pid() + " (java)");
        }
    }

    @Test
    void are_free_beside_a_listener_of_ipv6_loopback_alone() throws IOException {
        try (ServerSocket holder = new ServerSocket()) {
            holder.bind(new InetSocketAddress(InetAddress.ofLiteral("::1"), 0));
            assertThat(FreePorts.holder(holder.getLocalPort())).isEmpty();
        } catch (SocketException noIpv6) {
            Assumptions.abort("this machine has no IPv6: " + noIpv6.getMessage());
        }
    }
}
