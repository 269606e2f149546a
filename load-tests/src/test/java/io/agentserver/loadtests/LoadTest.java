package io.agentserver.loadtests;

import com.sun.net.httpserver.HttpServer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.time.Duration;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

import static org.assertj.core.api.Assertions.assertThat;

/** The meters themselves, against a server whose faults are known. */
class LoadTest {
    private final AtomicInteger requests = new AtomicInteger();
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private HttpServer server;
    private int failEvery = Integer.MAX_VALUE;
    private int stallAt = Integer.MAX_VALUE;

    @BeforeEach
    void start() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setExecutor(threads);
        server.createContext("/v1/messages", exchange -> {
            int number = requests.incrementAndGet();
            byte[] body = exchange.getRequestBody().readAllBytes();
            if (number == stallAt) {
                LockSupport.parkNanos(Duration.ofMillis(500).toNanos());
            }
            exchange.sendResponseHeaders(number % failEvery == 0 ? 503 : 200, number % 2 == 0 ? 0 : body.length);
            exchange.getResponseBody().write(body);
            exchange.close();
        });
        server.start();
    }

    @AfterEach
    void stop() {
        server.stop(0);
        threads.close();
    }

    @Test
    void counts_right_answers_and_errors_apart() throws IOException {
        failEvery = 5;
        try (Conversations conversations = conversations()) {
            Measured measured = new Load(conversations).openLoop(100, Duration.ofSeconds(1));

            assertThat(measured.answered()).isEqualTo(80);
            assertThat(measured.errors()).containsOnlyKeys("status 503").containsValue(20L);
            assertThat(measured.latencies().getTotalCount()).isEqualTo(80);
        }
    }

    @Test
    void a_stall_shows_in_the_latencies() throws IOException {
        stallAt = 50;
        try (Conversations conversations = conversations()) {
            Measured measured = new Load(conversations).openLoop(100, Duration.ofSeconds(1));

            assertThat(measured.latencies().getMaxValue()).isGreaterThan(450_000);
            assertThat(measured.errors()).isEmpty();
        }
    }

    @Test
    void clients_of_the_closed_loop_go_on_until_the_time_is_over() throws IOException {
        try (Conversations conversations = conversations()) {
            Load load = new Load(conversations);
            load.closedLoop(4, 40); // the first ones load classes, and may take longer than all of the time
            requests.set(0);
            Measured measured = load.closedLoop(4, Duration.ofSeconds(1));

            assertThat(measured.answered()).isEqualTo(requests.get()).isGreaterThan(4);
            assertThat(measured.perSecond()).isPositive();
        }
    }

    private Conversations conversations() {
        return new Conversations(new Platform(
                URI.create("http://127.0.0.1:" + server.getAddress().getPort()), "a-key"));
    }
}
