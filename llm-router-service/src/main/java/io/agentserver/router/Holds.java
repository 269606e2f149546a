package io.agentserver.router;

import io.agentserver.credit.Counted;
import io.agentserver.credit.Credit;
import io.agentserver.credit.CreditUnavailableException;
import io.agentserver.credit.Hold;
import io.agentserver.credit.Minute;
import io.agentserver.credit.Reservation;
import io.agentserver.credit.Spent;
import io.agentserver.credit.Standing;
import io.agentserver.envelope.TenantId;
import io.agentserver.tenancy.LlmLimits;
import io.agentserver.usage.UsageRecord;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/**
 * The credit that this router's calls hold while they run, the most that each may cost, and their places within their tenants'
 * limits. Taking it is one round trip to Redis, and one more when a failover can no longer lose it, for calls that last as long; ending it another one that is
 * waited for a moment ({@link Running#awaitEnd}) and is sent again until Redis has taken it; a release once more
 * when a failover can no longer bring its hold back, for nothing else says that the call has cost nothing. What of this
 * dies with the process lapses, and becomes the usage record that each hold carries with it ({@link LapsedHolds}). Without
 * Redis no call begins: the money must be right. Safe on any thread.
 */
final class Holds {
    private static final Logger LOG = LoggerFactory.getLogger(Holds.class);
    private static final Duration FOR_OPENING = Duration.ofSeconds(3);
    private static final Duration LOOK_EVERY = Duration.ofMillis(100);
    /** Several round trips, and no more than a client bears that is told the end of its answer while Redis is away. */
    private static final Duration FOR_AN_END = Duration.ofMillis(250);

    /** Who may have more calls at once than this does not notice one that counts for a moment longer than it runs. */
    private static final int FEW_AT_ONCE = 100;

    private static final int AT_ONCE = 100;
    /** Ends that are sent again in one go: a Redis that is slow must not get more of them than it can take. */
    private static final int MOST_AGAIN = 1_000;

    private final Credit credit;
    private final Function<TenantId, LlmLimits> limits;
    private final RouterMetrics metrics;
    private final Predicate<TenantId> gone;
    private final Duration grace;
    private final Map<UUID, Running> running = new ConcurrentHashMap<>();
    private final Map<UUID, Owed> owed = new ConcurrentHashMap<>();
    private final Set<Owed> sending = ConcurrentHashMap.newKeySet();
    private final AtomicBoolean away = new AtomicBoolean();

    sealed interface Taking {
        record Taken(Running hold) implements Taking {}

        record Refused(Refusal refusal, Minute minute) implements Taking {
            Refused(Refusal refusal) {
                this(refusal, Minute.UNLIMITED);
            }
        }
    }

    /**
     * @param limits of a tenant
     * @param grace how long after its call's time limit a hold lapses
     * @param gone deleted tenants, whose holds are not put back where Redis lacks them
     */
    Holds(
            Credit credit,
            Function<TenantId, LlmLimits> limits,
            RouterMetrics metrics,
            Duration grace,
            Predicate<TenantId> gone) {
        this.credit = credit;
        this.limits = limits;
        this.metrics = metrics;
        this.grace = grace;
        this.gone = gone;
    }

    /**
     * Blocks for one round trip; for up to 3 s while credit is being opened. A tenant without credit gets what costs nothing
     * because it pays each provider of the route itself, and nothing else.
     *
     * @param atMost what the call may cost, as the record that it becomes if this router dies
     */
    Taking take(Call call, Route route, UsageRecord atMost) throws InterruptedException {
        Hold hold = Hold.of(
                call.receipt(),
                atMost.priceMicrousd(),
                route.limits().total().plus(grace),
                new String(atMost.toJson(), StandardCharsets.UTF_8));
        long tokens = atMost.inputTokens() + atMost.outputTokens();
        LlmLimits allowed = limits.apply(call.tenant());
        Stopwatch waited = new Stopwatch();
        while (true) {
            Life life = new Life(new Stopwatch(), hold.life()); // before it is asked: Redis counts from then or later
            switch (reserve(call.tenant(), hold, tokens, allowed, route.isPaidByTenant())) {
                case Reservation.Held held -> {
                    held.over().forEach(limit -> metrics.limited(call.tenant(), limit, true));
                    boolean few = allowed.concurrent() > 0 && allowed.concurrent() <= FEW_AT_ONCE;
                    Running taken = new Running(call.tenant(), hold, life, atMost, held, few);
                    running.put(call.receipt(), taken);
                    return new Taking.Taken(taken);
                }
                case Reservation.Limited limited -> {
                    limited.over().forEach(limit -> metrics.limited(call.tenant(), limit, false));
                    return new Taking.Refused(Limits.refusal(limited, tokens), limited.minute());
                }
                case Reservation.Exhausted exhausted -> {
                    return new Taking.Refused(exhausted(hold.amount(), exhausted.available()), exhausted.minute());
                }
                case Reservation.Closed closed -> {
                    if (waited.left(FOR_OPENING).isNegative()) {
                        return new Taking.Refused(unknown(), closed.minute());
                    }
                    Thread.sleep(LOOK_EVERY);
                }
                case null -> {
                    return new Taking.Refused(unknown());
                }
            }
        }
    }

    int running() {
        return running.size();
    }

    /** Ends that Redis has not taken. */
    int owed() {
        return Math.toIntExact(
                owed.values().stream().filter(end -> end.taken() == null).count());
    }

    /** Ends that may have to be sent again, those that Redis has taken included. */
    int remembered() {
        return owed.size();
    }

    /**
     * Takes back a hold of this router's own that lapsed, because Redis was away for so long.
     *
     * @return false if this router knows of no call under it
     */
    boolean takeBack(Hold lapsed) {
        if (running.computeIfPresent(lapsed.receipt(), (_, own) -> own.under(lapsed)) != null) {
            return true;
        }
        Owed ended = owed.get(lapsed.receipt());
        if (ended != null) {
            send(ended.under(lapsed));
        }
        return ended != null;
    }

    /** Sends again what Redis has not taken or may have lost. */
    void sendAgain() {
        owed.values().removeIf(Owed::isOver);
        int sent = 0;
        for (Owed each : owed.values()) {
            if (sending.size() < MOST_AGAIN
                    && !sending.contains(each)
                    && (each.taken() == null || each.taken().left(failover()).isNegative())
                    && sent++ < MOST_AGAIN) {
                var _ = transmit(each);
            }
        }
    }

    /** Ends that cost nothing and that Redis has not heard of for half of their holds' lives: each is given once. */
    List<Hold> unheard() {
        return owed.entrySet().stream()
                .filter(each -> each.getValue().isUnheard())
                .filter(each -> owed.replace(
                        each.getKey(), each.getValue(), each.getValue().toldNow()))
                .map(each -> each.getValue().hold())
                .toList();
    }

    /** How long a Redis that fails over may forget what it has answered; before the hold lapses, wherever it comes back. */
    private Duration failover() {
        return grace.dividedBy(2);
    }

    /**
     * Lets the holds live on of calls that have no end yet though their time is over: the log has not taken their usage. A
     * hold that lapsed while its router lives would be paid as it was held.
     */
    void extendOverdue() {
        Duration soon = grace.multipliedBy(3).dividedBy(4);
        Map<TenantId, List<Running>> byTenant = running.values().stream()
                .filter(each -> each.life.left().compareTo(soon) < 0)
                .collect(Collectors.groupingBy(each -> each.tenant));
        ForEach.tenant(byTenant.keySet(), tenant -> {
            List<Running> holds = byTenant.getOrDefault(tenant, List.of());
            for (int from = 0; from < holds.size(); from += AT_ONCE) {
                List<Running> some = holds.subList(from, Math.min(from + AT_ONCE, holds.size()));
                Life life = new Life(new Stopwatch(), grace);
                credit.extend(
                        tenant,
                        some.stream().map(each -> each.hold.living(grace)).toList());
                some.forEach(each -> each.life = life);
            }
        });
    }

    /** Puts back what Redis has lost since it was taken there. */
    void restoreLost() {
        Map<TenantId, List<Running>> byTenant =
                running.values().stream().collect(Collectors.groupingBy(hold -> hold.tenant));
        byTenant.keySet().removeIf(gone);
        Map<TenantId, CompletableFuture<Standing>> asked =
                new HashMap<>(); // all at once: a slow Redis is waited for once
        byTenant.keySet()
                .forEach(tenant -> asked.put(tenant, credit.standing(tenant).toCompletableFuture()));
        ForEach.tenant(byTenant.keySet(), tenant -> {
            List<Running> holds = byTenant.getOrDefault(tenant, List.of());
            String epoch =
                    Objects.requireNonNull(asked.get(tenant)).join().epoch().orElse("");
            // a failover can have lost one under the same epoch, of which nothing else tells
            List<Running> lost = holds.stream()
                    .filter(hold -> !hold.epoch.equals(epoch)
                            || !hold.isSure && hold.taken.left(failover()).isNegative())
                    .toList();
            for (int from = 0; from < lost.size(); from += AT_ONCE) {
                restore(tenant, lost.subList(from, Math.min(from + AT_ONCE, lost.size())), epoch);
            }
        });
    }

    private void restore(TenantId tenant, Collection<Running> lost, String epoch) {
        long back = credit.restore(
                tenant,
                lost.stream()
                        .map(each -> each.hold.living(each.life.leftAtLeastSome()))
                        .toList());
        for (Running each : lost) {
            if (!each.epoch.equals(epoch)) {
                each.counted = Counted.NOT; // its minute was lost with it
            }
            each.epoch = epoch;
            each.isSure = each.taken.left(failover()).isNegative();
            if (!running.containsKey(each.hold.receipt())) {
                // it ended meanwhile, and was put back after its end
                owed.putIfAbsent(each.hold.receipt(), Owed.of(tenant, each.hold, Counted.NOT, Spent.NOTHING, ""));
            }
        }
        if (back > 0) {
            LOG.warn("Redis had lost {} holds of tenant {}: they are back", back, tenant);
        }
    }

    private @Nullable Reservation reserve(
            TenantId tenant, Hold hold, long tokens, LlmLimits allowed, boolean paidByTenant) {
        try {
            Reservation reservation = credit.reserve(tenant, hold, tokens, allowed, paidByTenant);
            if (away.compareAndSet(true, false)) {
                LOG.info("Redis answers again: calls begin");
            }
            return reservation;
        } catch (CreditUnavailableException notNow) {
            if (away.compareAndSet(false, true)) {
                LOG.warn("Redis is away: no call begins until it is back", notNow);
            }
            send(Owed.perhaps(tenant, hold)); // it may be held all the same
            return null;
        }
    }

    /** It is remembered until the log has what it means, or Redis says twice, a failover apart, that nothing is held. */
    private void send(Owed end) {
        owed.put(end.hold().receipt(), end);
        var _ = transmit(end);
    }

    /** The stage ends when Redis has answered, or has not and is asked again in a second. */
    private CompletionStage<Boolean> transmit(Owed end) {
        UUID receipt = end.hold().receipt();
        sending.add(end);
        return credit.settle(end.tenant(), end.hold(), end.counted(), end.spent(), end.epoch())
                .whenComplete((held, failure) -> {
                    sending.remove(end);
                    if (failure != null) {
                        return; // sent again in a second
                    }
                    // one that holds nothing may come back and lapse: what it becomes costs nothing
                    if (end.spent().price() > 0 || end.hold().amount() == 0 || end.taken() != null && !held) {
                        owed.remove(receipt, end);
                    } else {
                        owed.replace(receipt, end, end.takenNow());
                    }
                });
    }

    private static Refusal exhausted(long amount, long available) {
        return Refusal.of(
                402,
                Refusal.Reason.CREDIT_EXHAUSTED,
                available <= 0
                        ? "the credit is used up: top it up"
                        : "this call may cost up to " + amount + " micro-USD and " + available
                                + " are left: top the credit up, or ask with a smaller max_tokens");
    }

    private static Refusal unknown() {
        return new Refusal(
                503,
                Refusal.Reason.CREDIT_UNKNOWN,
                "the credit cannot be looked up at the moment, so no model is called; try again",
                null,
                Refusal.SOON);
    }

    /** How long a hold lives, as this router last told Redis. */
    private record Life(Stopwatch since, Duration length) {
        Duration left() {
            return since.left(length);
        }

        Duration leftAtLeastSome() {
            Duration left = left();
            return left.toMillis() < 1 ? Duration.ofMillis(1) : left;
        }
    }

    /** One call's. */
    final class Running {
        private final TenantId tenant;
        private final UsageRecord atMost;
        private final Minute minute;
        private volatile Counted counted;
        private volatile Hold hold;
        private final String takenIn;
        private volatile String epoch; // takenIn, or a later one that it was put back in
        private volatile Life life;
        private final Stopwatch taken = new Stopwatch();
        private volatile boolean isSure; // no failover can lose it any more
        private volatile boolean begun;
        private final boolean fewAtOnce;
        private final CompletableFuture<Void> ended = new CompletableFuture<>();

        private Running(
                TenantId tenant, Hold hold, Life life, UsageRecord atMost, Reservation.Held held, boolean fewAtOnce) {
            this.fewAtOnce = fewAtOnce;
            this.tenant = tenant;
            this.atMost = atMost;
            this.counted = held.counted();
            this.minute = held.minute();
            this.hold = hold;
            this.takenIn = held.epoch();
            this.epoch = takenIn;
            this.life = life;
        }

        /** What was held for. */
        UsageRecord atMost() {
            return atMost;
        }

        /** What its tenant had left of its limits when it began. */
        Minute minute() {
            return minute;
        }

        /** Something was consumed, or may have been: what it has cost is told at its end. */
        void begin() {
            begun = true;
        }

        boolean hasBegun() {
            return begun;
        }

        /** When the log has the usage record. Does not block. */
        void settle(long price, long tokens) {
            end(new Spent(price, 1, tokens));
        }

        /** When nothing was consumed. Does not block. */
        void release() {
            end(Spent.NOTHING);
        }

        /** Whether its tenant may have so few calls at once that the next one may need its place. */
        boolean isOneOfFew() {
            return fewAtOnce;
        }

        /**
         * After {@link #settle} or {@link #release}, also where that is yet to be done: until Redis has the end, one round trip. Whoever hears of
         * the end before that and calls again would find the place, the tokens and the credit of this call still taken. Where Redis
         * does not answer within {@link #FOR_AN_END}, or at all, the end is told all the same and is sent to Redis until it has it.
         */
        void awaitEnd() {
            try {
                ended.get(FOR_AN_END.toMillis(), TimeUnit.MILLISECONDS);
            } catch (TimeoutException notYet) {
                // sent again each second
            } catch (InterruptedException stopping) {
                Thread.currentThread().interrupt();
            } catch (ExecutionException impossible) {
                throw new IllegalStateException("only ever completed normally", impossible);
            }
        }

        /** In one step with {@link #takeBack}: the end is the owner's, or {@code takeBack} finds it. */
        private void end(Spent spent) {
            UUID receipt = hold.receipt();
            running.computeIfPresent(receipt, (_, own) -> {
                owed.put(receipt, Owed.of(tenant, hold, counted, spent, takenIn));
                return null;
            });
            Owed end = owed.get(receipt);
            if (end == null) {
                ended.complete(null);
            } else {
                var _ = transmit(end).whenComplete((_, _) -> ended.complete(null));
            }
        }

        private Running under(Hold lapsed) {
            hold = lapsed;
            life = new Life(new Stopwatch(), lapsed.life());
            return this;
        }
    }
}
