package io.agentserver.billing.ledger;

import io.agentserver.envelope.TenantId;
import org.jspecify.annotations.Nullable;

import java.time.Instant;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.function.Consumer;
import java.util.stream.Stream;

/** The ledger of one process, gone when it ends: for tests and trials. Every call holds its one lock. */
public final class MemoryLedgerStore implements LedgerStore, MeterOutbox {
    private final Map<GroupId, PostingGroup> groups = new LinkedHashMap<>();
    private final Map<TenantId, Balance> balances = new HashMap<>();
    private final Map<UsageKey, UsageSum> usage = new HashMap<>();
    private final Map<Long, RejectedRecord> rejected = new LinkedHashMap<>();

    private final String era = UUID.randomUUID().toString();
    private @Nullable Reconciled reconciled;

    private final Map<String, String> customers = new HashMap<>();
    private final Map<TenantId, Batch> batches = new HashMap<>();
    private final Map<UUID, MeterBatch> pending = new LinkedHashMap<>();
    private final Map<UUID, MeterBatch> told = new LinkedHashMap<>();
    private final Map<UUID, SealedBatch> sealed = new LinkedHashMap<>();

    /** A batch that is not sealed yet. */
    private record Batch(long number, MicroUsd amount, long calls) {
        private static final Batch FIRST = new Batch(1, MicroUsd.ZERO, 0);

        Batch with(CallUsage call) {
            return new Batch(number, amount.plus(call.price()), calls + 1);
        }
    }

    private record UsageKey(
            TenantId tenant,
            LocalDate day,
            String model,
            @Nullable String listener) {}

    @Override
    public synchronized Set<GroupId> post(TenantId tenant, List<PostingGroup> candidates) {
        Set<GroupId> posted = new LinkedHashSet<>();
        for (PostingGroup candidate : candidates) {
            PostingGroup group = candidate.in(batch(tenant).number());
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
    public synchronized List<PostingGroup> list(
            TenantId tenant, Book book, LineOrder order, @Nullable LinePosition after, int limit) {
        return groups.values().stream()
                .filter(group ->
                        group.tenant().equals(tenant) && group.id().kind().book() == book)
                .filter(group -> order.isAfter(LinePosition.of(group), after))
                .sorted(Comparator.comparing(LinePosition::of, order))
                .limit(limit)
                .toList();
    }

    @Override
    public synchronized Set<TenantId> tenants() {
        return Set.copyOf(balances.keySet());
    }

    @Override
    public void forEach(Consumer<PostingGroup> visitor, Consumer<UnreadableGroup> unreadable) {
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
    public synchronized long forgetUsage(TenantId tenant) {
        long before = usage.size();
        usage.keySet().removeIf(key -> key.tenant().equals(tenant));
        return before - usage.size();
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
    public synchronized Optional<String> customer(TenantId tenant, boolean live) {
        return Optional.ofNullable(customers.get(tenant + "#" + live));
    }

    @Override
    public synchronized String keepCustomer(TenantId tenant, boolean live, String customer) {
        String before = customers.putIfAbsent(tenant + "#" + live, customer);
        return before == null ? customer : before;
    }

    @Override
    public synchronized String replaceCustomer(TenantId tenant, boolean live, String gone, String customer) {
        customers.replace(tenant + "#" + live, gone, customer);
        return customer(tenant, live).orElseThrow();
    }

    @Override
    public synchronized void seal(TenantId tenant, UUID id, Instant at) {
        Batch batch = batch(tenant);
        MicroUsd amount = batch.amount();
        if (!amount.isZero()) {
            pending.put(id, new MeterBatch(id, tenant, at, amount, null));
            sealed.put(id, new SealedBatch(batch.number(), id, tenant, at, amount, amount, batch.calls()));
            batches.put(tenant, new Batch(batch.number() + 1, MicroUsd.ZERO, 0));
        }
    }

    @Override
    public synchronized List<MeterBatch> pending(TenantId tenant) {
        return pending.values().stream()
                .filter(batch -> batch.tenant().equals(tenant))
                .toList();
    }

    @Override
    public synchronized void tried(MeterBatch batch, Instant at) {
        pending.computeIfPresent(batch.id(), (_, b) -> b.firstTried() == null ? b.withFirstTried(at) : b);
    }

    @Override
    public synchronized void untried(MeterBatch batch) {
        pending.computeIfPresent(batch.id(), (_, b) -> b.withFirstTried(null));
    }

    @Override
    public synchronized void told(MeterBatch batch) {
        if (pending.remove(batch.id()) != null) {
            told.put(batch.id(), batch);
        }
    }

    @Override
    public synchronized Totals totals(TenantId tenant) {
        return new Totals(batch(tenant).amount(), sum(tenant, pending.values()), sum(tenant, told.values()));
    }

    @Override
    public synchronized Open open(TenantId tenant) {
        Batch batch = batch(tenant);
        return new Open(batch.number(), batch.amount(), batch.amount(), null, null);
    }

    @Override
    public synchronized Optional<SealedBatch> sealed(TenantId tenant, long number) {
        return sealed.values().stream()
                .filter(batch -> batch.tenant().equals(tenant) && batch.number() == number)
                .findFirst();
    }

    @Override
    public synchronized Optional<SealedBatch> sealed(UUID id) {
        return Optional.ofNullable(sealed.get(id));
    }

    @Override
    public void forEachSealed(TenantId tenant, Consumer<SealedBatch> visitor) {
        List<SealedBatch> all;
        synchronized (this) {
            all = List.copyOf(sealed.values());
        }
        all.stream().filter(batch -> batch.tenant().equals(tenant)).forEach(visitor);
    }

    @Override
    public void forEachEvent(TenantId tenant, Consumer<MeterBatch> visitor) {
        List<MeterBatch> all;
        synchronized (this) {
            all = Stream.concat(pending.values().stream(), told.values().stream())
                    .toList();
        }
        all.stream().filter(batch -> batch.tenant().equals(tenant)).forEach(visitor);
    }

    @Override
    public synchronized boolean isTold(SealedBatch batch) {
        return told.containsKey(batch.id());
    }

    private Batch batch(TenantId tenant) {
        return batches.getOrDefault(tenant, Batch.FIRST);
    }

    private static MicroUsd sum(TenantId tenant, Collection<MeterBatch> batches) {
        return batches.stream()
                .filter(batch -> batch.tenant().equals(tenant))
                .map(MeterBatch::amount)
                .reduce(MicroUsd.ZERO, MicroUsd::plus);
    }

    @Override
    public synchronized void keep(RejectedRecord record) {
        rejected.put((long) record.partition() << 48 | record.offset(), record);
    }

    @Override
    public synchronized Stream<RejectedRecord> rejected() {
        return List.copyOf(rejected.values()).stream();
    }

    @Override
    public String era() {
        return era;
    }

    @Override
    public synchronized void keep(Reconciled outcome) {
        if (reconciled == null || reconciled.at().isBefore(outcome.at())) {
            reconciled = outcome;
        }
    }

    @Override
    public synchronized Optional<Reconciled> reconciled() {
        return Optional.ofNullable(reconciled);
    }

    private void count(PostingGroup group) {
        balances.merge(
                group.tenant(),
                new Balance(group.toCredit().negated(), 1),
                (before, change) -> new Balance(before.credit().plus(change.credit()), before.version() + 1));
        CallUsage call = group.usage();
        if (call != null) {
            batches.put(group.tenant(), batch(group.tenant()).with(call));
            usage.merge(
                    new UsageKey(group.tenant(), group.day(), call.model(), call.listener()),
                    UsageSum.of(call),
                    UsageSum::plus);
        }
    }
}
