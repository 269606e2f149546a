package io.agentserver.standalone;

import com.sun.net.httpserver.HttpServer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;

import static org.assertj.core.api.Assertions.assertThat;

/** What the load test says of a platform that does not keep its promise; of one that does: {@link AllInOneIT}. */
class LocustTest {
    private final AtomicInteger messages = new AtomicInteger();
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private HttpServer gateway;
    private int acceptedAtMost = Integer.MAX_VALUE;

    @BeforeEach
    void start() throws IOException {
        gateway = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        gateway.setExecutor(threads);
        gateway.createContext("/", exchange -> {
            String body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
            String path = exchange.getRequestURI().getPath();
            int status = 200;
            String answer = "{\"data\":[]}"; // nobody has ever said anything
            if (path.equals("/admin/v1/tenants")) {
                status = 201;
                answer = "{\"api_key\":\"k\"}";
            } else if (path.equals("/v1/messages") && !body.contains("first")) {
                boolean taken = messages.incrementAndGet() <= acceptedAtMost;
                status = taken ? 202 : 503;
                answer = taken ? "{\"thread_id\":\"t\"}" : "no room";
            }
            byte[] bytes = answer.getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(status, bytes.length);
            exchange.getResponseBody().write(bytes);
            exchange.close();
        });
        gateway.start();
    }

    @AfterEach
    void stop() {
        gateway.stop(0);
        threads.close();
    }

    @Test
    void what_was_accepted_and_never_answered_is_not_finished(@TempDir Path scratch) throws Exception {
        Locust locust = run(scratch);

        assertThat(locust.exit()).as(locust.output()).isNotZero();
        assertThat(locust.count("accepted")).isPositive().isEqualTo(messages.get());
        assertThat(locust.count("finished")).isZero();
        assertThat(locust.output()).contains("no answer in t", "bottleneck ");
    }

    @Test
    void what_was_refused_is_a_failure_and_not_accepted(@TempDir Path scratch) throws Exception {
        acceptedAtMost = 5;

        Locust locust = run(scratch);

        assertThat(locust.exit()).as(locust.output()).isNotZero();
        assertThat(locust.count("accepted")).isEqualTo(5);
        assertThat(locust.count("failed")).isGreaterThanOrEqualTo(messages.get() - 5L);
        assertThat(locust.output()).contains("503 no room");
    }

    private Locust run(Path scratch) throws IOException, InterruptedException {
        return Locust.run(
                scratch,
                "http://127.0.0.1:" + gateway.getAddress().getPort(),
                "operator",
                "--tenants=2",
                "--rate=20",
                "--run-time=2s",
                "--drain=0",
                "--wait-every=1000000");
    }
}
