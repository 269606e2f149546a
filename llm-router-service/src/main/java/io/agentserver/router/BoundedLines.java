package io.agentserver.router;

import org.jspecify.annotations.Nullable;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;

/** Reads lines of UTF-8 from whom we do not trust: neither a line nor the whole can fill the memory. One thread at a time. */
final class BoundedLines {
    /** Of one answer, all lines together; no model's answer is near it. */
    static final int MOST_BYTES = 8 * 1024 * 1024;

    private final InputStream in;
    private int read;

    BoundedLines(InputStream in) {
        this.in = new BufferedInputStream(in);
    }

    /** The next line without its end; null at the end of the stream. */
    @Nullable
    String next() throws IOException {
        ByteArrayOutputStream line = new ByteArrayOutputStream(256);
        int b = in.read();
        if (b < 0) {
            return null;
        }
        while (b >= 0 && b != '\n') {
            line.write(b);
            if (++read > MOST_BYTES) {
                throw new UnusableAnswerException("an answer of more than " + MOST_BYTES + " bytes");
            }
            b = in.read();
        }
        String text = line.toString(StandardCharsets.UTF_8);
        return text.endsWith("\r") ? text.substring(0, text.length() - 1) : text;
    }
}
