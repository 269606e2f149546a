package io.agentserver.router;

import io.agentserver.envelope.TenantId;
import io.agentserver.service.redis.RedisClients;
import io.agentserver.service.redis.RedisScript;
import io.lettuce.core.ScriptOutputType;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Predicate;

/**
 * Answers that are kept for an hour or so, in Redis, and who makes one that is not kept yet, over any number of routers: {@code
 * cache-look.lua}, {@code cache-keep.lua} and {@code cache-renew.lua}. No method throws when Redis is away: then nothing is
 * found and nothing kept. Looking blocks for one round trip, at most 250 ms. Safe on any thread.
 */
final class RedisCache {
    private static final Logger LOG = LoggerFactory.getLogger(RedisCache.class);
    private static final Duration PATIENCE = Duration.ofMillis(250);

    private final RedisScript look;
    private final RedisScript keep;
    private final RedisScript renew;
    private final Bounds bounds;
    private final Predicate<TenantId> gone;
    private final AtomicBoolean away = new AtomicBoolean();

    /**
     * @param answer bytes of one answer, at most; a larger one is not kept
     * @param tenant bytes of all answers of a tenant, at most; where one more is too much, the oldest go
     */
    record Bounds(long answer, long tenant) {
        Bounds {
            if (answer < 1 || tenant < answer) {
                throw new IllegalArgumentException("cache bounds " + answer + " and " + tenant
                        + " bytes: the second must not be less than the first");
            }
        }
    }

    /** What there is under a key. */
    sealed interface Found {
        record Hit(KeptAnswer answer) implements Found {}

        /** The caller makes it: it keeps it, or gives the right back. */
        record Mine(UUID owner) implements Found {}

        /** Another call makes it. */
        record Running(String owner) implements Found {}

        record Nothing() implements Found {}
    }

    /** @param gone deleted tenants, of whom nothing is kept: neither what ends only now */
    RedisCache(RedisClients redis, Bounds bounds, Predicate<TenantId> gone) {
        this.look = new RedisScript(redis.async(), RedisCache.class, "cache-look.lua", ScriptOutputType.MULTI);
        this.keep = new RedisScript(redis.async(), RedisCache.class, "cache-keep.lua", ScriptOutputType.INTEGER);
        this.renew = new RedisScript(redis.async(), RedisCache.class, "cache-renew.lua", ScriptOutputType.INTEGER);
        this.bounds = bounds;
        this.gone = gone;
    }

    /** @param lease how long it is the caller's to make if nobody makes it yet */
    Found look(CacheKey key, Duration lease) {
        return look(key, UUID.randomUUID(), lease.toMillis());
    }

    /** Without asking to make it. */
    Found look(CacheKey key) {
        return look(key, UUID.randomUUID(), 0);
    }

    private Found look(CacheKey key, UUID owner, long lease) {
        if (gone.test(key.tenant())) {
            return new Found.Nothing();
        }
        try {
            List<String> found = look.<List<String>>run(
                            List.of(key.name()), List.of(owner.toString(), Long.toString(lease)))
                    .toCompletableFuture()
                    .orTimeout(PATIENCE.toMillis(), TimeUnit.MILLISECONDS)
                    .join();
            if (away.compareAndSet(true, false)) {
                LOG.info("Redis answers again: answers are kept");
            }
            return switch (found.getFirst()) {
                case "hit" -> new Found.Hit(KeptAnswer.ofJson(found.get(1)));
                case "mine" -> new Found.Mine(owner);
                case "running" -> new Found.Running(found.get(1));
                case "none" -> new Found.Nothing();
                default -> throw new IllegalStateException("cache-look.lua answers " + found);
            };
        } catch (CompletionException | CancellationException notNow) {
            if (away.compareAndSet(false, true)) {
                LOG.warn("Redis is away: no answers are kept", notNow);
            }
            return new Found.Nothing();
        }
    }

    /** Does not block. False if it is too large, or its tenant is gone. */
    boolean keep(CacheKey key, KeptAnswer answer, Duration ttl) {
        if (gone.test(key.tenant())) {
            return false;
        }
        String json = answer.json();
        if (json.getBytes(StandardCharsets.UTF_8).length > bounds.answer()) {
            return false;
        }
        var _ = keep.<Long>run(
                List.of(key.name(), key.prefix() + "index", key.prefix() + "sizes"),
                List.of(
                        key.digest(),
                        json,
                        Long.toString(ttl.toMillis()),
                        Long.toString(bounds.tenant()),
                        key.prefix()));
        return true;
    }

    /** Does not block. */
    void renew(CacheKey key, UUID owner, Duration lease) {
        var _ = renew.<Long>run(List.of(key.name()), List.of(owner.toString(), Long.toString(lease.toMillis())));
    }

    /** Does not block. */
    void giveBack(CacheKey key, UUID owner) {
        renew(key, owner, Duration.ZERO);
    }
}
