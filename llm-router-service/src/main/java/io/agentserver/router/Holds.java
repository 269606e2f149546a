package io.agentserver.router;

import io.agentserver.credit.Credit;
import io.agentserver.credit.CreditUnavailableException;
import io.agentserver.credit.Hold;
import io.agentserver.credit.Reservation;
import io.agentserver.envelope.TenantId;
import io.agentserver.usage.UsageRecord;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Collectors;

/**
 * The credit that this router's calls hold while they run: the most that each may cost. Taking it is one round trip to
 * Redis, ending it another one that nobody waits for and that is sent again until Redis has taken it. What of this dies with
 * the process lapses, and becomes the usage record that each hold carries with it ({@link LapsedHolds}). Without Redis no
 * call begins: the money must be right. Safe on any thread.
 */
final class Holds {
    private static final Logger LOG = LoggerFactory.getLogger(Holds.class);
    private static final Duration FOR_OPENING = Duration.ofSeconds(3);
    private static final Duration LOOK_EVERY = Duration.ofMillis(100);
    private static final int AT_ONCE = 100;

    private final Credit credit;
    private final Duration grace;
    private final Map<UUID, Running> running = new ConcurrentHashMap<>();
    private final Map<UUID, Owed> owed = new ConcurrentHashMap<>();
    private final AtomicBoolean away = new AtomicBoolean();

    sealed interface Taking {
        record Taken(Running hold) implements Taking {}

        record Refused(Refusal refusal) implements Taking {}
    }

    /** An end of a hold that Redis has not taken yet. */
    private record Owed(TenantId tenant, UUID receipt, long price, Duration life, Stopwatch since) {}

    /** @param grace how long after its call's time limit a hold lapses */
    Holds(Credit credit, Duration grace) {
        this.credit = credit;
        this.grace = grace;
    }

    /**
     * Blocks for one round trip; for up to 3 s while credit is being opened.
     *
     * @param atMost what the call may cost, as the record that it becomes if this router dies
     */
    Taking take(Call call, Route route, UsageRecord atMost) throws InterruptedException {
        Hold hold = new Hold(
                call.receipt(),
                atMost.priceMicrousd(),
                route.limits().total().plus(grace),
                new String(atMost.toJson(), StandardCharsets.UTF_8));
        Stopwatch waited = new Stopwatch();
        while (true) {
            switch (reserve(call.tenant(), hold)) {
                case Reservation.Held held -> {
                    Running taken = new Running(call.tenant(), hold, held.already(), held.epoch());
                    owed.remove(call.receipt()); // of a try before, whose release would take this one's hold away
                    running.put(call.receipt(), taken);
                    return new Taking.Taken(taken);
                }
                case Reservation.Exhausted exhausted -> {
                    return new Taking.Refused(exhausted(hold.amount(), exhausted.available()));
                }
                case Reservation.Closed closed -> {
                    if (waited.left(FOR_OPENING).isNegative()) {
                        return new Taking.Refused(unknown());
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

    int owed() {
        return owed.size();
    }

    boolean isRunning(UUID receipt) {
        return running.containsKey(receipt);
    }

    /** Sends again what Redis has not taken; not for longer than the hold lives. */
    void sendAgain() {
        for (Owed each : List.copyOf(owed.values())) {
            if (each.since().left(each.life()).isNegative()) {
                owed.remove(each.receipt());
            } else {
                end(each);
            }
        }
    }

    /** Puts back what Redis has lost since it was taken there. */
    void restoreLost() {
        Map<TenantId, List<Running>> byTenant =
                running.values().stream().collect(Collectors.groupingBy(hold -> hold.tenant));
        byTenant.forEach((tenant, holds) -> {
            String epoch =
                    credit.standing(tenant).toCompletableFuture().join().epoch().orElse("");
            List<Running> lost =
                    holds.stream().filter(hold -> !hold.epoch.equals(epoch)).toList();
            for (int from = 0; from < lost.size(); from += AT_ONCE) {
                restore(tenant, lost.subList(from, Math.min(from + AT_ONCE, lost.size())), epoch);
            }
        });
    }

    private void restore(TenantId tenant, Collection<Running> lost, String epoch) {
        long back = credit.restore(
                tenant,
                lost.stream().map(each -> each.hold.living(each.lifeLeft())).toList());
        for (Running each : lost) {
            each.epoch = epoch;
            if (!running.containsKey(each.hold.receipt())) {
                credit.release(tenant, each.hold.receipt()); // it ended meanwhile, and was put back after its end
            }
        }
        if (back > 0) {
            LOG.warn("Redis had lost {} holds of tenant {}: they are back", back, tenant);
        }
    }

    private @Nullable Reservation reserve(TenantId tenant, Hold hold) {
        try {
            Reservation reservation = credit.reserve(tenant, hold);
            if (away.compareAndSet(true, false)) {
                LOG.info("Redis answers again: calls begin");
            }
            return reservation;
        } catch (CreditUnavailableException notNow) {
            if (away.compareAndSet(false, true)) {
                LOG.warn("Redis is away: no call begins until it is back", notNow);
            }
            end(new Owed(tenant, hold.receipt(), 0, hold.life(), new Stopwatch())); // it may be held all the same
            return null;
        }
    }

    private void end(Owed end) {
        var _ = credit.settle(end.tenant(), end.receipt(), end.price()).whenComplete((_, failure) -> {
            if (failure == null) {
                owed.remove(end.receipt(), end);
            } else {
                owed.put(end.receipt(), end);
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

    /** One call's. */
    final class Running {
        private final TenantId tenant;
        private final Hold hold;
        private final boolean already;
        private final Stopwatch sinceTaken = new Stopwatch();
        private volatile String epoch;

        private Running(TenantId tenant, Hold hold, boolean already, String epoch) {
            this.tenant = tenant;
            this.hold = hold;
            this.already = already;
            this.epoch = epoch;
        }

        /** When the log has the usage record. Does not block. */
        void settle(long price) {
            end(price);
        }

        /** When nothing was consumed; what an earlier run under this receipt holds stays, for it may have. Does not block. */
        void release() {
            if (already) {
                running.remove(hold.receipt(), this);
            } else {
                end(0);
            }
        }

        private void end(long price) {
            running.remove(hold.receipt(), this);
            Holds.this.end(new Owed(tenant, hold.receipt(), price, hold.life(), new Stopwatch()));
        }

        private Duration lifeLeft() {
            Duration left = sinceTaken.left(hold.life());
            return left.toMillis() < 1 ? Duration.ofMillis(1) : left;
        }
    }
}
