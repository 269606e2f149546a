package io.agentserver.credit;

import io.agentserver.envelope.TenantId;
import io.agentserver.service.redis.RedisClients;
import io.agentserver.tenancy.LlmLimits;
import io.lettuce.core.KeyValue;
import io.lettuce.core.cluster.api.async.RedisClusterAsyncCommands;

import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;

/**
 * Every tenant's prepaid credit, and its limits of calls, shared by any number of routers, gateways and billing services through Redis (6.2 and
 * later, one node or a cluster):
 *
 * <pre>available = posted balance − holds − unposted</pre>
 *
 * A call holds the most that it may cost ({@link #reserve}); when its usage record is on the log the hold becomes what it
 * has cost ({@link #settle}), until billing has posted it and writes the new balance in the same step ({@link #posted}).
 * Each method is one atomic step that may be repeated. Those that return a stage do not block, and fail it with what Redis
 * failed with; the others block for one round trip, at most some 2 s, and throw {@link CreditUnavailableException}. Safe on
 * any thread.
 */
public final class Credit {
    private final RedisClusterAsyncCommands<String, String> redis;
    private final ReserveScript reserve;
    private final SettleScript settle;
    private final PostedScript posted;
    private final OpenScript open;
    private final RestoreScript restore;
    private final LapsedScript lapsed;
    private final ExtendScript extend;
    private final ClockScript clock;

    public Credit(RedisClients clients) {
        redis = clients.async();
        reserve = new ReserveScript(redis);
        settle = new SettleScript(redis);
        posted = new PostedScript(redis);
        open = new OpenScript(redis);
        restore = new RestoreScript(redis);
        lapsed = new LapsedScript(redis);
        extend = new ExtendScript(redis);
        clock = new ClockScript(redis);
    }

    // for whoever spends

    /**
     * Idempotent by the receipt. When it throws the amount may be held all the same: {@link #release} it.
     *
     * @param tokens the most that the call may use
     * @param limits that hold for all of the tenant's calls together
     * @param freeNeedsNone whether an amount of 0 is held for a tenant without credit too
     */
    public Reservation reserve(TenantId tenant, Hold hold, long tokens, LlmLimits limits, boolean freeNeedsNone) {
        return await(reserve.run(tenant, hold, tokens, limits, freeNeedsNone));
    }

    /** Credit is needed for every call, also for one that costs nothing. */
    public Reservation reserve(TenantId tenant, Hold hold, long tokens, LlmLimits limits) {
        return reserve(tenant, hold, tokens, limits, false);
    }

    /** With no limit but the credit. */
    public Reservation reserve(TenantId tenant, Hold hold) {
        return reserve(tenant, hold, 0, LlmLimits.NONE);
    }

    /**
     * After the usage record is acknowledged, or when nothing was consumed. Idempotent by the receipt; in any order with
     * {@link #posted}.
     *
     * @param counted as {@link Reservation.Held} has said
     * @param epoch likewise: where Redis has lost it, and the hold with it, what was spent counts all the same; empty: not known
     * @return false if the hold is over, or lost, or has another owner by now
     */
    public CompletionStage<Boolean> settle(TenantId tenant, Hold hold, Counted counted, Spent spent, String epoch) {
        return settle.run(tenant, hold, counted, spent, epoch);
    }

    /**
     * Of a call that is not counted, or no longer.
     *
     * @param price what it has cost, micro-USD, 0 or more; may be over what was held
     */
    public CompletionStage<Boolean> settle(TenantId tenant, Hold hold, long price) {
        return settle(tenant, hold, Counted.NOT, new Spent(price, 1, 0), "");
    }

    /** When nothing was consumed. Idempotent by the receipt; like {@link #settle} nothing where the owner is another. */
    public CompletionStage<Boolean> release(TenantId tenant, Hold hold) {
        return settle(tenant, hold, Counted.NOT, Spent.NOTHING, "");
    }

    /** Puts back what Redis has lost and the caller still holds; idempotent by the receipts. */
    public long restore(TenantId tenant, Collection<Hold> holds) {
        return await(restore.run(tenant, holds));
    }

    /**
     * Lets holds of calls that still run live for their {@link Hold#life()} from now, or longer if they do so already.
     *
     * @return how many are the caller's own still
     */
    public long extend(TenantId tenant, Collection<Hold> holds) {
        return await(extend.run(tenant, holds));
    }

    /**
     * Holds whose owner has not settled them in time. They stay held; who gets them owns them, writes their usage and
     * settles them.
     *
     * @param again when they are given to another one, if the caller does not
     * @param looked how long ago, by its own monotonic clock, the caller asked this of the tenant; the first time, how often others
     *     do. What Redis' clock has gone on by beyond that, and nobody has found yet, it has jumped by
     * @param told what the caller was told then, or {@link Lapsed#NOTHING}
     */
    public Lapsed lapsed(TenantId tenant, int most, Duration again, Duration looked, String told) {
        return await(lapsed.run(tenant, most, again, looked, told));
    }

    /** How it stands now. */
    public CompletionStage<Standing> standing(TenantId tenant) {
        return redis.hmget(Script.state(tenant), "epoch", "version", "balance", "held", "unposted", "era")
                .thenApply(fields -> new Standing(
                        // open without a balance: part of it was evicted
                        fields.get(2).hasValue()
                                ? Optional.ofNullable(fields.getFirst().getValueOrElse(null))
                                : Optional.empty(),
                        number(fields.get(1)),
                        fields.get(5).getValueOrElse(""),
                        number(fields.get(2)) - number(fields.get(3)) - number(fields.get(4))));
    }

    // for billing, which knows what was paid

    /**
     * Writes the balance, unless a newer one is there, and forgets the receipts that it accounts for. Where one of another era
     * is, it is left, and credit is closed until the balance is {@link #takeOver taken over}.
     *
     * @return false if credit is closed
     */
    public boolean posted(TenantId tenant, PostedBalance balance, Collection<UUID> receipts) {
        return await(posted.run(tenant, balance, receipts, false));
    }

    /** As {@link #posted}, also where a balance of another era is. Before {@link #open}, while credit is closed. */
    public void takeOver(TenantId tenant, PostedBalance balance) {
        await(posted.run(tenant, balance, List.of(), true));
    }

    /**
     * Opens a tenant's credit if it is closed, and clears up what a crash may have left.
     *
     * @param in after which time it opens, if it was closed
     * @param settledBefore by Redis' clock, {@link #now}: everything settled before is posted and in the balance
     * @param ago how long ago that was told, by the caller's own monotonic clock: where Redis' has gone back since, nothing is
     *     forgotten by it
     * @return whether it was closed
     */
    public boolean open(TenantId tenant, PostedBalance balance, Duration in, Instant settledBefore, Duration ago) {
        return await(open.run(tenant, balance, UUID.randomUUID().toString(), in, settledBefore, ago));
    }

    /** Where {@code settledBefore} was told just now. */
    public boolean open(TenantId tenant, PostedBalance balance, Duration in, Instant settledBefore) {
        return open(tenant, balance, in, settledBefore, Duration.ZERO);
    }

    /** Nothing is spent until it is opened again. Calls that hold credit go on. */
    public void close(TenantId tenant) {
        await(redis.hdel(Script.state(tenant), "epoch", "opens", "opening"));
    }

    /** Leaves nothing of a tenant that is gone. */
    public void forget(TenantId tenant) {
        await(redis.unlink(Script.keys(tenant).toArray(String[]::new)));
    }

    /** By the clock that the tenant's settlements are dated by: that of the node which has its keys. */
    public Instant now(TenantId tenant) {
        return await(clock.run(tenant));
    }

    private static long number(KeyValue<String, String> field) {
        return Long.parseLong(field.getValueOrElse("0"));
    }

    private static <T> T await(CompletionStage<T> answer) {
        try {
            return answer.toCompletableFuture().join();
        } catch (CompletionException | CancellationException e) {
            throw new CreditUnavailableException(e.getCause() == null ? e : e.getCause());
        }
    }
}
