package io.agentserver.billing.ledger;

import io.agentserver.envelope.TenantId;
import org.jspecify.annotations.Nullable;

import java.time.LocalDate;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * The money of every tenant: posting groups in, balances and usage out. Each group counts once, by its id, whoever
 * posts it again. Blocks on its store; safe on any thread.
 */
public final class Ledger {
    private final LedgerStore store;
    private final PostingListener listener;

    /** How many of the groups were new, and how many were there already. */
    public record Posted(int fresh, int repeated) {}

    public Ledger(LedgerStore store) {
        this(store, (tenant, groups) -> {});
    }

    /** @param listener told of every posting, whoever makes it */
    public Ledger(LedgerStore store, PostingListener listener) {
        this.store = store;
        this.listener = listener;
    }

    /** When this returns, all of them are durable; when it throws, some may be, and the caller posts all again. */
    public Posted post(List<PostingGroup> groups) {
        Map<TenantId, List<PostingGroup>> byTenant = groups.stream()
                .collect(Collectors.groupingBy(PostingGroup::tenant, LinkedHashMap::new, Collectors.toList()));
        int fresh = 0;
        for (Map.Entry<TenantId, List<PostingGroup>> each : byTenant.entrySet()) {
            fresh += store.post(each.getKey(), each.getValue()).size();
            listener.posted(each.getKey(), each.getValue());
        }
        return new Posted(fresh, groups.size() - fresh);
    }

    /** Durable when this returns. */
    public void keep(RejectedRecord rejected) {
        store.keep(rejected);
    }

    /**
     * A tenant's posting groups, by time. A group may take a second to be listed.
     *
     * @param cursor {@link StatementPage#next} of the page before, in the same order; null: from the first
     * @param limit 1 to 100
     * @throws IllegalArgumentException if the cursor is none
     */
    public StatementPage statement(
            TenantId tenant, Set<Book> books, LineOrder order, @Nullable String cursor, int limit) {
        LinePosition after = cursor == null ? null : LinePosition.ofCursor(cursor);
        List<PostingGroup> groups = books.stream()
                .flatMap(book -> store.list(tenant, book, order, after, limit + 1).stream())
                .sorted(Comparator.comparing(LinePosition::of, order))
                .toList();
        List<PostingGroup> page = groups.subList(0, Math.min(limit, groups.size()));
        String next = groups.size() > limit ? LinePosition.of(page.getLast()).cursor() : null;
        return new StatementPage(page.stream().map(StatementLine::of).toList(), next);
    }

    public Optional<PostingGroup> find(GroupId id) {
        return store.find(id);
    }

    public Balance balance(TenantId tenant) {
        return store.balance(tenant);
    }

    /** @param to inclusive */
    public UsageReport usage(TenantId tenant, LocalDate from, LocalDate to) {
        return UsageReport.of(store.usage(tenant, from, to));
    }

    /** Of a tenant that is gone: its sums of usage; its posting groups and its balance stay. Repeating it is harmless. */
    public void forgetUsage(TenantId tenant) {
        long freed;
        do {
            freed = store.forgetUsage(tenant);
        } while (freed > 0);
    }
}
