package io.agentserver.router;

import io.agentserver.credit.Credit;
import io.agentserver.credit.CreditUnavailableException;
import io.agentserver.credit.Hold;
import io.agentserver.credit.Lapsed;
import io.agentserver.envelope.TenantId;
import io.agentserver.service.OutOfMemory;
import io.agentserver.usage.UsageRecord;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JacksonException;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/**
 * Looks after the holds. On one thread, each second, its own router's: that Redis has all of them and their ends, and that none
 * lapses whose call has no end yet. On another, every 10 s,
 * those of all tenants whose router has died, however many: the first must not wait for it. What such a call used nobody knows any more, so its usage record says what
 * was held: {@code estimated}, the prompt as it was counted and the most that could be answered. Routers may find the same
 * hold; billing posts the first record of a receipt, so it is paid once.
 */
final class LapsedHolds implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(LapsedHolds.class);
    private static final Duration AGAIN = Duration.ofSeconds(60);
    private static final Duration AFTER_AN_OUTAGE = Duration.ofSeconds(30);
    private static final int AT_ONCE = 100;

    private final Holds holds;
    private final Credit credit;
    private final KafkaUsageLog log;
    private final Supplier<Collection<TenantId>> tenants;
    private final RouterMetrics metrics;
    private final Duration sweepEvery;
    private final Map<TenantId, Look> looked = new HashMap<>(); // of the one thread that sweeps
    private final CountDownLatch closing = new CountDownLatch(1);
    private final Thread keeper = Thread.ofPlatform().name("own-holds").daemon().unstarted(this::keep);
    private final Thread sweeper =
            Thread.ofPlatform().name("lapsed-holds").daemon().unstarted(this::sweepAgainAndAgain);
    private @Nullable Stopwatch sinceOutage;

    /**
     * At one tenant.
     *
     * @param since it was asked, which is before Redis told
     */
    private record Look(Stopwatch since, String told) {}

    LapsedHolds(
            Holds holds,
            Credit credit,
            KafkaUsageLog log,
            Supplier<Collection<TenantId>> tenants,
            RouterMetrics metrics,
            Duration sweepEvery) {
        this.holds = holds;
        this.credit = credit;
        this.log = log;
        this.tenants = tenants;
        this.metrics = metrics;
        this.sweepEvery = sweepEvery;
    }

    LapsedHolds start() {
        keeper.start();
        sweeper.start();
        return this;
    }

    @Override
    public void close() {
        closing.countDown();
        try {
            keeper.join(Duration.ofSeconds(5));
            sweeper.join(Duration.ofSeconds(5));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void keep() {
        boolean away = false;
        while (!isClosing()) {
            holds.sendAgain();
            holds.unheard().forEach(this::tellTheLog);
            // each by itself: where one tenant's part of Redis is away, the others' holds still live on
            boolean extended = isDone(holds::extendOverdue, away);
            boolean restored = isDone(holds::restoreLost, away);
            away = !(extended && restored);
        }
    }

    private void sweepAgainAndAgain() {
        Stopwatch sinceSwept = new Stopwatch();
        boolean away = false;
        while (!isClosing()) {
            if (isLogWell() && sinceSwept.left(sweepEvery).isNegative()) {
                away = !isDone(this::sweep, away);
                sinceSwept = new Stopwatch();
            }
        }
    }

    /** @param away whether it was not the last time either, and is known */
    private boolean isDone(Runnable care, boolean away) {
        try {
            care.run();
            return true;
        } catch (CreditUnavailableException | CompletionException notNow) {
            if (!away) {
                LOG.warn("Redis is away: holds are looked after when it is back", notNow);
            }
        } catch (RuntimeException | Error unexpected) {
            OutOfMemory.endsTheProcess(unexpected);
            LOG.error("looking after the holds failed; again in a second", unexpected);
        }
        return false;
    }

    /**
     * Until there is none left. Takes no hold whose record cannot be written; what was taken and not written is another's after
     * {@link #AGAIN}.
     */
    void sweep() {
        Collection<TenantId> all = tenants.get();
        looked.keySet().retainAll(Set.copyOf(all));
        ForEach.tenant(all, tenant -> {
            int some = AT_ONCE;
            while (some == AT_ONCE && closing.getCount() > 0 && log.isOpen()) {
                List<Hold> lapsed = look(tenant);
                for (Hold hold : lapsed) {
                    if (!holds.takeBack(hold) && log.isOpen()) {
                        settle(tenant, hold);
                    }
                }
                some = lapsed.size();
            }
        });
    }

    /**
     * The first time it takes the other routers' word for it that they look as often as this one does. One that got no answer is not
     * remembered: the next one is measured from the one before, as what Redis told then.
     */
    private List<Hold> look(TenantId tenant) {
        Look before = looked.get(tenant);
        Stopwatch now = new Stopwatch();
        Lapsed lapsed = before == null
                ? credit.lapsed(tenant, AT_ONCE, AGAIN, sweepEvery, Lapsed.NOTHING)
                : credit.lapsed(tenant, AT_ONCE, AGAIN, before.since().elapsed(), before.told());
        looked.put(tenant, new Look(now, lapsed.told()));
        return lapsed.holds();
    }

    private void settle(TenantId tenant, Hold hold) {
        try {
            UsageRecord record = UsageRecord.ofJson(hold.details().getBytes(StandardCharsets.UTF_8));
            LOG.warn(
                    "the call with receipt {} of tenant {} was never settled: {} micro-USD as estimated",
                    hold.receipt(),
                    tenant,
                    hold.amount());
            log.appendLater(record, () -> credit.settle(tenant, hold, record.priceMicrousd()));
            metrics.lapsed();
        } catch (JacksonException unreadable) {
            LOG.error("lapsed hold {} of tenant {} is unreadable and was released", hold, tenant, unreadable);
            credit.release(tenant, hold);
        }
    }

    /** Its first record of a receipt is the one that counts: whoever sweeps the hold later writes one in vain. */
    private void tellTheLog(Hold costNothing) {
        try {
            UsageRecord record = UsageRecord.ofJson(costNothing.details().getBytes(StandardCharsets.UTF_8));
            log.appendLater(record.ofNothing(), () -> {});
        } catch (JacksonException unreadable) {
            LOG.error("the hold {} has details that are no usage record", costNothing, unreadable);
        }
    }

    /** After an outage of the log the routers that live get their own records on it first: those are the true ones. */
    private boolean isLogWell() {
        if (!log.isOpen()) {
            sinceOutage = new Stopwatch();
        }
        return sinceOutage == null || sinceOutage.left(AFTER_AN_OUTAGE).isNegative();
    }

    private boolean isClosing() {
        try {
            return closing.await(1, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            throw new IllegalStateException("nobody interrupts this thread", e);
        }
    }
}
