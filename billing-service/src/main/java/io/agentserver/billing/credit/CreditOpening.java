package io.agentserver.billing.credit;

import io.agentserver.billing.ledger.Account;
import io.agentserver.billing.ledger.GroupId;
import io.agentserver.billing.ledger.GroupKind;
import io.agentserver.billing.ledger.Ledger;
import io.agentserver.billing.ledger.MicroUsd;
import io.agentserver.billing.ledger.PostingGroup;
import io.agentserver.credit.Credit;
import io.agentserver.credit.PostedBalance;
import io.agentserver.credit.Standing;
import io.agentserver.envelope.TenantId;
import io.agentserver.service.OutOfMemory;
import io.agentserver.service.metrics.TenantGauge;
import io.agentserver.tenancy.Plan;
import io.agentserver.tenancy.TenantDirectory;
import io.agentserver.tenancy.TenantEntry;
import org.apache.kafka.common.TopicPartition;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/**
 * Opens credit, on one thread of its own: each second, and at once for a new tenant, it looks how every tenant stands in
 * Redis, and waits for nothing. A new one gets its plan's starting credit, once for ever, and is opened. One that Redis has
 * lost, has an older balance of than it was told, or one of another ledger's era, is opened at a look that finds {@code usage}
 * posted up to where it stood when the loss was seen, and 3 s later, in which the routers put their running calls' holds back.
 * At the start and every 10 minutes all are looked over. Any number of billing services may do this at once.
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
    private final TenantGauge available;
    private final Clock clock;
    private final Map<TenantId, Opening> openings = new LinkedHashMap<>(); // of the one thread, like all that follows
    private final Semaphore changes = new Semaphore(0);
    private final Thread thread =
            Thread.ofPlatform().name("credit-opening").daemon().unstarted(this::run);
    private long lookedOver = System.nanoTime() - LOOK_OVER_EVERY.toNanos();
    private volatile boolean closed;

    /**
     * One tenant's on its way.
     *
     * @param era of the ledger that this was found in
     * @param since what was settled before it is below the ends
     * @param ends of {@code usage} then
     * @param afterLoss whether it is closed; else it is only looked over
     */
    private record Opening(String era, Told since, Map<TopicPartition, Long> ends, boolean afterLoss) {}

    /** What Redis' clock said, which may be set at any time, and when by our own, which is not. */
    private record Told(Instant redis, long nanos) {
        Told(Instant redis) {
            this(redis, System.nanoTime());
        }

        Duration ago() {
            return Duration.ofNanos(System.nanoTime() - nanos);
        }
    }

    /**
     * At one look; one of which it is not known is in neither.
     *
     * @param lost closed or not right, and not on its way yet
     */
    private record Standings(List<TenantId> lost, List<TenantId> open) {}

    /** @param available credit that tenants have, in micro-USD */
    public CreditOpening(
            Ledger ledger,
            CreditPublisher publisher,
            Credit credit,
            TenantDirectory directory,
            UsageDrain drain,
            TenantGauge available,
            Clock clock) {
        this.ledger = ledger;
        this.publisher = publisher;
        this.credit = credit;
        this.directory = directory;
        this.drain = drain;
        this.available = available;
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
            } catch (RuntimeException | Error e) {
                OutOfMemory.endsTheProcess(e);
                LOG.error("credit could not be looked after; again in a second", e);
            }
            await();
        }
    }

    /**
     * One look: what it finds it does now, or at a later look; nothing of one tenant's keeps it from another. It is of one era
     * of the ledger: where that turns out to be over, so is the look, and the next one judges all of them anew.
     */
    void look() {
        told();
        String era = publisher.era();
        Map<TenantId, TenantEntry> tenants = new HashMap<>();
        directory.all().forEach(entry -> tenants.put(entry.tenantId(), entry));
        openings.keySet().retainAll(tenants.keySet());
        forgetGone(tenants.keySet());
        openings.values().removeIf(opening -> !opening.era().equals(era));
        Standings standings = stand(tenants, era);
        if (!isOver(era)) {
            begin(standings, era);
        }
        if (!isOver(era)) {
            finish();
        }
    }

    /**
     * Usage of a tenant that was posted after it was deleted has put its balance into Redis again, and made sums of it. Should it
     * be one that is so new that it is not heard of here, its credit is opened as one that was lost.
     */
    private void forgetGone(Set<TenantId> tenants) {
        Failures failures = new Failures("forgotten");
        for (TenantId tenant : publisher.told().keySet()) {
            if (!tenants.contains(tenant)) {
                try {
                    credit.forget(tenant);
                    if (directory.wasDeleted(tenant)) {
                        ledger.forgetUsage(tenant);
                    }
                    publisher.forget(tenant);
                } catch (RuntimeException e) {
                    failures.add(tenant, e);
                }
            }
        }
        failures.log();
    }

    private boolean isOver(String era) {
        return !era.equals(publisher.era());
    }

    /** What Redis has not heard, where the ledger can say it. */
    private void told() {
        try {
            publisher.retry();
        } catch (RuntimeException e) {
            LOG.warn("what Redis has not heard could not be told; again in a second", e);
        }
    }

    /** How all of them stand; new ones are opened here. */
    private Standings stand(Map<TenantId, TenantEntry> tenants, String era) {
        Map<TenantId, Long> told = publisher.told(); // before Redis is asked: what is told from now on is no loss
        Map<TenantId, CompletionStage<Standing>> asked = new HashMap<>();
        tenants.keySet().forEach(tenant -> asked.put(tenant, credit.standing(tenant)));
        Map<String, Double> credits = new HashMap<>();
        Standings standings = new Standings(new ArrayList<>(), new ArrayList<>());
        Failures failures = new Failures("looked after");
        asked.forEach((tenant, answer) -> {
            try {
                Standing standing = answer.toCompletableFuture().join();
                credits.put(tenant.value(), (double) standing.available());
                if (isOver(era)) {
                    return;
                }
                TenantEntry entry = Objects.requireNonNull(tenants.get(tenant));
                if (isLost(entry, standing, told.getOrDefault(tenant, 0L), era)) {
                    standings.lost().add(tenant);
                } else if (standing.epoch().isPresent()) {
                    standings.open().add(tenant);
                }
            } catch (RuntimeException e) {
                failures.add(tenant, e);
            }
        });
        available.show(credits);
        failures.log();
        return standings;
    }

    private boolean isLost(TenantEntry entry, Standing standing, long told, String era) {
        TenantId tenant = entry.tenantId();
        Opening begun = openings.get(tenant);
        if (standing.epoch().isEmpty() && begun != null && begun.afterLoss()) {
            return false;
        }
        boolean ofAnotherEra = !standing.era().isEmpty() && !standing.era().equals(era);
        if (ofAnotherEra) {
            publisher.refreshEra(); // another process may have seen first that the ledger was restored
        }
        if (isOver(era)) {
            return false;
        }
        if (ofAnotherEra) {
            LOG.warn("Redis has the balance of tenant {} from another ledger than this: its credit is closed", tenant);
            giveStartingCredit(entry); // it may have come after the backup, and is not new for it
        } else if (standing.epoch().isEmpty()) {
            return !isNew(entry);
        } else if (standing.version() < told) {
            LOG.warn("Redis has an older balance of tenant {} than it was told: its credit is closed", tenant);
        } else {
            return false;
        }
        credit.close(tenant);
        return true;
    }

    /** From here on each of them waits for what is on the log now. */
    private void begin(Standings standings, String era) {
        boolean all = System.nanoTime() - lookedOver >= LOOK_OVER_EVERY.toNanos();
        if (!all && standings.lost().isEmpty()) {
            return;
        }
        try {
            if (all) {
                publisher.refreshEra();
            }
            if (isOver(era)) {
                return;
            }
            // before the ends are asked for: what was settled by then is below them
            Map<TenantId, Told> asked = new HashMap<>();
            standings.lost().forEach(tenant -> asked.put(tenant, new Told(credit.now(tenant))));
            if (all) {
                standings.open().forEach(tenant -> asked.put(tenant, new Told(credit.now(tenant))));
            }
            Map<TopicPartition, Long> ends = drain.ends();
            Set<TenantId> lost = Set.copyOf(standings.lost());
            asked.forEach((tenant, now) -> {
                if (lost.contains(tenant)) {
                    openings.put(tenant, new Opening(era, now, ends, true));
                } else {
                    openings.putIfAbsent(tenant, new Opening(era, now, ends, false));
                }
            });
            if (all) {
                lookedOver = System.nanoTime();
            }
        } catch (RuntimeException e) {
            LOG.warn("how far usage is posted is not known: credit that was lost stays closed", e);
        }
    }

    /**
     * Those whose usage is posted, first who can call no model until then; after a second the rest is for the next look, so
     * that new tenants do not wait long.
     */
    private void finish() {
        if (openings.isEmpty()) {
            return;
        }
        Map<TopicPartition, Long> committed;
        try {
            committed = drain.committed();
        } catch (RuntimeException e) {
            LOG.warn("how far usage is posted is not known: credit that was lost stays closed", e);
            return;
        }
        long end = System.nanoTime() + LOOK_EVERY.toNanos();
        Failures failures = new Failures("opened");
        List<Map.Entry<TenantId, Opening>> lostFirst = openings.entrySet().stream()
                .sorted(Comparator.comparing(each -> !each.getValue().afterLoss()))
                .toList();
        lostFirst.forEach(each -> {
            if (System.nanoTime() < end
                    && !closed
                    && UsageDrain.isReached(each.getValue().ends(), committed)) {
                try {
                    open(each.getKey(), each.getValue());
                    openings.remove(each.getKey());
                } catch (RuntimeException e) {
                    failures.add(each.getKey(), e);
                }
            }
        });
        failures.log();
    }

    /** True if it begins here and now, and so cannot have spent anything. */
    private boolean isNew(TenantEntry entry) {
        Instant asked = credit.now(entry.tenantId());
        if (!giveStartingCredit(entry)) {
            return false;
        }
        PostedBalance balance = publisher.balance(entry.tenantId());
        if (balance.version() > 1) {
            return false; // it has a past: from before there was starting credit
        }
        credit.open(entry.tenantId(), balance, Duration.ZERO, asked);
        LOG.info("tenant {} begins with {} micro-USD", entry.id(), balance.amount());
        return true;
    }

    /** Once for ever, by the tenant; true if that was now. */
    private boolean giveStartingCredit(TenantEntry entry) {
        GroupId start = GroupId.of(GroupKind.STARTING_CREDIT, entry.tenantId().value());
        if (ledger.find(start).isPresent()) {
            return false;
        }
        long amount = Plan.of(entry.plan()).orElse(Plan.DEFAULT).startingCreditMicrousd();
        PostingGroup given = PostingGroup.credit(
                start, entry.tenantId(), clock.instant(), new MicroUsd(amount), Account.STARTING_CREDIT, null);
        return ledger.post(List.of(given)).fresh() == 1;
    }

    private void open(TenantId tenant, Opening opening) {
        PostedBalance balance = publisher.balance(tenant);
        if (!balance.era().equals(opening.era())) {
            return;
        }
        credit.takeOver(tenant, balance);
        Told since = opening.since();
        if (credit.open(tenant, balance, FOR_THE_ROUTERS, since.redis(), since.ago())) {
            LOG.warn("credit of tenant {} was lost or never known, and opens with {}", tenant, balance);
        }
        publisher.told(tenant, balance);
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
