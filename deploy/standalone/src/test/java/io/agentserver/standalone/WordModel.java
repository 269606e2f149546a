package io.agentserver.standalone;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;

import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * An OpenAI-compatible model that says one word, waits to be let go on, and says as many as it was asked for: {@code words=7}, at
 * {@link #INPUT} tokens of a prompt, whatever it is.
 */
final class WordModel implements AutoCloseable {
    static final int INPUT = 10;
    private static final Pattern WORDS = Pattern.compile("words=(\\d+)");

    private final HttpServer server;
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final Queue<CountDownLatch> waiting = new ConcurrentLinkedQueue<>();
    private volatile boolean holds = true;

    WordModel() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 2_000);
        server.createContext("/v1/chat/completions", this::answer);
        server.setExecutor(threads);
        server.start();
    }

    String url() {
        return "http://127.0.0.1:" + server.getAddress().getPort() + "/v1";
    }

    /** Those that wait, and those that come. */
    void letGo() {
        holds = false;
        letGo(Integer.MAX_VALUE);
    }

    /** So many of those that wait, or all. */
    void letGo(int most) {
        CountDownLatch one = waiting.poll();
        for (int i = 1; one != null; i++) {
            one.countDown();
            one = i < most ? waiting.poll() : null;
        }
    }

    /** From now on they wait again. */
    void hold() {
        holds = true;
    }

    @Override
    public void close() {
        server.stop(0);
        threads.shutdownNow();
    }

    private void answer(HttpExchange exchange) throws IOException {
        String request = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
        Matcher asked = WORDS.matcher(request);
        int words = asked.find() ? Integer.parseInt(asked.group(1)) : 1;
        exchange.getResponseHeaders().set("Content-Type", "text/event-stream");
        exchange.sendResponseHeaders(200, 0);
        try (exchange;
                OutputStream out = exchange.getResponseBody()) {
            send(out, choice("{\"role\":\"assistant\",\"content\":\"word\"}", "null"));
            await();
            for (int i = 1; i < words; i++) {
                send(out, choice("{\"content\":\" word\"}", "null"));
            }
            send(out, choice("{}", "\"stop\""));
            send(
                    out,
                    "{\"id\":\"x\",\"choices\":[],\"usage\":{\"prompt_tokens\":" + INPUT + ",\"completion_tokens\":"
                            + words + ",\"total_tokens\":" + (INPUT + words) + "}}");
            send(out, "[DONE]");
        } catch (InterruptedException closing) {
            Thread.currentThread().interrupt();
        }
    }

    private void await() throws InterruptedException {
        CountDownLatch mayGoOn = new CountDownLatch(1);
        waiting.add(mayGoOn);
        if (!holds) {
            letGo(Integer.MAX_VALUE); // also the one that has come too late for it
        }
        mayGoOn.await();
    }

    private static String choice(String delta, String finish) {
        return "{\"id\":\"x\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":"
                + delta + ",\"finish_reason\":" + finish + "}]}";
    }

    private static void send(OutputStream out, String data) throws IOException {
        out.write(("data: " + data + "\n\n").getBytes(StandardCharsets.UTF_8));
        out.flush();
    }
}
