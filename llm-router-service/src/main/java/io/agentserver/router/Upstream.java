package io.agentserver.router;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.node.ObjectNode;

import java.io.IOException;
import java.net.ConnectException;
import java.net.http.HttpTimeoutException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;

/**
 * One request to one backend, read on a virtual thread of its own, so that whoever waits for it can stop waiting. It
 * reads at most some chunks ahead. Closing it cancels the request.
 */
final class Upstream implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Upstream.class);
    private static final int AHEAD = 64;

    private final BlockingQueue<Signal> signals = new ArrayBlockingQueue<>(AHEAD);
    private final Guard.Pass pass;
    private final Thread reader;
    private volatile boolean opened;
    private volatile boolean sent;

    sealed interface Signal {
        record Part(ObjectNode chunk) implements Signal {}

        record Ended() implements Signal {}

        record Refused(int status, String message, Optional<Duration> retryAfter) implements Signal {}

        /** @param asked whether the backend has had a part in it */
        record Failed(String reason, boolean asked) implements Signal {
            Failed(String reason) {
                this(reason, true);
            }
        }
    }

    private Upstream(Backend backend, Backend.Request request, Guard.Pass pass) {
        this.pass = pass;
        Backend.Request telling = request.telling(() -> sent = true);
        this.reader = Thread.ofVirtual().name("upstream-" + backend.provider()).unstarted(() -> read(backend, telling));
    }

    /** @param pass left when nothing of the request runs any more */
    static Upstream start(Backend backend, Backend.Request request, Guard.Pass pass) {
        Upstream upstream = new Upstream(backend, request, pass);
        upstream.reader.start();
        return upstream;
    }

    /** Whether the backend has said that it will answer. */
    boolean hasOpened() {
        return opened;
    }

    /** Whether the backend has the whole request: from then on it may have begun to work, whatever it has said. */
    boolean mayHaveWorked() {
        return sent || opened;
    }

    /** After its first token: it is not going to end. */
    void broke(String reason) {
        pass.broke(reason);
    }

    /** Null if nothing comes within this time; a negative time is none. */
    @Nullable
    Signal poll(Duration wait) throws InterruptedException {
        return signals.poll(wait.toNanos(), TimeUnit.NANOSECONDS);
    }

    @Override
    public void close() {
        reader.interrupt();
    }

    private void read(Backend backend, Backend.Request request) {
        try {
            signals.put(result(backend, request));
        } catch (InterruptedException closed) {
            // nobody is waiting any more, and the thread ends here
        } finally {
            pass.leave();
        }
    }

    private Signal result(Backend backend, Backend.Request request) throws InterruptedException {
        try {
            return switch (backend.open(request)) {
                case Backend.Opening.Refused refused ->
                    new Signal.Refused(refused.status(), refused.message(), refused.retryAfter());
                case Backend.Opening.Opened opened -> {
                    this.opened = true;
                    try (Backend.Chunks chunks = opened.chunks()) {
                        for (ObjectNode chunk = chunks.next(); chunk != null; chunk = chunks.next()) {
                            signals.put(new Signal.Part(chunk));
                        }
                        yield new Signal.Ended();
                    }
                }
            };
        } catch (KeyNotOpenedException notAsked) {
            return new Signal.Failed("was not asked: " + notAsked.getMessage(), false);
        } catch (IOException failed) {
            return new Signal.Failed(reason(failed));
        } catch (RuntimeException unexpected) {
            LOG.error("backend {} failed unexpectedly", backend.provider(), unexpected);
            return new Signal.Failed("failed unexpectedly");
        }
    }

    /** For the caller too: what the JDK says may name addresses. */
    private static String reason(IOException failed) {
        return switch (failed) {
            case UnusableAnswerException unusable -> "gave " + unusable.getMessage();
            case ConnectException unreachable -> "cannot be reached";
            case HttpTimeoutException unreachable -> "cannot be reached";
            default -> "broke the connection";
        };
    }
}
