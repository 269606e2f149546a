package io.agentserver.billing.ledger;

import io.agentserver.envelope.TenantId;
import org.jspecify.annotations.Nullable;

import java.time.LocalDate;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Stream;

/**
 * Where the ledger is kept: posting groups for ever, and beside them, changed in the same step, each tenant's balance
 * and its usage by day, model and listener. Safe on any thread and in any number of processes. Throws what its
 * technology throws when it is away; then whatever was not returned may or may not have been written, and posting it
 * again is safe.
 */
public interface LedgerStore {

    /**
     * Posts those groups that are not there yet, each whole or not at all, however many writers race for it.
     *
     * @param groups of one tenant, any number; of two with one id the first counts
     * @return the ids that this call posted; all others were there before
     */
    Set<GroupId> post(TenantId tenant, List<PostingGroup> groups);

    Optional<PostingGroup> find(GroupId id);

    /**
     * A tenant's groups of one book, by time; what was posted a moment ago may be missing.
     *
     * @param after only those that come after it in that order; null: from its first
     */
    List<PostingGroup> list(TenantId tenant, Book book, LineOrder order, @Nullable LinePosition after, int limit);

    /** Every tenant that was ever posted for. */
    Set<TenantId> tenants();

    /**
     * Every group of every tenant, in no order, while others post: for audits.
     *
     * @param unreadable is given what is stored as a group and is none
     */
    void forEach(Consumer<PostingGroup> visitor, Consumer<UnreadableGroup> unreadable);

    Balance balance(TenantId tenant);

    /** @param to inclusive */
    List<UsageLine> usage(TenantId tenant, LocalDate from, LocalDate to);

    /**
     * Deletes usage by day, model and listener of a tenant that is gone, a part of it at most; its posting groups and its
     * balance stay.
     *
     * @return how many entries; 0: there are none left
     */
    long forgetUsage(TenantId tenant);

    /** The id of its customer at Stripe. */
    Optional<String> customer(TenantId tenant, boolean live);

    /** Keeps the first one; returns the one that is kept. */
    String keepCustomer(TenantId tenant, boolean live, String customer);

    /** Keeps another one in place of one that is gone, unless somebody has; returns the one that is kept. */
    String replaceCustomer(TenantId tenant, boolean live, String gone, String customer);

    /** Keeps it; the same record again is the same. */
    void keep(RejectedRecord rejected);

    /** All that was kept, in no order, read as the stream is. */
    Stream<RejectedRecord> rejected();

    /**
     * Which history of the ledger this is: {@link Balance#version versions} are comparable within one alone. It begins with a
     * new ledger and with one that was restored from a backup, whose versions have gone back.
     */
    String era();

    /** Keeps it unless a later one is kept. */
    void keep(Reconciled outcome);

    /** The last one, whoever found it. */
    Optional<Reconciled> reconciled();
}
