package io.agentserver.billing.credit;

import io.agentserver.billing.ledger.Account;
import io.agentserver.billing.ledger.GroupId;
import io.agentserver.billing.ledger.GroupKind;
import io.agentserver.billing.ledger.Ledger;
import io.agentserver.billing.ledger.MicroUsd;
import io.agentserver.billing.ledger.PostingGroup;
import io.agentserver.credit.Credit;
import io.agentserver.credit.CreditUnavailableException;
import io.agentserver.credit.PostedBalance;
import io.agentserver.credit.Standing;
import io.agentserver.envelope.TenantId;
import io.agentserver.tenancy.Plan;
import io.agentserver.tenancy.TenantDirectory;
import io.agentserver.tenancy.TenantEntry;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Opens credit, on one thread of its own: each second, and at once for a new tenant, it looks how every tenant stands in
 * Redis. A new one gets its plan's starting credit, once for ever, and is opened. One that Redis has lost, or has an older
 * balance of than it was told, is opened when {@code usage} has been posted up to where it stood when the loss was seen, and
 * 3 s later, in which the routers put their running calls' holds back. At the start and every 10 minutes all are looked
 * over. Any number of billing services may do this at once.
 */
public final class CreditOpening implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(CreditOpening.class);
    private static final Duration LOOK_EVERY = Duration.ofSeconds(1);
    private static final Duration LOOK_OVER_EVERY = Duration.ofMinutes(10);
    private static final Duration FOR_THE_ROUTERS = Duration.ofSeconds(3);

    private final Ledger ledger;
    private final CreditPublisher publisher;
    private final Credit credit;
    private final TenantDirectory directory;
    private final UsageDrain drain;
    private final MeterRegistry metrics;
    private final Clock clock;
    private final Map<TenantId, AtomicLong> available = new ConcurrentHashMap<>();
    private final Semaphore changes = new Semaphore(0);
    private final Thread thread =
            Thread.ofPlatform().name("credit-opening").daemon().unstarted(this::run);
    private long lookedOver = System.nanoTime() - LOOK_OVER_EVERY.toNanos();
    private volatile boolean closed;

    public CreditOpening(
            Ledger ledger,
            CreditPublisher publisher,
            Credit credit,
            TenantDirectory directory,
            UsageDrain drain,
            MeterRegistry metrics,
            Clock clock) {
        this.ledger = ledger;
        this.publisher = publisher;
        this.credit = credit;
        this.directory = directory;
        this.drain = drain;
        this.metrics = metrics;
        this.clock = clock;
    }

    public CreditOpening start() {
        directory.onChange(entry -> changes.release());
        thread.start();
        return this;
    }

    @Override
    public void close() {
        closed = true;
        changes.release();
        if (!thread.isAlive()) {
            return;
        }
        try {
            thread.join(Duration.ofSeconds(5));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void run() {
        while (!closed) {
            try {
                if (directory.isCaughtUp()) {
                    look();
                }
            } catch (CreditUnavailableException | CompletionException notNow) {
                LOG.warn("Redis is away: credit is opened when it is back ({})", String.valueOf(notNow.getCause()));
            } catch (RuntimeException e) {
                LOG.warn("credit could not be looked after; again in a second", e);
            }
            await();
        }
    }

    void look() {
        publisher.retry();
        Map<TenantId, TenantEntry> tenants = new HashMap<>();
        directory.all().forEach(entry -> tenants.put(entry.tenantId(), entry));
        Map<TenantId, Long> told = publisher.told(); // before Redis is asked: what is told from now on is no loss
        Map<TenantId, CompletionStage<Standing>> asked = new HashMap<>();
        tenants.keySet().forEach(tenant -> asked.put(tenant, credit.standing(tenant)));
        List<TenantId> lost = new ArrayList<>();
        asked.forEach((tenant, answer) -> {
            Standing standing = answer.toCompletableFuture().join();
            show(tenant, standing.available());
            if (standing.epoch().isEmpty()) {
                if (!isNew(Objects.requireNonNull(tenants.get(tenant)))) {
                    lost.add(tenant);
                }
            } else if (standing.version() < told.getOrDefault(tenant, 0L)) {
                LOG.warn("Redis has an older balance of tenant {} than it was told: its credit is closed", tenant);
                credit.close(tenant);
                lost.add(tenant);
            }
        });
        boolean all = System.nanoTime() - lookedOver >= LOOK_OVER_EVERY.toNanos();
        if (all || !lost.isEmpty()) {
            Set<TenantId> these = new HashSet<>(lost);
            if (all) {
                these.addAll(tenants.keySet());
            }
            open(these);
            if (all) {
                lookedOver = System.nanoTime();
            }
        }
        available.keySet().retainAll(tenants.keySet());
    }

    /** True if it begins here and now, and so cannot have spent anything. */
    private boolean isNew(TenantEntry tenant) {
        GroupId start = GroupId.of(GroupKind.STARTING_CREDIT, tenant.tenantId().value());
        if (ledger.find(start).isPresent()) {
            return false;
        }
        long amount = Plan.of(tenant.plan()).orElse(Plan.DEFAULT).startingCreditMicrousd();
        Instant asked = credit.now();
        boolean first = ledger.post(List.of(PostingGroup.credit(
                                start,
                                tenant.tenantId(),
                                clock.instant(),
                                new MicroUsd(amount),
                                Account.STARTING_CREDIT,
                                null)))
                        .fresh()
                == 1;
        PostedBalance balance = publisher.balance(tenant.tenantId());
        if (!first || balance.version() > 1) {
            return false; // it has a past: from before there was starting credit
        }
        credit.open(tenant.tenantId(), balance, Duration.ZERO, asked);
        LOG.info("tenant {} begins with {} micro-USD", tenant.id(), amount);
        return true;
    }

    private void open(Set<TenantId> tenants) {
        Instant now = credit.now();
        if (!drain.await(() -> closed)) {
            return;
        }
        for (TenantId tenant : tenants) {
            PostedBalance balance = publisher.balance(tenant);
            if (credit.open(tenant, balance, FOR_THE_ROUTERS, now)) {
                LOG.warn("credit of tenant {} was lost or never known, and opens with {}", tenant, balance);
            }
            publisher.told(tenant, balance);
        }
    }

    private void show(TenantId tenant, long amount) {
        available
                .computeIfAbsent(tenant, added -> {
                    AtomicLong shown = new AtomicLong();
                    Gauge.builder("agentserver.credit.microusd", shown, AtomicLong::doubleValue)
                            .tag("tenant", tenant.value())
                            .description("balance less holds and what is not posted yet")
                            .register(metrics);
                    return shown;
                })
                .set(amount);
    }

    private void await() {
        try {
            changes.tryAcquire(LOOK_EVERY.toMillis(), TimeUnit.MILLISECONDS);
            changes.drainPermits();
        } catch (InterruptedException e) {
            throw new IllegalStateException("nobody interrupts this thread", e);
        }
    }
}
