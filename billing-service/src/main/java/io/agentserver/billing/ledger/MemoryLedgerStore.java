package io.agentserver.billing.ledger;

import io.agentserver.envelope.TenantId;
import org.jspecify.annotations.Nullable;

import java.time.LocalDate;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;

/** The ledger of one process, gone when it ends: for tests and trials. Every call holds its one lock. */
public final class MemoryLedgerStore implements LedgerStore {
    private final Map<GroupId, PostingGroup> groups = new LinkedHashMap<>();
    private final Map<TenantId, Balance> balances = new HashMap<>();
    private final Map<UsageKey, UsageSum> usage = new HashMap<>();
    private final Map<Long, RejectedRecord> rejected = new LinkedHashMap<>();

    private record UsageKey(
            TenantId tenant,
            LocalDate day,
            String model,
            @Nullable String listener) {}

    @Override
    public synchronized Set<GroupId> post(TenantId tenant, List<PostingGroup> candidates) {
        Set<GroupId> posted = new LinkedHashSet<>();
        for (PostingGroup group : candidates) {
            if (groups.putIfAbsent(group.id(), group) == null) {
                posted.add(group.id());
                count(group);
            }
        }
        return posted;
    }

    @Override
    public synchronized Optional<PostingGroup> find(GroupId id) {
        return Optional.ofNullable(groups.get(id));
    }

    @Override
    public synchronized List<PostingGroup> newest(
            TenantId tenant, Book book, @Nullable LinePosition before, int limit) {
        return groups.values().stream()
                .filter(group -> group.tenant().equals(tenant) && group.id().kind().book() == book)
                .filter(group -> before == null || LinePosition.of(group).compareTo(before) < 0)
                .sorted(Comparator.comparing(LinePosition::of).reversed())
                .limit(limit)
                .toList();
    }

    @Override
    public synchronized Set<TenantId> tenants() {
        return Set.copyOf(balances.keySet());
    }

    @Override
    public void forEach(Consumer<PostingGroup> visitor) {
        List<PostingGroup> all;
        synchronized (this) {
            all = List.copyOf(groups.values());
        }
        all.forEach(visitor);
    }

    @Override
    public synchronized Balance balance(TenantId tenant) {
        return balances.getOrDefault(tenant, Balance.NONE);
    }

    @Override
    public synchronized List<UsageLine> usage(TenantId tenant, LocalDate from, LocalDate to) {
        List<UsageLine> lines = new ArrayList<>();
        usage.forEach((key, sum) -> {
            if (key.tenant().equals(tenant)
                    && !key.day().isBefore(from)
                    && !key.day().isAfter(to)) {
                lines.add(new UsageLine(key.day(), key.model(), key.listener(), sum));
            }
        });
        return lines;
    }

    @Override
    public synchronized void keep(RejectedRecord record) {
        rejected.put((long) record.partition() << 48 | record.offset(), record);
    }

    @Override
    public synchronized List<RejectedRecord> rejected() {
        return List.copyOf(rejected.values());
    }

    private void count(PostingGroup group) {
        balances.merge(
                group.tenant(),
                new Balance(group.toCredit().negated(), 1),
                (before, change) -> new Balance(before.credit().plus(change.credit()), before.version() + 1));
        CallUsage call = group.usage();
        if (call != null) {
            usage.merge(
                    new UsageKey(group.tenant(), group.day(), call.model(), call.listener()),
                    UsageSum.of(call),
                    UsageSum::plus);
        }
    }
}
