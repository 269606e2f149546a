package io.agentserver.buffer.backup;

import com.fasterxml.jackson.annotation.JsonProperty;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.json.JsonMapper;

/**
 * What the last drill of everything found; the services read it from the bucket, and tell it as metrics.
 *
 * @param atMs when it ended, in milliseconds since 1970; 0: there was none
 */
public record Drilled(@JsonProperty("at_ms") long atMs, long conversations, long slots, long differences) {
    static final Drilled NEVER = new Drilled(0, 0, 0, 0);
    private static final JsonMapper JSON = JsonMapper.builder()
            .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
            .build();

    static Drilled read(BackupBucket bucket, BackupNames names) {
        return bucket.get(names.drill())
                .map(json -> {
                    try {
                        return JSON.readValue(json, Drilled.class);
                    } catch (JacksonException e) {
                        throw new BrokenBackupException(names.drill() + " cannot be read", e);
                    }
                })
                .orElse(NEVER);
    }

    void write(BackupBucket bucket, BackupNames names) {
        byte[] json = JSON.writeValueAsBytes(this);
        bucket.put(names.drill(), json, Sha256.hex(json));
    }
}
