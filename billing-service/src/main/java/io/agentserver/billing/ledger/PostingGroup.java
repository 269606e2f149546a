package io.agentserver.billing.ledger;

import io.agentserver.envelope.TenantId;
import io.agentserver.usage.UsageRecord;
import org.jspecify.annotations.Nullable;

import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * The postings of one thing that happened to one tenant's money; they sum to 0, or there is no such group.
 *
 * @param at when it happened
 * @param postings none where no money moved
 * @param usage of an LLM call; null for anything else
 * @param note why it was posted, in an operator's words; null for what speaks for itself
 * @param batch the number of the tenant's {@link SealedBatch} that an LLM call is in, or will be once that is sealed; null
 *     before it is posted, of what an older version posted, and of anything but a call
 */
public record PostingGroup(
        GroupId id,
        TenantId tenant,
        Instant at,
        List<Posting> postings,
        @Nullable CallUsage usage,
        @Nullable String note,
        @Nullable Long batch) {
    /** Characters of a {@link #note}. */
    public static final int LONGEST_NOTE = 200;

    public PostingGroup {
        postings = List.copyOf(postings);
        MicroUsd sum = postings.stream().map(Posting::amount).reduce(MicroUsd.ZERO, MicroUsd::plus);
        if (!sum.isZero()) {
            throw new IllegalArgumentException("posting group " + id + " sums to " + sum + ", not to 0");
        }
        if (note != null && note.length() > LONGEST_NOTE) {
            throw new IllegalArgumentException(
                    "posting group " + id + ": a note of over " + LONGEST_NOTE + " characters");
        }
    }

    public PostingGroup(GroupId id, TenantId tenant, Instant at, List<Posting> postings, @Nullable CallUsage usage) {
        this(id, tenant, at, postings, usage, null, null);
    }

    /** Money for a tenant's credit out of an account of ours; below 0: back. */
    public static PostingGroup credit(
            GroupId id, TenantId tenant, Instant at, MicroUsd amount, Account from, @Nullable String note) {
        List<Posting> postings = new ArrayList<>();
        transfer(amount, from, Account.creditOf(tenant), postings);
        return new PostingGroup(id, tenant, at, postings, null, note, null);
    }

    /**
     * The group of one LLM call: the tenant's credit pays our revenue, and our cost is owed to the provider.
     *
     * @throws IllegalArgumentException if the record lacks something or holds an impossible value
     */
    public static PostingGroup of(UsageRecord call) {
        CallUsage usage = new CallUsage(
                present("model", call.model()),
                call.listener(),
                present("provider", call.provider()),
                call.conversation(),
                call.thread(),
                call.message(),
                call.inputTokens(),
                call.cachedInputTokens(),
                call.outputTokens(),
                call.estimated(),
                new MicroUsd(call.costMicrousd()),
                new MicroUsd(call.priceMicrousd()));
        TenantId tenant = new TenantId(present("tenant", call.tenant()));
        List<Posting> postings = new ArrayList<>();
        transfer(usage.price(), Account.creditOf(tenant), Account.LLM_REVENUE, postings);
        transfer(usage.cost(), Account.costOf(usage.provider()), Account.payableTo(usage.provider()), postings);
        return new PostingGroup(
                GroupId.ofReceipt(present("receipt", call.receipt())),
                tenant,
                present("at", call.at()),
                postings,
                usage);
    }

    /** One amount from one account to another; no postings if it is 0. */
    public static PostingGroup transfer(
            GroupId id, TenantId tenant, Instant at, MicroUsd amount, Account debit, Account credit) {
        List<Posting> postings = new ArrayList<>();
        transfer(amount, debit, credit, postings);
        return new PostingGroup(id, tenant, at, postings, null);
    }

    /** As it is posted while the tenant's batch of this number is open. What is no call is in none. */
    public PostingGroup in(long open) {
        return usage == null ? this : new PostingGroup(id, tenant, at, postings, usage, note, open);
    }

    /** The day, in UTC, that it counts for. */
    public LocalDate day() {
        return at.atZone(ZoneOffset.UTC).toLocalDate();
    }

    /** What it adds to the tenant's credit account, as a debit. */
    public MicroUsd toCredit() {
        Account credit = Account.creditOf(tenant);
        return postings.stream()
                .filter(p -> p.account().equals(credit))
                .map(Posting::amount)
                .reduce(MicroUsd.ZERO, MicroUsd::plus);
    }

    private static void transfer(MicroUsd amount, Account debit, Account credit, List<Posting> to) {
        if (!amount.isZero()) {
            to.add(new Posting(debit, amount));
            to.add(new Posting(credit, amount.negated()));
        }
    }

    /** JSON may lack what the record's type says is there. */
    private static <T> T present(String key, @Nullable T value) {
        if (Objects.isNull(value)) {
            throw new IllegalArgumentException(key + ": missing");
        }
        return Objects.requireNonNull(value);
    }
}
