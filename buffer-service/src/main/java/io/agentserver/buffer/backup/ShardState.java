package io.agentserver.buffer.backup;

import com.fasterxml.jackson.annotation.JsonProperty;
import io.agentserver.buffer.store.ConversationKey;
import io.agentserver.envelope.TenantId;
import io.agentserver.envelope.ThreadId;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.json.JsonMapper;

import java.util.Comparator;
import java.util.List;
import java.util.Map;

/**
 * How far the backup of a shard has come, for whoever takes it over.
 *
 * @param completeMs what was journalled before is in the bucket; milliseconds since 1970, 0: nothing is known to be
 * @param stuck conversations that cannot be backed up, those that wait longest; which was written by an older version has none
 */
record ShardState(int shard, @JsonProperty("complete_ms") long completeMs, List<Stuck> stuck) {
    private static final int MOST_STUCK = 1_000;
    private static final JsonMapper JSON = JsonMapper.builder()
            .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
            .build();

    ShardState(int shard, @JsonProperty("complete_ms") long completeMs, @Nullable List<Stuck> stuck) {
        this.shard = shard;
        this.completeMs = completeMs;
        this.stuck = stuck == null ? List.of() : List.copyOf(stuck);
    }

    /** @param sinceMs when it should have been backed up */
    record Stuck(
            String tenant,
            String conversation,
            @JsonProperty("since_ms") long sinceMs) {
        ConversationKey key() {
            return new ConversationKey(new TenantId(tenant), ThreadId.parse(conversation));
        }
    }

    static ShardState of(int shard, long completeMs, Map<ConversationKey, Long> stuck) {
        return new ShardState(
                shard,
                completeMs,
                stuck.entrySet().stream()
                        .sorted(Comparator.comparingLong(Map.Entry<ConversationKey, Long>::getValue)
                                .thenComparing(entry -> entry.getKey().toString()))
                        .limit(MOST_STUCK)
                        .map(entry -> new Stuck(
                                entry.getKey().tenant().value(),
                                entry.getKey().conversation().toString(),
                                entry.getValue()))
                        .toList());
    }

    static ShardState read(BackupBucket bucket, BackupNames names, int shard) {
        String key = names.shard(shard);
        return bucket.get(key).map(json -> ofJson(key, json)).orElse(new ShardState(shard, 0, List.of()));
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
