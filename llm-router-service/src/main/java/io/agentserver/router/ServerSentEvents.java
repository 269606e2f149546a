package io.agentserver.router;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.io.InputStream;

/** A provider's server-sent events (WHATWG HTML, 9.2) as far as providers use them: one line of data each. One thread at a time. */
final class ServerSentEvents implements AutoCloseable {
    private final InputStream in;
    private final BoundedLines lines;

    ServerSentEvents(InputStream in) {
        this.in = in;
        this.lines = new BoundedLines(in);
    }

    /** The next event's data; null at the end of the stream. */
    @Nullable
    String next() throws IOException {
        for (String line = lines.next(); line != null; line = lines.next()) {
            if (line.startsWith("data:")) {
                return line.substring("data:".length()).strip();
            }
        }
        return null;
    }

    @Override
    public void close() {
        try {
            in.close();
        } catch (IOException alreadyBroken) {
            // closed is what it is now
        }
    }
}
