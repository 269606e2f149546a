package io.agentserver.standalone.faults;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** A service that answers later: it goes on until the gateway has taken its answer, or nobody waits for it any more. */
final class Clerk implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofMinutes(3);
    private static final int LATEST_MS = 4_000;

    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final Queue<String> refused = new ConcurrentLinkedQueue<>();
    private final HttpClient http;
    private volatile String gateway = "";

    Clerk(HttpClient http) {
        this.http = http;
    }

    void answersTo(String gatewayUrl) {
        gateway = gatewayUrl;
    }

    /** What was said to it and should not have been, since the last time. */
    List<String> refused() {
        List<String> all = List.copyOf(refused);
        refused.removeAll(all);
        return all;
    }

    /** Some answers come before the 202 of their message is sent, some seconds after it. */
    void take(String token, String answer) {
        int afterMs = ThreadLocalRandom.current().nextInt(LATEST_MS) - LATEST_MS / 4;
        if (afterMs <= 0) {
            threads.execute(() -> answer(token, answer));
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(-afterMs / 10));
        } else {
            threads.execute(() -> {
                LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(afterMs));
                answer(token, answer);
            });
        }
    }

    private void answer(String token, String answer) {
        HttpRequest request = HttpRequest.newBuilder(URI.create(gateway + "/v1/respond/" + token))
                .header("Content-Type", "application/xml")
                .timeout(Duration.ofSeconds(10))
                .POST(HttpRequest.BodyPublishers.ofString(answer))
                .build();
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        String last = "";
        try {
            while (System.nanoTime() < deadline) {
                try {
                    HttpResponse<String> response = http.send(request, HttpResponse.BodyHandlers.ofString());
                    if (response.statusCode() == 202 || response.statusCode() == 410) {
                        return;
                    }
                    last = response.statusCode() + " " + response.body();
                    if (response.statusCode() < 500) {
                        break;
                    }
                } catch (IOException e) {
                    last = e.toString();
                }
                Thread.sleep(Duration.ofMillis(300));
            }
            refused.add("the answer " + answer + " was not taken: " + last);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // the test is over
        }
    }

    @Override
    public void close() {
        threads.shutdownNow();
    }
}
