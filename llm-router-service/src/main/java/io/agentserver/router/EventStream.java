package io.agentserver.router;

import tools.jackson.databind.node.ObjectNode;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;

/**
 * Writes an answer as OpenAI's stream of server-sent events, each flushed, on the caller's thread. While a model is silent
 * a comment goes out each second: a client that has hung up shows itself only when it is written to.
 */
final class EventStream {
    private static final Duration QUIET = Duration.ofSeconds(1);
    private static final byte[] COMMENT = ": waiting\n\n".getBytes(StandardCharsets.UTF_8);
    private static final byte[] DONE = "data: [DONE]\n\n".getBytes(StandardCharsets.UTF_8);

    private final OutputStream out;
    private final boolean includeUsage;

    EventStream(OutputStream out, boolean includeUsage) {
        this.out = out;
        this.includeUsage = includeUsage;
    }

    /**
     * @return false if the answer broke off: an {@code error} event has been written, and the connection must now be broken
     * @throws IOException if the client has gone
     */
    boolean write(Answer.Live answer) throws IOException, InterruptedException {
        while (true) {
            switch (answer.next(QUIET)) {
                case Answer.Event.Chunk chunk -> chunk(chunk.chunk());
                case Answer.Event.Quiet quiet -> send(COMMENT);
                case Answer.Event.End end -> {
                    if (includeUsage) {
                        event(usage(end.completion()));
                    }
                    send(DONE);
                    return true;
                }
                case Answer.Event.Broken broken -> {
                    out.write("event: error\n".getBytes(StandardCharsets.UTF_8));
                    event(OpenAiErrors.body(broken.refusal()));
                    return false;
                }
            }
        }
    }

    /** The usage goes out in one chunk of its own at the end, wherever the provider has put it. */
    private void chunk(ObjectNode chunk) throws IOException {
        chunk.remove("usage");
        if (chunk.path("choices").isEmpty()) {
            return;
        }
        event(chunk);
    }

    private static ObjectNode usage(ObjectNode completion) {
        ObjectNode chunk = Json.object();
        for (String member : new String[] {"id", "created", "model", "system_fingerprint"}) {
            if (completion.has(member)) {
                chunk.set(member, completion.path(member));
            }
        }
        chunk.put("object", "chat.completion.chunk").putArray("choices");
        chunk.set("usage", completion.path("usage"));
        chunk.set("agentserver", completion.path("agentserver"));
        return chunk;
    }

    private void event(ObjectNode data) throws IOException {
        out.write("data: ".getBytes(StandardCharsets.UTF_8));
        out.write(Json.write(data));
        send("\n\n".getBytes(StandardCharsets.UTF_8));
    }

    private void send(byte[] bytes) throws IOException {
        out.write(bytes);
        out.flush();
    }
}
