package io.agentserver.pump.flow;

import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

/** One record to be put on the log. */
@SuppressWarnings("ArrayRecordComponent") // on its way out; never compared, never changed
public record LogRecord(String topic, byte[] key, byte[] value, Map<String, byte[]> headers) {
    public LogRecord {
        headers = Map.copyOf(headers);
    }

    static LogRecord of(String topic, byte[] key, byte[] value) {
        return new LogRecord(topic, key, value, Map.of());
    }

    LogRecord with(String header, byte[] bytes) {
        Map<String, byte[]> more = new LinkedHashMap<>(headers);
        more.put(header, bytes);
        return new LogRecord(topic, key, value, more);
    }

    LogRecord with(String header, String text) {
        return with(header, text.getBytes(StandardCharsets.UTF_8));
    }
}
