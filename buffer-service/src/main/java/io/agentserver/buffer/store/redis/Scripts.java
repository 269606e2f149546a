package io.agentserver.buffer.store.redis;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;

/** The scripts beside these classes. */
final class Scripts {
    private Scripts() {}

    static byte[] load(String name) {
        try (InputStream source = Scripts.class.getResourceAsStream(name)) {
            if (source == null) {
                throw new IllegalStateException(name + " is not in the class path");
            }
            return source.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
