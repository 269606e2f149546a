package io.agentserver.router;

import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;

/**
 * Writes an answer as a stream of server-sent events, each flushed, on the caller's thread; what they say is its {@link
 * Script}'s. While a model is silent something goes out each second, and whether the client has hung up is looked at more
 * often.
 */
final class EventStream {
    private static final Duration LOOK_EVERY = Duration.ofMillis(250);
    private static final Duration QUIET = Duration.ofSeconds(1);
    private static final byte[] END = "\n\n".getBytes(StandardCharsets.UTF_8);

    private final OutputStream out;
    private final HangUp hangUp;

    /** What is written, in one API's shape. */
    interface Script {
        void chunk(ObjectNode chunk, EventStream to) throws IOException;

        /** The model is silent. */
        void quiet(EventStream to) throws IOException;

        void end(ObjectNode completion, EventStream to) throws IOException;

        void broken(Refusal refusal, EventStream to) throws IOException;
    }

    EventStream(OutputStream out, HangUp hangUp) {
        this.out = out;
        this.hangUp = hangUp;
    }

    /**
     * @return false if the answer broke off: an {@code error} event has been written, and the connection must now be broken
     * @throws IOException if the client has gone
     */
    boolean write(Answer.Live answer, Script script) throws IOException, InterruptedException {
        Stopwatch quiet = new Stopwatch();
        Stopwatch looked = new Stopwatch();
        while (true) {
            if (looked.left(LOOK_EVERY).isNegative()) {
                looked = new Stopwatch();
                hangUp.check();
            }
            switch (answer.next(LOOK_EVERY)) {
                case Answer.Event.Chunk chunk -> {
                    script.chunk(chunk.chunk(), this);
                    quiet = new Stopwatch();
                }
                case Answer.Event.Quiet nothing -> {
                    if (quiet.left(QUIET).isNegative()) {
                        script.quiet(this);
                        quiet = new Stopwatch();
                    }
                }
                case Answer.Event.End end -> {
                    script.end(end.completion(), this);
                    return true;
                }
                case Answer.Event.Broken broken -> {
                    script.broken(broken.refusal(), this);
                    return false;
                }
            }
        }
    }

    /** @param name of the event; null: it has none */
    void event(@Nullable String name, ObjectNode data) throws IOException {
        if (name != null) {
            out.write(("event: " + name + "\n").getBytes(StandardCharsets.UTF_8));
        }
        out.write("data: ".getBytes(StandardCharsets.UTF_8));
        out.write(Json.write(data));
        out.write(END);
        out.flush();
    }

    /** @param line without its end */
    void line(String line) throws IOException {
        out.write(line.getBytes(StandardCharsets.UTF_8));
        out.write(END);
        out.flush();
    }
}
