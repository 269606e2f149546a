package io.agentserver.gateway.deadletters;

import org.jspecify.annotations.Nullable;

import java.nio.charset.StandardCharsets;
import java.util.Map;

/**
 * A record of {@code dead-letters.{tenant}}, nothing of it believed yet.
 *
 * @param atMs the record's time, in ms since 1970
 */
@SuppressWarnings("ArrayRecordComponent") // as the log has it; never compared, never changed
record LoggedLetter(LetterId id, long atMs, byte[] key, byte[] value, Map<String, byte[]> headers) {
    LoggedLetter {
        headers = Map.copyOf(headers);
    }

    String keyText() {
        return new String(key, StandardCharsets.UTF_8);
    }

    /** Empty text: there is none. */
    String text(String header) {
        byte[] bytes = headers.get(header);
        return bytes == null ? "" : new String(bytes, StandardCharsets.UTF_8);
    }

    byte @Nullable [] bytes(String header) {
        return headers.get(header);
    }
}
