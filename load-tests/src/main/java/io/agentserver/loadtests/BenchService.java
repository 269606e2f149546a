package io.agentserver.loadtests;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The tenant's service: {@code /relay} hands over to echo at once, {@code /slow} answers after a pause. */
final class BenchService implements AutoCloseable {
    static final Duration PAUSE = Duration.ofSeconds(5);

    private static final Pattern TEXT = Pattern.compile("<Text>([^<]*)</Text>");

    private final AtomicInteger waiting = new AtomicInteger();
    private final AtomicInteger mostWaiting = new AtomicInteger();
    private final AtomicLong answered = new AtomicLong();
    private final Duration pause;
    private final LoopbackServer server;

    private BenchService(Duration pause) throws IOException {
        this.pause = pause;
        this.server = LoopbackServer.start("the service", 0, this::serve);
    }

    static BenchService start() throws IOException {
        return start(PAUSE);
    }

    /** @param pause until an answer of {@code /slow} */
    static BenchService start(Duration pause) throws IOException {
        return new BenchService(pause);
    }

    String url() {
        return server.url();
    }

    /** Slow answers given. */
    long answered() {
        return answered.get();
    }

    /** Slow answers that are waited for. */
    int waiting() {
        return waiting.get();
    }

    int mostWaiting() {
        return mostWaiting.get();
    }

    @Override
    public void close() throws IOException {
        server.close();
    }

    private void serve(Socket connection) {
        try (connection;
                InputStream in = new BufferedInputStream(connection.getInputStream(), 2_048)) {
            OutputStream out = connection.getOutputStream();
            for (String first = LoopbackServer.line(in);
                    first != null && !first.isEmpty();
                    first = LoopbackServer.line(in)) {
                int length = 0;
                for (String header = LoopbackServer.line(in);
                        header != null && !header.isEmpty();
                        header = LoopbackServer.line(in)) {
                    if (header.toLowerCase(Locale.ROOT).startsWith("content-length:")) {
                        length = Integer.parseInt(
                                header.substring("content-length:".length()).strip());
                    }
                }
                String body = new String(in.readNBytes(length), StandardCharsets.UTF_8);
                byte[] answer = answer(first, body).getBytes(StandardCharsets.UTF_8);
                out.write(("HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\nContent-Length: " + answer.length
                                + "\r\n\r\n" + new String(answer, StandardCharsets.UTF_8))
                        .getBytes(StandardCharsets.UTF_8));
                out.flush();
            }
        } catch (IOException e) {
            // the caller has gone; what it asked for is its to ask again
        }
    }

    private String answer(String first, String body) {
        Matcher matcher = TEXT.matcher(body);
        String text = matcher.find() ? matcher.group(1) : "";
        if (first.contains("/relay")) {
            return "<Ping to=\"echo\"><Text>" + text + "</Text></Ping>";
        }
        mostWaiting.accumulateAndGet(waiting.incrementAndGet(), Math::max);
        try {
            Thread.sleep(pause);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        waiting.decrementAndGet();
        answered.incrementAndGet();
        return "<Late><Text>" + text + "</Text></Late>";
    }
}
