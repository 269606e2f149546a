package io.agentserver.buffer.backup;

import com.fasterxml.jackson.annotation.JsonProperty;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.json.JsonMapper;

import java.util.List;

/**
 * What one run over one shard has put into the bucket of one tenant, or found there unsaid: by it what has got lost is noticed,
 * and what is too old is deleted.
 *
 * @param atMs when it was written, after all that it names
 * @param objects their names below {@code conversations/}; each ends with its SHA-256
 */
record Manifest(
        int version,
        String tenant,
        int shard,
        String run,
        @JsonProperty("at_ms") long atMs,
        List<Named> objects) {
    static final int VERSION = 1;
    private static final JsonMapper JSON = JsonMapper.builder()
            .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES) // a later version may say more
            .disable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES) // an earlier one says less
            .build();

    Manifest {
        objects = List.copyOf(objects);
    }

    /**
     * @param name {@code <conversation>/<name of the segment, or of the erasure>}
     * @param modifiedMs when it was put, by the bucket's clock, if it is named again; 0: for the first time, or by an earlier version
     */
    record Named(
            String name,
            long bytes,
            String sha256,
            @JsonProperty("modified_ms") long modifiedMs) {
        Named(String name, long bytes, String sha256) {
            this(name, bytes, sha256, 0);
        }

        /** @param manifestMs when the manifest was */
        long putByMs(long manifestMs) {
            return modifiedMs == 0 ? manifestMs : modifiedMs;
        }
    }

    byte[] toJson() {
        return JSON.writeValueAsBytes(this);
    }

    /** @throws BrokenBackupException if it is none */
    static Manifest ofJson(String key, byte[] json) {
        try {
            return JSON.readValue(json, Manifest.class);
        } catch (JacksonException e) {
            throw new BrokenBackupException("manifest " + key + " cannot be read", e);
        }
    }
}
