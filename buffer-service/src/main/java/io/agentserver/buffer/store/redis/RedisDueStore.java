package io.agentserver.buffer.store.redis;

import io.agentserver.buffer.store.DueEntry;
import io.agentserver.buffer.store.DueStore;
import io.lettuce.core.Limit;
import io.lettuce.core.Range;
import io.lettuce.core.RedisException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.nio.charset.StandardCharsets;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/** An index of what is due in Redis: a sorted set for each shard, {@code <name>:{<shard>}}, of keys by their time. */
public final class RedisDueStore implements DueStore {
    private static final Logger log = LoggerFactory.getLogger(RedisDueStore.class);

    private final RedisConnections redis;
    private final String name;

    /** @param name of what is due: {@code due} for messages */
    public RedisDueStore(RedisConnections redis, String name) {
        this.redis = redis;
        this.name = name;
    }

    @Override
    public void put(DueEntry entry) {
        ask(() -> redis.commands().zadd(set(entry.shard()), (double) entry.dueMs(), utf8(entry.key())));
    }

    @Override
    public void note(DueEntry entry) {
        try {
            redis.async()
                    .zadd(set(entry.shard()), (double) entry.dueMs(), utf8(entry.key()))
                    .whenComplete((added, failure) -> {
                        if (failure != null) {
                            log.debug("{} is not noted", entry, failure);
                        }
                    });
        } catch (RedisException | IllegalStateException | RejectedExecutionException e) {
            log.debug("{} is not noted: Redis is away or closed", entry, e);
        }
    }

    @Override
    public void remove(DueEntry entry) {
        ask(() -> redis.commands().zrem(set(entry.shard()), utf8(entry.key())));
    }

    /** With one command for each shard. */
    @Override
    public void removeAll(Collection<DueEntry> entries) {
        entries.stream()
                .collect(Collectors.groupingBy(DueEntry::shard))
                .forEach((shard, its) -> ask(() -> redis.commands()
                        .zrem(
                                set(shard),
                                its.stream().map(entry -> utf8(entry.key())).toArray(byte[][]::new))));
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
        ask(() -> redis.commands().exists(name + ":check"));
    }

    private <T> T ask(Supplier<T> command) {
        try {
            return command.get();
        } catch (RedisException | CancellationException e) {
            throw redis.failure(e);
        }
    }

    private String set(int shard) {
        return name + ":{" + shard + "}";
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
