package io.agentserver.buffer.backup;

import com.fasterxml.jackson.annotation.JsonProperty;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.json.JsonMapper;

/**
 * How far the backup of a shard has come.
 *
 * @param completeMs what was journalled before is in the bucket; milliseconds since 1970, 0: nothing is known to be
 */
record ShardState(int shard, @JsonProperty("complete_ms") long completeMs) {
    private static final JsonMapper JSON = JsonMapper.builder()
            .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
            .build();

    static ShardState read(BackupBucket bucket, BackupNames names, int shard) {
        String key = names.shard(shard);
        return bucket.get(key).map(json -> ofJson(key, json)).orElse(new ShardState(shard, 0));
    }

    void write(BackupBucket bucket, BackupNames names) {
        byte[] json = JSON.writeValueAsBytes(this);
        bucket.put(names.shard(shard), json, Sha256.hex(json));
    }

    private static ShardState ofJson(String key, byte[] json) {
        try {
            return JSON.readValue(json, ShardState.class);
        } catch (JacksonException e) {
            throw new BrokenBackupException(key + " cannot be read", e);
        }
    }
}
