package io.agentserver.tenancy;

import io.agentserver.envelope.TenantId;
import io.agentserver.service.redis.RedisClients;
import io.lettuce.core.ScanArgs;
import io.lettuce.core.ScanCursor;
import io.lettuce.core.ScoredValue;
import io.lettuce.core.ScoredValueScanCursor;
import io.lettuce.core.ZAddArgs;
import io.lettuce.core.cluster.api.sync.RedisClusterCommands;

import java.time.Instant;
import java.util.List;

/**
 * The way of a key's last use from a service that has no table for it (the router) to one that has (a gateway): the sorted set
 * {@code key-uses} of {@code <tenant>/<key>} by seconds since 1970, of which each gateway takes what is there. So it holds what was used in
 * the last seconds, and never more than there are keys. Each call is one atomic command of Redis 6.2, one round trip; safe on any
 * thread, in any number of processes.
 */
public final class RedisKeyUses implements KeyUses.Keeper, KeyUses.Others {
    private static final String KEY = "key-uses";
    private static final int MOST_AT_ONCE = 1_000;

    private final RedisClusterCommands<String, String> redis;

    public RedisKeyUses(RedisClients clients) {
        redis = clients.commands();
    }

    @Override
    public void keep(KeyUses.Use use) {
        redis.zadd(
                KEY,
                ZAddArgs.Builder.gt(), // and never an earlier one
                (double) use.at().getEpochSecond(),
                use.tenant() + "/" + use.keyId());
    }

    /** At most 1,000, the oldest first. What this process takes and does not keep, nobody does. */
    @Override
    public List<KeyUses.Use> take() {
        return redis.zpopmin(KEY, MOST_AT_ONCE).stream().map(RedisKeyUses::use).toList();
    }

    /** Leaves nothing of a tenant that is gone; how many there were. Not atomic: one that comes meanwhile may stay. */
    public long forget(TenantId tenant) {
        ScanArgs args = ScanArgs.Builder.matches(tenant + "/*").limit(MOST_AT_ONCE);
        long freed = 0;
        ScanCursor at = ScanCursor.INITIAL;
        do {
            ScoredValueScanCursor<String> page = redis.zscan(KEY, at, args);
            String[] its = page.getValues().stream().map(ScoredValue::getValue).toArray(String[]::new);
            freed += its.length == 0 ? 0 : redis.zrem(KEY, its);
            at = page;
        } while (!at.isFinished());
        return freed;
    }

    private static KeyUses.Use use(ScoredValue<String> scored) {
        String[] parts = scored.getValue().split("/", 2);
        return new KeyUses.Use(new TenantId(parts[0]), parts[1], Instant.ofEpochSecond((long) scored.getScore()));
    }
}
