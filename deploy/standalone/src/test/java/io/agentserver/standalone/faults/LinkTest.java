package io.agentserver.standalone.faults;

import io.agentserver.localstores.FreePorts;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.time.Duration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

@Timeout(60)
class LinkTest {
    private static final Duration HALF_A_SECOND = Duration.ofMillis(500);

    @SuppressWarnings("NullAway.Init")
    private ServerSocket echo;

    @SuppressWarnings("NullAway.Init")
    private Link link;

    @BeforeEach
    void open() throws IOException {
        echo = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        Thread.ofVirtual().start(this::serve);
        link = new Link("test", "echo", FreePorts.take(), echo.getLocalPort(), 1);
    }

    @AfterEach
    void close() throws IOException {
        link.close();
        echo.close();
    }

    private void serve() {
        while (!echo.isClosed()) {
            try {
                Socket socket = echo.accept();
                Thread.ofVirtual().start(() -> echo(socket));
            } catch (IOException e) {
                return; // closed
            }
        }
    }

    private static void echo(Socket socket) {
        try (socket) {
            socket.getInputStream().transferTo(socket.getOutputStream());
        } catch (IOException e) {
            // broken, as is wanted here
        }
    }

    private Socket connect() throws IOException {
        Socket socket = new Socket(InetAddress.getLoopbackAddress(), link.port());
        socket.setTcpNoDelay(true);
        socket.setSoTimeout(10_000);
        return socket;
    }

    private static void say(Socket socket, int word) throws IOException {
        socket.getOutputStream().write(word);
    }

    @Test
    void passes_on_what_it_gets_until_both_ends_are_done() throws IOException {
        assertThat(link.isUsed()).isFalse();
        assertPassesOn();
        assertThat(link.isUsed()).isTrue();
    }

    private void assertPassesOn() throws IOException {
        try (Socket socket = connect()) {
            say(socket, 7);
            assertThat(socket.getInputStream().read()).isEqualTo(7);
            socket.shutdownOutput();
            assertThat(socket.getInputStream().read()).isEqualTo(-1);
        }
    }

    @Test
    void what_is_sent_into_a_partition_arrives_when_it_is_over() throws IOException {
        try (Socket socket = connect()) {
            link.suffer(new Trouble.Partition());
            say(socket, 7);
            socket.setSoTimeout(300);
            assertThatThrownBy(() -> socket.getInputStream().read()).isInstanceOf(SocketTimeoutException.class);
            link.heal();
            socket.setSoTimeout(10_000);
            assertThat(socket.getInputStream().read()).isEqualTo(7);
        }
    }

    @Test
    void where_it_refuses_connections_break_and_new_ones_are_not_made_until_it_heals() throws IOException {
        try (Socket socket = connect()) {
            say(socket, 7);
            assertThat(socket.getInputStream().read()).isEqualTo(7);
            link.suffer(new Trouble.Refusal());
            assertThatThrownBy(() -> socket.getInputStream().read()).isInstanceOf(SocketException.class);
            assertThatThrownBy(this::connect).isInstanceOf(IOException.class);
        }
        link.heal();
        assertPassesOn();
    }

    @Test
    void resets_break_the_connection_that_they_hit() throws IOException {
        try (Socket socket = connect()) {
            link.suffer(new Trouble.Resets(100));
            say(socket, 7);
            assertThatThrownBy(() -> socket.getInputStream().read()).isInstanceOf(SocketException.class);
        }
    }

    @Test
    void latency_counts_each_way_and_keeps_the_order() throws IOException {
        try (Socket socket = connect()) {
            link.suffer(new Trouble.Latency(HALF_A_SECOND));
            long begun = System.nanoTime();
            say(socket, 1);
            say(socket, 2);
            assertThat(socket.getInputStream().read()).isEqualTo(1);
            assertThat(socket.getInputStream().read()).isEqualTo(2);
            assertThat(Duration.ofNanos(System.nanoTime() - begun))
                    .isGreaterThanOrEqualTo(HALF_A_SECOND.multipliedBy(2));
        }
    }

    @Test
    void what_is_lost_comes_late() throws IOException {
        try (Socket socket = connect()) {
            link.suffer(new Trouble.Loss(100));
            long begun = System.nanoTime();
            say(socket, 7);
            assertThat(socket.getInputStream().read()).isEqualTo(7);
            assertThat(Duration.ofNanos(System.nanoTime() - begun)).isGreaterThanOrEqualTo(Duration.ofMillis(400));
        }
    }
}
