package io.agentserver.router;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import tools.jackson.databind.JsonNode;

import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

import static org.assertj.core.api.Assertions.assertThat;

/** Somebody else's server, OpenAI-compatible unless it behaves otherwise, well and badly behaved. */
final class ProviderDouble implements AutoCloseable {
    private static final String USAGE = "{\"prompt_tokens\":100,\"completion_tokens\":20,\"total_tokens\":120,"
            + "\"prompt_tokens_details\":{\"cached_tokens\":40}}";

    final List<Received> received = new CopyOnWriteArrayList<>();
    private final HttpServer server;
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final CountDownLatch closing = new CountDownLatch(1);
    private volatile CountDownLatch cancelled = new CountDownLatch(1);
    private volatile CountDownLatch asked = new CountDownLatch(1);
    private volatile Behaviour behaviour = streams("Fine", ", thanks.");

    record Received(String path, Map<String, List<String>> headers, JsonNode body) {
        String header(String name) {
            return headers.entrySet().stream()
                    .filter(entry -> entry.getKey().equalsIgnoreCase(name))
                    .map(entry -> entry.getValue().getFirst())
                    .findFirst()
                    .orElse("");
        }
    }

    interface Behaviour {
        void answer(HttpExchange exchange, ProviderDouble self) throws IOException, InterruptedException;
    }

    ProviderDouble() {
        try {
            server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
        server.setExecutor(threads);
        for (String path : List.of("/v1/chat/completions", "/v1/embeddings", "/v1/messages")) {
            server.createContext(path, this::handle);
        }
        server.start();
    }

    String url() {
        return "http://127.0.0.1:" + server.getAddress().getPort() + "/v1";
    }

    /** From now on, with nothing received so far. */
    void behave(Behaviour next) {
        behaviour = next;
        received.clear();
        cancelled = new CountDownLatch(1);
        asked = new CountDownLatch(1);
    }

    /** Blocks until it has been asked since it behaves so. */
    void awaitRequest() throws InterruptedException {
        assertThat(asked.await(10, TimeUnit.SECONDS)).as("asked").isTrue();
    }

    /** Whether a stream of {@link #neverEnds} has been cancelled within this time. */
    boolean isCancelledWithin(long seconds) throws InterruptedException {
        return cancelled.await(seconds, TimeUnit.SECONDS);
    }

    /** Waits so long, or until it is closed. */
    boolean closes(Duration time) throws InterruptedException {
        return closing.await(time.toMillis(), TimeUnit.MILLISECONDS);
    }

    @Override
    public void close() {
        closing.countDown();
        server.stop(0);
        threads.shutdownNow();
    }

    static Behaviour streams(String... words) {
        return (exchange, self) -> stream(exchange, true, true, words);
    }

    static Behaviour streamsWithoutUsage(String... words) {
        return (exchange, self) -> stream(exchange, false, true, words);
    }

    static Behaviour endsWithoutDone(String... words) {
        return (exchange, self) -> stream(exchange, true, false, words);
    }

    static Behaviour streamsEvents(String... events) {
        return (exchange, self) -> {
            exchange.getResponseHeaders().set("Content-Type", "text/event-stream");
            exchange.sendResponseHeaders(200, 0);
            for (String event : events) {
                send(exchange, event);
            }
            exchange.close();
        };
    }

    static Behaviour answersWhole(String json) {
        return (exchange, self) -> respond(exchange, 200, json);
    }

    static Behaviour refuses(int status) {
        return (exchange, self) -> respond(exchange, status, "{\"error\":{\"message\":\"the provider's own words\"}}");
    }

    static Behaviour hangs() {
        return (exchange, self) -> self.closing.await();
    }

    /** Sends these words and then nothing, on an open connection. */
    static Behaviour fallsSilentAfter(String... words) {
        return (exchange, self) -> {
            exchange.getResponseHeaders().set("Content-Type", "text/event-stream");
            exchange.sendResponseHeaders(200, 0);
            for (String word : words) {
                send(exchange, chunk(word));
            }
            self.closing.await();
        };
    }

    /** Sends these events and then nothing, on an open connection. */
    static Behaviour fallsSilentAfterEvents(String... events) {
        return (exchange, self) -> {
            exchange.getResponseHeaders().set("Content-Type", "text/event-stream");
            exchange.sendResponseHeaders(200, 0);
            for (String event : events) {
                send(exchange, event);
            }
            self.closing.await();
        };
    }

    /** Sends these words, and then this event again and again until its request is cancelled. */
    static Behaviour repeats(String event, Duration pause, String... words) {
        return (exchange, self) -> {
            CountDownLatch cancelled = self.cancelled; // of this behaviour, however late
            exchange.getResponseHeaders().set("Content-Type", "text/event-stream");
            exchange.sendResponseHeaders(200, 0);
            try {
                for (String word : words) {
                    send(exchange, chunk(word));
                }
                while (!self.closing.await(pause.toMillis(), TimeUnit.MILLISECONDS)) {
                    send(exchange, event);
                }
            } catch (IOException hungUp) {
                cancelled.countDown();
            }
        };
    }

    /** Sends nothing for a while, then these words, and then nothing. */
    static Behaviour thinksFor(Duration time, String... words) {
        return (exchange, self) -> {
            exchange.getResponseHeaders().set("Content-Type", "text/event-stream");
            exchange.sendResponseHeaders(200, 0);
            self.closes(time);
            for (String word : words) {
                send(exchange, chunk(word));
            }
            self.closing.await();
        };
    }

    /** Sends a whole answer at once and its usage later. */
    static Behaviour saysItsUsageAfter(Duration time, String... words) {
        return (exchange, self) -> {
            exchange.getResponseHeaders().set("Content-Type", "text/event-stream");
            exchange.sendResponseHeaders(200, 0);
            for (String word : words) {
                send(exchange, chunk(word));
            }
            send(exchange, data("{}", "\"stop\""));
            self.closes(time);
            send(exchange, "data: {\"id\":\"c-1\",\"choices\":[],\"usage\":" + USAGE + "}\n\n");
            send(exchange, "data: [DONE]\n\n");
            exchange.close();
        };
    }

    /** Breaks the connection in the middle of the answer. */
    static Behaviour breaksAfter(String... words) {
        return (exchange, self) -> {
            exchange.getResponseHeaders().set("Content-Type", "text/event-stream");
            exchange.sendResponseHeaders(200, 1_000_000); // promised and not kept
            for (String word : words) {
                send(exchange, chunk(word));
            }
            exchange.close();
        };
    }

    static Behaviour neverEnds() {
        return (exchange, self) -> {
            CountDownLatch cancelled = self.cancelled; // of this behaviour, however late
            exchange.getResponseHeaders().set("Content-Type", "text/event-stream");
            exchange.sendResponseHeaders(200, 0);
            try {
                while (!self.closing.await(20, TimeUnit.MILLISECONDS)) {
                    send(exchange, chunk("word "));
                }
            } catch (IOException hungUp) {
                cancelled.countDown();
            }
        };
    }

    /** Says one word after the other until it is told to come to an end. */
    static Behaviour streamsUntil(CountDownLatch told) {
        return (exchange, self) -> {
            CountDownLatch cancelled = self.cancelled; // of this behaviour, however late
            exchange.getResponseHeaders().set("Content-Type", "text/event-stream");
            exchange.sendResponseHeaders(200, 0);
            try {
                while (!told.await(20, TimeUnit.MILLISECONDS)) {
                    send(exchange, chunk("word "));
                }
                send(exchange, chunk("end."));
                send(exchange, data("{}", "\"stop\""));
                send(exchange, "data: {\"id\":\"c-1\",\"choices\":[],\"usage\":" + USAGE + "}\n\n");
                send(exchange, "data: [DONE]\n\n");
                exchange.close();
            } catch (IOException hungUp) {
                cancelled.countDown();
            }
        };
    }

    /** Is alive and says nothing, until its request is cancelled. */
    static Behaviour thinksUntilCancelled() {
        return (exchange, self) -> {
            CountDownLatch cancelled = self.cancelled; // of this behaviour, however late
            exchange.getResponseHeaders().set("Content-Type", "text/event-stream");
            exchange.sendResponseHeaders(200, 0);
            try {
                while (!self.closing.await(20, TimeUnit.MILLISECONDS)) {
                    send(exchange, ": thinking\n\n");
                }
            } catch (IOException hungUp) {
                cancelled.countDown();
            }
        };
    }

    static Behaviour refusesFor(int status, String retryAfter) {
        return (exchange, self) -> {
            exchange.getResponseHeaders().set("Retry-After", retryAfter);
            respond(exchange, status, "{\"error\":{\"message\":\"later\"}}");
        };
    }

    private void handle(HttpExchange exchange) throws IOException {
        try {
            received.add(new Received(
                    exchange.getRequestURI().getPath(),
                    Map.copyOf(exchange.getRequestHeaders()),
                    Json.read(exchange.getRequestBody().readAllBytes())));
            asked.countDown();
            behaviour.answer(exchange, this);
        } catch (InterruptedException closed) {
            exchange.close();
        }
    }

    private static void stream(HttpExchange exchange, boolean usage, boolean done, String... words) throws IOException {
        exchange.getResponseHeaders().set("Content-Type", "text/event-stream");
        exchange.sendResponseHeaders(200, 0);
        send(exchange, data("{\"role\":\"assistant\",\"content\":\"\"}", "null"));
        for (String word : words) {
            send(exchange, chunk(word));
        }
        send(exchange, data("{}", "\"stop\""));
        if (usage) {
            send(exchange, "data: {\"id\":\"c-1\",\"choices\":[],\"usage\":" + USAGE + "}\n\n");
        }
        if (done) {
            send(exchange, "data: [DONE]\n\n");
        }
        exchange.close();
    }

    static String chunk(String word) {
        return data(Json.text(Json.object().put("content", word)), "null");
    }

    static String data(String delta, String finish) {
        return "data: {\"id\":\"c-1\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"m-1\","
                + "\"x_unknown\":\"kept\",\"choices\":[{\"index\":0,\"delta\":" + delta + ",\"finish_reason\":" + finish
                + "}]}\n\n";
    }

    static void respond(HttpExchange exchange, int status, String json) throws IOException {
        byte[] bytes = json.getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().set("Content-Type", "application/json");
        exchange.sendResponseHeaders(status, bytes.length);
        exchange.getResponseBody().write(bytes);
        exchange.close();
    }

    static void send(HttpExchange exchange, String event) throws IOException {
        OutputStream out = exchange.getResponseBody();
        out.write(event.getBytes(StandardCharsets.UTF_8));
        out.flush();
    }
}
