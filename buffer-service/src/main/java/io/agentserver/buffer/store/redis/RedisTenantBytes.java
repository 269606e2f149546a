package io.agentserver.buffer.store.redis;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.agentserver.buffer.store.Retention;
import io.agentserver.buffer.store.TenantBytes;
import io.agentserver.envelope.TenantId;
import io.lettuce.core.RedisException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicLong;

/**
 * In Redis, {@code bytes:<tenant>}: a hash of bytes by when the part of its retention began in which they were journalled, in
 * milliseconds since 1970; a retention has {@value #PARTS} parts, and may change. What Redis does not take is told the next time.
 */
public final class RedisTenantBytes implements TenantBytes {
    private static final Logger log = LoggerFactory.getLogger(RedisTenantBytes.class);
    private static final int PARTS = 24;
    /** Since somebody last wrote, or was asked whether there is room. */
    private static final Duration IDLE = Duration.ofHours(1);

    private final RedisConnections redis;
    private final Retention retention;
    private final Clock clock;
    private final Cache<TenantId, Tenant> tenants = Caffeine.newBuilder()
            .executor(Runnable::run)
            .expireAfterAccess(IDLE)
            .build();

    private final Set<TenantId> deleted = ConcurrentHashMap.newKeySet();

    public RedisTenantBytes(RedisConnections redis, Retention retention, Clock clock) {
        this.redis = redis;
        this.retention = retention;
        this.clock = clock;
    }

    private static final class Tenant {
        private final AtomicLong untold = new AtomicLong();
        private volatile long told;
    }

    @Override
    public void add(TenantId tenant, long bytes) {
        if (!deleted.contains(tenant)) {
            of(tenant).untold.addAndGet(bytes);
        }
    }

    @Override
    public void forget(TenantId tenant) {
        deleted.add(tenant);
        tenants.invalidate(tenant);
    }

    @Override
    public long kept(TenantId tenant) {
        Tenant its = of(tenant);
        return its.told + its.untold.get();
    }

    private Tenant of(TenantId tenant) {
        return tenants.get(tenant, _ -> new Tenant());
    }

    /** Does not block: the answers come later. */
    @Override
    public void share() {
        tenants.asMap().forEach((tenant, its) -> {
            if (deleted.contains(tenant)) {
                return; // what was added meanwhile would stand again where it has been deleted
            }
            long bytes = its.untold.getAndSet(0);
            if (bytes > 0) {
                tell(tenant, its, bytes);
            } else if (its.told > 0) { // what others have, and what has expired: who is refused adds nothing
                ask(tenant, its);
            }
        });
    }

    private void tell(TenantId tenant, Tenant its, long bytes) {
        String hash = "bytes:" + tenant;
        Duration kept = retention.of(tenant);
        long partMs = partMs(kept);
        long part = clock.millis() / partMs * partMs;
        try {
            redis.async().hincrby(hash, Long.toString(part), bytes).whenComplete((sum, failure) -> {
                if (failure != null) {
                    untold(its, bytes, failure);
                }
            });
            CompletionStage<Map<String, byte[]>> all = redis.async()
                    .pexpire(hash, kept.multipliedBy(2))
                    .thenCompose(_ -> redis.async().hgetall(hash));
            all.whenComplete((parts, failure) -> {
                if (failure == null) {
                    its.told = sum(tenant, hash, parts);
                }
            });
        } catch (RedisException | IllegalStateException | RejectedExecutionException e) {
            untold(its, bytes, e);
        }
    }

    private void ask(TenantId tenant, Tenant its) {
        String hash = "bytes:" + tenant;
        try {
            redis.async().hgetall(hash).whenComplete((parts, failure) -> {
                if (failure == null) {
                    its.told = sum(tenant, hash, parts);
                }
            });
        } catch (RedisException | IllegalStateException | RejectedExecutionException e) {
            log.debug("what {} has is asked for again", tenant, e);
        }
    }

    private static long partMs(Duration kept) {
        return Math.max(1, kept.toMillis() / PARTS);
    }

    private static void untold(Tenant its, long bytes, Throwable why) {
        its.untold.addAndGet(bytes);
        log.debug("{} bytes are told the next time", bytes, why);
    }

    private long sum(TenantId tenant, String hash, Map<String, byte[]> parts) {
        long partMs = partMs(retention.of(tenant));
        long oldest = clock.millis() / partMs * partMs - PARTS * partMs;
        long sum = 0;
        for (Map.Entry<String, byte[]> part : parts.entrySet()) {
            if (Long.parseLong(part.getKey()) >= oldest) {
                sum += Long.parseLong(new String(part.getValue(), StandardCharsets.US_ASCII));
            } else {
                redis.async().hdel(hash, part.getKey()).whenComplete((gone, failure) -> {
                    if (failure != null) {
                        log.debug("a part of {} stays until the next time", hash, failure);
                    }
                });
            }
        }
        return sum;
    }
}
