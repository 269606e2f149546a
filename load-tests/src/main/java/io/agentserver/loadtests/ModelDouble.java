package io.agentserver.loadtests;

import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A model behind OpenAI's chat completions, whole or streamed, that says {@code word} as many times as it was told to: what
 * gateways are measured with. It reads no more of a request than whether it is to be streamed.
 */
final class ModelDouble implements AutoCloseable {
    private static final int PROMPT_TOKENS = 100;

    private final Pace pace;
    private final AtomicLong calls = new AtomicLong();
    private final LoopbackServer server;

    /**
     * @param firstToken until the first one
     * @param perToken between two
     * @param tokens of an answer
     */
    record Pace(Duration firstToken, Duration perToken, int tokens) {
        static Pace of(Options options) {
            return new Pace(
                    Duration.ofMillis(options.has("first-token") ? options.number("first-token", 1) : 0),
                    Duration.ofMillis(options.has("per-token") ? options.number("per-token", 1) : 0),
                    options.number("tokens", 20));
        }
    }

    private ModelDouble(int port, Pace pace) throws IOException {
        this.pace = pace;
        this.server = LoopbackServer.start("the model", port, this::serve);
    }

    /** @param port 0: any free one */
    static ModelDouble start(int port, Pace pace) throws IOException {
        return new ModelDouble(port, pace);
    }

    String url() {
        return server.url() + "/v1";
    }

    /** That have begun. */
    long calls() {
        return calls.get();
    }

    @Override
    public void close() throws IOException {
        server.close();
    }

    private void serve(Socket connection) {
        try (connection;
                InputStream in = new BufferedInputStream(connection.getInputStream(), 8_192)) {
            OutputStream out = connection.getOutputStream();
            for (String first = LoopbackServer.line(in);
                    first != null && !first.isEmpty();
                    first = LoopbackServer.line(in)) {
                String body = body(in);
                calls.incrementAndGet();
                pause(pace.firstToken());
                if (body.contains("\"stream\":true") || body.contains("\"stream\": true")) {
                    stream(out);
                } else {
                    whole(out);
                }
            }
        } catch (IOException | InterruptedException gone) {
            // the caller has gone, or this ends
        }
    }

    private void whole(OutputStream out) throws IOException, InterruptedException {
        pause(pace.perToken().multipliedBy(pace.tokens() - 1L));
        String said = "word" + " word".repeat(pace.tokens() - 1);
        byte[] answer =
                ("{\"id\":\"m\",\"object\":\"chat.completion\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,"
                                + "\"message\":{\"role\":\"assistant\",\"content\":\"" + said
                                + "\"},\"finish_reason\":\"stop\"}],"
                                + usage() + "}")
                        .getBytes(StandardCharsets.UTF_8);
        out.write(("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " + answer.length + "\r\n\r\n"
                        + new String(answer, StandardCharsets.UTF_8))
                .getBytes(StandardCharsets.UTF_8));
        out.flush();
    }

    private void stream(OutputStream out) throws IOException, InterruptedException {
        StringBuilder ahead = new StringBuilder(
                "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n");
        for (int i = 0; i < pace.tokens(); i++) {
            ahead.append(chunk(
                    "{\"id\":\"m\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,"
                            + "\"delta\":{\"role\":\"assistant\",\"content\":\"" + (i == 0 ? "word" : " word")
                            + "\"},\"finish_reason\":null}]}"));
            if (pace.perToken().isPositive()) {
                send(out, ahead);
                pause(pace.perToken());
            }
        }
        ahead.append(chunk(
                "{\"id\":\"m\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,"
                        + "\"delta\":{},\"finish_reason\":\"stop\"}]}"));
        ahead.append(
                chunk("{\"id\":\"m\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[],"
                        + usage() + "}"));
        ahead.append(chunk("[DONE]")).append("0\r\n\r\n");
        send(out, ahead);
    }

    private String usage() {
        return "\"usage\":{\"prompt_tokens\":" + PROMPT_TOKENS + ",\"completion_tokens\":" + pace.tokens()
                + ",\"total_tokens\":" + (PROMPT_TOKENS + pace.tokens()) + "}";
    }

    private static String chunk(String data) {
        String event = "data: " + data + "\n\n";
        return Integer.toHexString(event.length()) + "\r\n" + event + "\r\n";
    }

    private static void send(OutputStream out, StringBuilder text) throws IOException {
        out.write(text.toString().getBytes(StandardCharsets.US_ASCII));
        out.flush();
        text.setLength(0);
    }

    private static void pause(Duration time) throws InterruptedException {
        if (time.isPositive()) {
            Thread.sleep(time);
        }
    }

    private static String body(InputStream in) throws IOException {
        int length = 0;
        boolean chunked = false;
        for (String header = LoopbackServer.line(in);
                header != null && !header.isEmpty();
                header = LoopbackServer.line(in)) {
            String lower = header.toLowerCase(Locale.ROOT);
            if (lower.startsWith("content-length:")) {
                length = Integer.parseInt(
                        lower.substring("content-length:".length()).strip());
            } else if (lower.startsWith("transfer-encoding:")) {
                chunked = lower.endsWith("chunked");
            }
        }
        if (!chunked) {
            return new String(in.readNBytes(length), StandardCharsets.UTF_8);
        }
        StringBuilder body = new StringBuilder();
        for (int size = chunkSize(in); size > 0; size = chunkSize(in)) {
            body.append(new String(in.readNBytes(size), StandardCharsets.UTF_8));
            LoopbackServer.line(in);
        }
        LoopbackServer.line(in);
        return body.toString();
    }

    private static int chunkSize(InputStream in) throws IOException {
        String line = LoopbackServer.line(in);
        if (line == null) {
            throw new EOFException("the connection ended in a body");
        }
        return Integer.parseInt(line.split(";", 2)[0].strip(), 16);
    }
}
