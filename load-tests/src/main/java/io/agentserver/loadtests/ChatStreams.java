package io.agentserver.loadtests;

import org.HdrHistogram.ConcurrentHistogram;
import org.HdrHistogram.Histogram;

import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.LongAdder;

/** Many streamed chat completions that run at once, each on a connection of its own. */
final class ChatStreams {
    private static final long LONGEST_MICROS = Duration.ofMinutes(2).toNanos() / 1000;
    private static final int CONNECT_MILLIS = 10_000;
    private static final int READ_MILLIS = 60_000;

    private final URI server;
    private final String head;
    private final String model;
    private final Histogram firsts = new ConcurrentHistogram(LONGEST_MICROS, 3);
    private final LongAdder chunks = new LongAdder();
    private final LongAdder complete = new LongAdder();
    private final LongAdder failed = new LongAdder();

    /**
     * @param complete that ended with {@code [DONE]}
     * @param chunks of all that had content
     * @param firsts microseconds from a request until its first chunk with content
     */
    record Result(long complete, long failed, long chunks, Histogram firsts, Duration time) {}

    ChatStreams(URI server, Map<String, String> headers, String model) {
        this.server = server;
        this.model = model;
        StringBuilder text = new StringBuilder("POST /v1/chat/completions HTTP/1.1\r\nHost: ")
                .append(server.getAuthority())
                .append("\r\nContent-Type: application/json\r\nConnection: close\r\n");
        headers.forEach(
                (name, value) -> text.append(name).append(": ").append(value).append("\r\n"));
        this.head = text.toString();
    }

    /**
     * Blocks until all are over.
     *
     * @param ramp over which they begin, one after the other
     */
    Result run(int streams, Duration ramp) {
        long begun = System.nanoTime();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < streams; i++) {
                long at = begun + ramp.toNanos() * i / streams;
                String question = "Stream " + i + " of run " + Long.toHexString(begun);
                threads.execute(() -> stream(at, question));
            }
        }
        return new Result(
                complete.sum(), failed.sum(), chunks.sum(), firsts, Duration.ofNanos(System.nanoTime() - begun));
    }

    private void stream(long at, String question) {
        try {
            for (long now = System.nanoTime(); now < at; now = System.nanoTime()) {
                Thread.sleep(Duration.ofNanos(at - now));
            }
            read(ChatCalls.body(model, true, question));
            complete.increment();
        } catch (IOException | InterruptedException e) {
            failed.increment();
        }
    }

    private void read(String body) throws IOException {
        try (Socket socket = new Socket()) {
            socket.setTcpNoDelay(true);
            socket.setSoTimeout(READ_MILLIS);
            socket.connect(new InetSocketAddress(server.getHost(), server.getPort()), CONNECT_MILLIS);
            InputStream in = new BufferedInputStream(socket.getInputStream(), 2_048);
            long sent = System.nanoTime();
            socket.getOutputStream()
                    .write((head + "Content-Length: " + body.length() + "\r\n\r\n" + body)
                            .getBytes(StandardCharsets.US_ASCII));
            boolean first = true;
            while (true) {
                String line = line(in);
                if (line.startsWith("data: [DONE]")) {
                    return;
                }
                if (line.contains("\"content\":\"") && line.contains("word")) {
                    chunks.increment();
                    if (first) {
                        first = false;
                        firsts.recordValue(Math.min((System.nanoTime() - sent) / 1000, LONGEST_MICROS));
                    }
                }
            }
        }
    }

    private static String line(InputStream in) throws IOException {
        StringBuilder line = new StringBuilder(256);
        for (int c = in.read(); c != '\n'; c = in.read()) {
            if (c < 0) {
                throw new EOFException("the stream ended without its end");
            }
            line.append((char) c);
        }
        return line.toString();
    }
}
