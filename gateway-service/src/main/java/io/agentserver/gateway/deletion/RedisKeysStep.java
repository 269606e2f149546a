package io.agentserver.gateway.deletion;

import io.agentserver.envelope.TenantId;
import io.agentserver.gateway.problems.Unavailable;
import io.agentserver.service.redis.RedisClients;
import io.agentserver.service.redis.RedisKeys;
import io.agentserver.tenancy.RedisKeyUses;
import io.lettuce.core.RedisException;

import java.time.Instant;
import java.util.List;
import java.util.concurrent.CancellationException;

/**
 * What all services but the buffer keep of a tenant in Redis: credit, holds and what was used in a minute, rates, the answers that
 * models gave, under an idempotency key or in the cache, last uses of keys. Comes after the directory, for billing makes a living tenant's credit again within a second. Looks at the
 * name of every key.
 */
final class RedisKeysStep implements DeletionStep {
    private final RedisClients redis;
    private final RedisKeyUses uses;

    RedisKeysStep(RedisClients redis) {
        this.redis = redis;
        this.uses = new RedisKeyUses(redis);
    }

    @Override
    public String store() {
        return "redis";
    }

    @Override
    public Part work(TenantId tenant, String cursor, Instant requestedAt) {
        try {
            long freed = 0;
            for (String pattern : patterns(tenant)) {
                freed += RedisKeys.unlink(redis.commands(), pattern);
            }
            freed += uses.forget(tenant);
            return Part.of(freed, "");
        } catch (RedisException | CancellationException e) {
            throw new Unavailable("Redis does not answer", e);
        }
    }

    /** A tenant's id holds no character that a pattern would read otherwise. */
    static List<String> patterns(TenantId tenant) {
        return List.of(
                "credit:{" + tenant + "}:*",
                "rate:{" + tenant + "}:*",
                "once:{" + tenant + "}:*",
                "llm-cache:{" + tenant + "}:*");
    }
}
