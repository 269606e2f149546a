package io.agentserver.buffer.store.redis;

import io.agentserver.buffer.store.DueEntry;
import io.agentserver.buffer.store.DueStore;
import io.agentserver.buffer.store.StoreUnavailableException;
import io.lettuce.core.Limit;
import io.lettuce.core.Range;
import io.lettuce.core.RedisException;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.function.Supplier;

/** The due index in Redis: a sorted set for each shard, {@code due:{<shard>}}, of keys by their time. */
public final class RedisDueStore implements DueStore {
    private final RedisConnections redis;

    public RedisDueStore(RedisConnections redis) {
        this.redis = redis;
    }

    @Override
    public void put(DueEntry entry) {
        ask(() -> redis.commands().zadd(set(entry.shard()), (double) entry.dueMs(), utf8(entry.key())));
    }

    @Override
    public void remove(DueEntry entry) {
        ask(() -> redis.commands().zrem(set(entry.shard()), utf8(entry.key())));
    }

    @Override
    public List<DueEntry> due(int shard, long nowMs, int limit) {
        return ask(() -> redis.commands()
                        .zrangebyscore(set(shard), Range.create(0.0, (double) nowMs), Limit.create(0, limit)))
                .stream()
                .map(key -> DueEntry.parse(new String(key, StandardCharsets.UTF_8)))
                .toList();
    }

    @Override
    public void check() {
        ask(() -> redis.commands().exists("due:check"));
    }

    private static <T> T ask(Supplier<T> command) {
        try {
            return command.get();
        } catch (RedisException | CancellationException e) {
            throw new StoreUnavailableException("Redis", e);
        }
    }

    private static String set(int shard) {
        return "due:{" + shard + "}";
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
