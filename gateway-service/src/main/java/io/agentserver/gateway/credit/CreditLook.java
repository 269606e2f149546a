package io.agentserver.gateway.credit;

import com.github.benmanes.caffeine.cache.AsyncCacheLoader;
import com.github.benmanes.caffeine.cache.AsyncLoadingCache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.agentserver.credit.Credit;
import io.agentserver.credit.Standing;
import io.agentserver.envelope.TenantId;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.time.Duration;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Whether a tenant's credit is used up, as it was at most 2 s ago. What is older than a second is asked of Redis again in
 * the background; only the first message after a pause waits for the answer, at most 250 ms. Where it is not known, for
 * Redis is away or has lost it, messages are let in: the router is the one that has to be exact. Safe on any thread.
 */
public final class CreditLook {
    private static final Logger LOG = LoggerFactory.getLogger(CreditLook.class);
    private static final Duration FRESH = Duration.ofSeconds(1);
    private static final Duration OLDEST = Duration.ofSeconds(2);
    private static final Duration PATIENCE = Duration.ofMillis(250);
    private static final int MOST_TENANTS = 10_000;

    private final AtomicBoolean away = new AtomicBoolean();
    private final AsyncLoadingCache<TenantId, Boolean> exhausted;

    public CreditLook(Credit credit) {
        AsyncCacheLoader<TenantId, Boolean> look = (tenant, executor) -> credit.standing(tenant)
                .toCompletableFuture()
                .orTimeout(PATIENCE.toMillis(), TimeUnit.MILLISECONDS)
                .thenApply(this::isExhausted)
                .exceptionally(this::letIn);
        this.exhausted = Caffeine.newBuilder()
                .maximumSize(MOST_TENANTS)
                .refreshAfterWrite(FRESH)
                .expireAfterWrite(OLDEST)
                .buildAsync(look);
    }

    public boolean isExhausted(TenantId tenant) {
        try {
            return exhausted.get(tenant).join();
        } catch (CompletionException | CancellationException e) {
            return letIn(e);
        }
    }

    private boolean isExhausted(Standing standing) {
        if (away.compareAndSet(true, false)) {
            LOG.info("Redis answers again: tenants without credit are refused");
        }
        return standing.epoch().isPresent() && standing.available() <= 0;
    }

    private boolean letIn(Throwable failure) {
        if (away.compareAndSet(false, true)) {
            LOG.warn("Redis does not say who has credit: everybody is let in meanwhile", failure);
        }
        return false;
    }
}
