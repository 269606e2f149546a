package io.agentserver.billing.credit;

import io.agentserver.billing.ledger.Balance;
import io.agentserver.billing.ledger.GroupId;
import io.agentserver.billing.ledger.LedgerStore;
import io.agentserver.billing.ledger.PostingGroup;
import io.agentserver.billing.ledger.PostingListener;
import io.agentserver.credit.Credit;
import io.agentserver.credit.CreditUnavailableException;
import io.agentserver.credit.PostedBalance;
import io.agentserver.envelope.TenantId;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Postings in, posted balances in Redis out: on the poster's thread, after the ledger's transaction, with the receipts that
 * the balance accounts for. Redis being away fails no posting; what it has not heard is told again by {@link #retry}. Only
 * when more than {@value #MOST_WAITING} receipts wait does posting more of them fail, and so wait too: the log keeps them
 * better than this process' memory. Safe on any thread and in any number of processes; a balance is written over an older
 * one of the same era only. One that is older than what was told before shows that the ledger was restored.
 */
public final class CreditPublisher implements PostingListener {
    static final int MOST_WAITING = 100_000;

    private static final Logger LOG = LoggerFactory.getLogger(CreditPublisher.class);
    private static final String RECEIPT =
            GroupId.ofReceipt(new UUID(0, 0)).value().split(":", 2)[0] + ":";
    private static final int AT_ONCE = 1_000;

    private final LedgerStore store;
    private final Credit credit;
    private final Map<TenantId, Set<UUID>> waiting = new ConcurrentHashMap<>();
    private final Map<TenantId, Long> versions = new ConcurrentHashMap<>();
    private volatile String era;
    private volatile boolean away;

    public CreditPublisher(LedgerStore store, Credit credit) {
        this.store = store;
        this.credit = credit;
        this.era = store.era();
    }

    /** @throws CreditUnavailableException if there are receipts, and Redis has not taken a great many before */
    @Override
    public void posted(TenantId tenant, List<PostingGroup> groups) {
        Set<UUID> receipts = ConcurrentHashMap.newKeySet();
        groups.forEach(group -> receipt(group.id()).ifPresent(receipts::add));
        if (!receipts.isEmpty() && isFull()) {
            retry(); // or nobody would find out that Redis is back while nothing can be posted
        }
        if (!receipts.isEmpty() && isFull()) {
            throw new CreditUnavailableException(new IllegalStateException("Redis is away and has not heard of "
                    + MOST_WAITING + " receipts: nothing more is posted until it is back"));
        }
        publish(tenant, receipts);
    }

    private boolean isFull() {
        return waiting.values().stream().mapToInt(Set::size).sum() > MOST_WAITING;
    }

    /** Tells again what Redis has not taken. */
    void retry() {
        for (TenantId tenant : List.copyOf(waiting.keySet())) {
            Set<UUID> receipts = waiting.remove(tenant);
            if (receipts != null) {
                publish(tenant, receipts);
            }
        }
    }

    /** The balance as the ledger has it now. */
    PostedBalance balance(TenantId tenant) {
        Balance balance = store.balance(tenant);
        return new PostedBalance(balance.credit().value(), balance.version(), era);
    }

    /** Which era the ledger is in, as far as this process knows. */
    String era() {
        return era;
    }

    /** Asks the ledger for its era again; what was told of another one counts no more. */
    synchronized void refreshEra() {
        String now = store.era();
        if (!now.equals(era)) {
            LOG.warn("the ledger is another one than before: era {} after {}", now, era);
            era = now;
            versions.clear();
        }
    }

    /** The newest versions that this process has told Redis and Redis has taken, as of now. */
    Map<TenantId, Long> told() {
        return Map.copyOf(versions);
    }

    /** What this process keeps of a tenant that is gone. */
    void forget(TenantId tenant) {
        versions.remove(tenant);
        waiting.remove(tenant);
    }

    void told(TenantId tenant, PostedBalance balance) {
        if (balance.era().equals(era)) {
            versions.merge(tenant, balance.version(), Math::max);
        }
    }

    private void publish(TenantId tenant, Set<UUID> receipts) {
        try {
            PostedBalance balance = balance(tenant);
            if (balance.version() < versions.getOrDefault(tenant, 0L)) {
                refreshEra(); // versions grow, but for a ledger that was restored while this process lived
                balance = balance(tenant);
            }
            List<UUID> all = List.copyOf(receipts);
            for (int from = 0; from == 0 || from < all.size(); from += AT_ONCE) {
                credit.posted(tenant, balance, all.subList(from, Math.min(from + AT_ONCE, all.size())));
            }
            told(tenant, balance);
            away = false;
        } catch (CreditUnavailableException notNow) {
            if (!away) {
                LOG.warn("Redis is away: balances are told when it is back", notNow);
            }
            away = true;
            keep(tenant, receipts);
        } catch (RuntimeException e) {
            keep(tenant, receipts); // the ledger's store is away: what it has is told when it is back
            throw e;
        }
    }

    private void keep(TenantId tenant, Set<UUID> receipts) {
        waiting.merge(tenant, receipts, (some, more) -> {
            some.addAll(more);
            return some;
        });
    }

    private static Optional<UUID> receipt(GroupId id) {
        return id.value().startsWith(RECEIPT)
                ? Optional.of(UUID.fromString(id.value().substring(RECEIPT.length())))
                : Optional.empty();
    }
}
