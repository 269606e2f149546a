package io.agentserver.gateway.limits;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.agentserver.gateway.callers.Caller;
import io.agentserver.gateway.problems.Problem;
import io.agentserver.gateway.problems.ProblemType;
import io.agentserver.service.redis.RedisClients;
import io.agentserver.tenancy.RateLimit;
import io.agentserver.tenancy.TenantEntry;
import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.LongSupplier;
import java.util.stream.Collectors;

/**
 * How much a tenant, and each of its API keys, may ask of all gateways together, as its plan says. Over any time at most the limit's
 * burst and its rate times that time are let in, and a twentieth of a second's worth more for each gateway; while Redis is away each
 * gateway holds the limit by itself. Safe on any thread.
 */
public final class RateLimits {
    private static final Duration IDLE = Duration.ofMinutes(15); // longer than any burst is saved up
    private static final int MOST = 100_000;
    /** A new version of an organism costs ten of these: 20 at once, and one more every 10 s. */
    private static final RateLimit ORGANISMS = new RateLimit(1, 200);

    private static final int ORGANISM = 10;
    /** Each makes topics. */
    private static final RateLimit NEW_TENANTS = new RateLimit(10, 200);

    private final RedisBuckets buckets;
    private final LongSupplier nanoTime;
    private final Cache<String, Allowance> allowances =
            Caffeine.newBuilder().expireAfterAccess(IDLE).maximumSize(MOST).build();

    public RateLimits(RedisClients redis) {
        this(redis, System::nanoTime);
    }

    RateLimits(RedisClients redis, LongSupplier nanoTime) {
        this.buckets = new RedisBuckets(redis);
        this.nanoTime = nanoTime;
    }

    /** One of the limits that a request is under. */
    private record Named(String name, Allowance allowance) {}

    /**
     * Counts so many requests.
     *
     * @return why they are too many: {@code rate-limited}, with the seconds to wait; null: they are not
     */
    public @Nullable Problem take(TenantEntry tenant, @Nullable String keyId, int requests) {
        for (Named limit : limits(tenant, keyId)) {
            if (requests > limit.allowance().limit().burst()) {
                return Problem.of(
                        ProblemType.TOO_LARGE, // and not a refusal for now: it would be repeated for ever
                        requests + " messages at once are more than the " + limit.name() + "'s burst of "
                                + limit.allowance().limit().burst() + "; send fewer at once");
            }
            Duration wait = limit.allowance().take(requests);
            if (!wait.isZero()) {
                return tooMany(
                        "the " + limit.name() + " may ask "
                                + limit.allowance().limit().perSecond() + " times a second; ask again later",
                        wait);
            }
        }
        return null;
    }

    /** As {@link #take}, of a caller; a service of the platform that speaks for the tenant is not limited. */
    public @Nullable Problem take(Caller caller, int requests) {
        return caller.keyId() == null ? null : take(caller.tenant(), caller.keyId(), requests);
    }

    /**
     * Counts a new version of a tenant's organism: every pod reads it. A tenant without a rate is not limited.
     *
     * @return as {@link #take}
     */
    public @Nullable Problem takeOrganism(TenantEntry tenant) {
        return tenant.rate().isEmpty()
                ? null
                : taken(
                        allowance(tenant.id(), "organism", ORGANISMS),
                        ORGANISM,
                        "the tenant has changed its organism too often; change it less often than every "
                                + ORGANISM / ORGANISMS.perSecond() + " seconds");
    }

    /**
     * Counts a new tenant, whoever it is for: the broker has its topics to make.
     *
     * @return as {@link #take}
     */
    public @Nullable Problem takeNewTenant() {
        return taken(
                allowance("", "new-tenants", NEW_TENANTS),
                1,
                "more than " + NEW_TENANTS.perSecond() + " tenants a second are made; go on later");
    }

    private static @Nullable Problem taken(Allowance allowance, int tokens, String detail) {
        Duration wait = allowance.take(tokens);
        return wait.isZero() ? null : tooMany(detail, wait);
    }

    private static Problem tooMany(String detail, Duration wait) {
        return new Problem(
                ProblemType.RATE_LIMITED,
                detail,
                null,
                List.of(),
                Map.of(
                        Problem.RETRY_AFTER_MEMBER,
                        Math.max(1, wait.plusMillis(999).toSeconds())));
    }

    /**
     * {@code RateLimit-Policy} and {@code RateLimit}, as
     * <a href="https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/10/">the draft</a> has them: the burst, in how many
     * seconds all of it is there again, and what this gateway knows to be left. Empty: there is no limit.
     */
    public Map<String, String> headers(TenantEntry tenant, @Nullable String keyId) {
        List<Named> limits = limits(tenant, keyId);
        if (limits.isEmpty()) {
            return Map.of();
        }
        return Map.of(
                "RateLimit-Policy",
                limits.stream()
                        .map(each ->
                                quoted(each) + ";q=" + each.allowance().limit().burst() + ";w="
                                        + seconds(
                                                each.allowance().limit().burst(),
                                                each.allowance().limit()))
                        .collect(Collectors.joining(", ")),
                "RateLimit",
                limits.stream()
                        .map(each -> {
                            RateLimit limit = each.allowance().limit();
                            long left = each.allowance().left();
                            return quoted(each) + ";r=" + left + ";t=" + seconds(limit.burst() - left, limit);
                        })
                        .collect(Collectors.joining(", ")));
    }

    private static String quoted(Named limit) {
        return '"' + limit.name() + '"';
    }

    private static long seconds(long tokens, RateLimit limit) {
        return Math.ceilDiv(Math.max(0, tokens), limit.perSecond());
    }

    /** The key's first: what it is refused for takes nothing from the tenant's others. */
    private List<Named> limits(TenantEntry tenant, @Nullable String keyId) {
        List<Named> limits = new ArrayList<>(2);
        if (keyId != null) {
            tenant.keyRate()
                    .ifPresent(limit -> limits.add(new Named("key", allowance(tenant.id(), "key:" + keyId, limit))));
        }
        tenant.rate().ifPresent(limit -> limits.add(new Named("tenant", allowance(tenant.id(), "tenant", limit))));
        return limits;
    }

    /** @param owner a tenant; empty: all of them together */
    private Allowance allowance(String owner, String which, RateLimit limit) {
        String key = "rate:{" + owner + "}:" + which;
        Allowance known = allowances.get(key, _ -> new Allowance(key, limit, buckets, nanoTime));
        if (known.limit().equals(limit)) {
            return known;
        }
        Allowance changed = new Allowance(key, limit, buckets, nanoTime);
        allowances.put(key, changed);
        return changed;
    }
}
