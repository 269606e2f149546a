package io.agentserver.buffer.store.redis;

import io.agentserver.buffer.store.ConversationKey;
import io.agentserver.buffer.store.DueEntry;
import io.agentserver.buffer.store.ShardKey;
import io.agentserver.buffer.store.StoreUnavailableException;
import io.agentserver.buffer.store.TenantErasure;
import io.agentserver.envelope.TenantId;
import io.agentserver.service.redis.RedisKeys;
import io.lettuce.core.RedisException;
import io.lettuce.core.ScanArgs;
import io.lettuce.core.ScanCursor;
import io.lettuce.core.ScoredValue;
import io.lettuce.core.ScoredValueScanCursor;

import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/**
 * A deleted tenant's keys in Redis, found by a scan of every primary node's keys; its marks are members of the set
 * {@code deleted-tenants}, for where Redis is the only store. A sweep is one call: the names of keys are looked at and nothing
 * else, a million of them in about a second.
 */
public final class RedisTenantErasure implements TenantErasure {
    private static final String MARKS = "deleted-tenants";
    /** A hash: by tenant {@code <when it was marked>#<when it was swept again>}. */
    private static final String TIMES = "deleted-tenants:times";

    private static final long AT_ONCE = 1_000;

    private final RedisConnections redis;
    private final Clock clock;

    public RedisTenantErasure(RedisConnections redis) {
        this(redis, Clock.systemUTC());
    }

    public RedisTenantErasure(RedisConnections redis, Clock clock) {
        this.redis = redis;
        this.clock = clock;
    }

    @Override
    public void mark(TenantId tenant) {
        ask(() -> {
            redis.commands().hsetnx(TIMES, tenant.value(), utf8(clock.millis() + "#0"));
            return redis.commands().sadd(MARKS, utf8(tenant.value()));
        });
    }

    @Override
    public Set<TenantId> marked() {
        return ask(() -> redis.commands().smembers(MARKS)).stream()
                .map(each -> new TenantId(new String(each, StandardCharsets.UTF_8)))
                .collect(Collectors.toUnmodifiableSet());
    }

    @Override
    public List<Mark> marks(long sinceMs) {
        return ask(() -> redis.commands().hgetall(TIMES)).entrySet().stream()
                .map(each -> mark(each.getKey(), new String(each.getValue(), StandardCharsets.UTF_8)))
                .filter(mark -> mark.atMs() >= sinceMs)
                .toList();
    }

    @Override
    public void swept(TenantId tenant, long nowMs) {
        ask(() -> {
            byte[] times = redis.commands().hget(TIMES, tenant.value());
            if (times == null) {
                return false;
            }
            Mark mark = mark(tenant.value(), new String(times, StandardCharsets.UTF_8));
            return redis.commands().hset(TIMES, tenant.value(), utf8(mark.atMs() + "#" + nowMs));
        });
    }

    private static Mark mark(String tenant, String times) {
        int hash = times.indexOf('#');
        return new Mark(
                new TenantId(tenant),
                Long.parseLong(times.substring(0, hash)),
                Long.parseLong(times.substring(hash + 1)));
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    @Override
    public Swept sweep(TenantId tenant, String cursor) {
        if (!cursor.isEmpty()) {
            throw new IllegalArgumentException("cursor: <" + cursor + "> is none of this store's");
        }
        return ask(() -> {
            // a tenant's id holds no character that a pattern would read otherwise
            long freed = RedisKeys.unlink(redis.commands(), "thread:" + tenant + ":*")
                    + redis.commands().unlink("threads:" + tenant)
                    + redis.commands().unlink("bytes:" + tenant);
            for (int shard = 0; shard < ShardKey.SHARDS; shard++) {
                freed += due(shard, ofDueEntries(tenant.value()));
            }
            return new Swept(freed, "");
        });
    }

    @Override
    public void sweep(ConversationKey key) {
        ask(() -> redis.commands().unlink(RedisThreadStore.commits(key))
                + redis.commands().unlink("threads:" + key.tenant())
                + redis.commands().unlink("bytes:" + key.tenant())
                + due(ShardKey.of(key.conversation(), ShardKey.SHARDS), ofDueEntries(key.toString())));
    }

    /** Behind the time, and nowhere else: a tenant's id may look like a conversation's. */
    private static String ofDueEntries(String whose) {
        return "?".repeat(DueEntry.DIGITS) + "#" + whose + "#*";
    }

    private long due(int shard, String pattern) {
        return due("due:{" + shard + "}", pattern)
                + due("backup:{" + shard + "}", pattern)
                + due("prune:{" + shard + "}", pattern);
    }

    private long due(String set, String pattern) {
        ScanArgs args = ScanArgs.Builder.matches(pattern).limit(AT_ONCE);
        long freed = 0;
        ScanCursor at = ScanCursor.INITIAL;
        do {
            ScoredValueScanCursor<byte[]> page = redis.commands().zscan(set, at, args);
            List<byte[]> members =
                    page.getValues().stream().map(ScoredValue::getValue).toList();
            if (!members.isEmpty()) {
                freed += redis.commands().zrem(set, members.toArray(byte[][]::new));
            }
            at = page;
        } while (!at.isFinished());
        return freed;
    }

    private static <T> T ask(Supplier<T> command) {
        try {
            return command.get();
        } catch (RedisException | CancellationException e) {
            throw new StoreUnavailableException("Redis", e);
        }
    }
}
