package io.agentserver.billing.ledger.dynamo;

import io.agentserver.billing.ledger.Balance;
import io.agentserver.billing.ledger.Book;
import io.agentserver.billing.ledger.CallUsage;
import io.agentserver.billing.ledger.GroupId;
import io.agentserver.billing.ledger.LedgerStore;
import io.agentserver.billing.ledger.LineOrder;
import io.agentserver.billing.ledger.LinePosition;
import io.agentserver.billing.ledger.MicroUsd;
import io.agentserver.billing.ledger.PostingGroup;
import io.agentserver.billing.ledger.Reconciled;
import io.agentserver.billing.ledger.RejectedRecord;
import io.agentserver.billing.ledger.UnreadableGroup;
import io.agentserver.billing.ledger.UsageLine;
import io.agentserver.billing.ledger.UsageSum;
import io.agentserver.envelope.Ids;
import io.agentserver.envelope.TenantId;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;
import software.amazon.awssdk.services.dynamodb.model.AttributeValue;
import software.amazon.awssdk.services.dynamodb.model.CancellationReason;
import software.amazon.awssdk.services.dynamodb.model.ConditionalCheckFailedException;
import software.amazon.awssdk.services.dynamodb.model.DynamoDbException;
import software.amazon.awssdk.services.dynamodb.model.TransactWriteItem;
import software.amazon.awssdk.services.dynamodb.model.TransactionCanceledException;

import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.YearMonth;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

import static java.util.stream.Collectors.groupingBy;
import static java.util.stream.Collectors.mapping;
import static java.util.stream.Collectors.reducing;

/**
 * The ledger in one DynamoDB table ({@link LedgerTable}). Up to 25 groups of a tenant go in one transaction with its
 * balance and its usage; each group's put holds only if the group is not there, and that makes every write idempotent.
 * Reads are consistent. Safe on any thread.
 */
public final class DynamoLedgerStore implements LedgerStore {
    // 25 puts, at most 25 usage lines and the balance stay under the 100 items of a transaction
    private static final int MOST_GROUPS = 25;
    static final int MOST_ATTEMPTS = 12;
    private static final int MOST_FORGOTTEN = 1_000;
    static final long FIRST_BATCH = 1;
    private static final Duration FIRST_WAIT = Duration.ofMillis(10);
    private static final Duration LONGEST_WAIT = Duration.ofMillis(500);

    private final DynamoDbClient dynamo;
    private final Set<TenantId> enlisted = ConcurrentHashMap.newKeySet();

    /** The number of each tenant's open batch when this process last looked; posting finds out whether it still is. */
    private final Map<TenantId, Long> batches = new ConcurrentHashMap<>();

    private record UsageKey(
            LocalDate day, String model, @Nullable String listener) {
        /** A hash, for names of models have any length and any characters; the names are attributes of the item. */
        String sortKey() {
            String names = model + "\n" + Objects.requireNonNullElse(listener, "");
            return LedgerTable.USAGE + day + "#" + Ids.v5(new java.util.UUID(0, 0), names);
        }
    }

    public DynamoLedgerStore(DynamoDbClient dynamo) {
        this.dynamo = dynamo;
    }

    @Override
    public Set<GroupId> post(TenantId tenant, List<PostingGroup> groups) {
        Map<GroupId, PostingGroup> distinct = new LinkedHashMap<>();
        for (PostingGroup group : groups) {
            if (!group.tenant().equals(tenant)) {
                throw new IllegalArgumentException("posting group " + group.id() + " is not " + tenant + "'s");
            }
            distinct.putIfAbsent(group.id(), group);
        }
        enlist(tenant);
        List<PostingGroup> all = List.copyOf(distinct.values());
        Set<GroupId> posted = new LinkedHashSet<>();
        for (int from = 0; from < all.size(); from += MOST_GROUPS) {
            posted.addAll(postTogether(tenant, all.subList(from, Math.min(from + MOST_GROUPS, all.size()))));
        }
        return posted;
    }

    @Override
    public Optional<PostingGroup> find(GroupId id) {
        Map<String, AttributeValue> item = item(LedgerTable.groupKey(id.value()), LedgerTable.GROUP);
        return item.isEmpty() ? Optional.empty() : Optional.of(LedgerItems.group(item));
    }

    @Override
    public List<PostingGroup> list(
            TenantId tenant, Book book, LineOrder order, @Nullable LinePosition after, int limit) {
        return switch (book) {
            case MONEY -> list(LedgerTable.moneyBook(tenant.value()), order, after, limit);
            case CALLS -> listCalls(tenant, order, after, limit);
        };
    }

    /** Month by month through those that have calls. */
    private List<PostingGroup> listCalls(TenantId tenant, LineOrder order, @Nullable LinePosition after, int limit) {
        boolean forwards = order == LineOrder.OLDEST_FIRST;
        List<PostingGroup> found = new ArrayList<>();
        Optional<YearMonth> first = callsMonth(tenant, forwards);
        Optional<YearMonth> last = callsMonth(tenant, !forwards);
        if (first.isEmpty() || last.isEmpty()) {
            return found;
        }
        Comparator<YearMonth> direction = forwards ? Comparator.naturalOrder() : Comparator.reverseOrder();
        YearMonth month = first.get();
        if (after != null) {
            YearMonth start = YearMonth.from(after.time().atZone(ZoneOffset.UTC));
            month = direction.compare(start, month) > 0 ? start : month;
        }
        for (;
                direction.compare(month, last.get()) <= 0 && found.size() < limit;
                month = month.plusMonths(forwards ? 1 : -1)) {
            found.addAll(list(LedgerTable.callsBook(tenant.value(), month), order, after, limit - found.size()));
        }
        return found;
    }

    private List<PostingGroup> list(String book, LineOrder order, @Nullable LinePosition after, int limit) {
        boolean forwards = order == LineOrder.OLDEST_FIRST;
        // "!" is before every digit of a time, "~" after it
        String from = after != null ? after.key() : forwards ? "!" : "~";
        return dynamo
                .queryPaginator(request -> request.tableName(LedgerTable.NAME)
                        .indexName(LedgerTable.BY_TIME)
                        .scanIndexForward(forwards)
                        .limit(limit)
                        .keyConditionExpression("book = :book AND line " + (forwards ? ">" : "<") + " :from")
                        .expressionAttributeValues(
                                Map.of(":book", AttributeValue.fromS(book), ":from", AttributeValue.fromS(from))))
                .items()
                .stream()
                .limit(limit)
                .map(LedgerItems::group)
                .toList();
    }

    /** By its sums of usage, and by what {@link #keepMonths} kept of those that are gone. */
    private Optional<YearMonth> callsMonth(TenantId tenant, boolean first) {
        return Stream.concat(usageMonth(tenant, first).stream(), keptMonth(tenant, first).stream())
                .min(first ? Comparator.naturalOrder() : Comparator.reverseOrder());
    }

    private Optional<YearMonth> keptMonth(TenantId tenant, boolean first) {
        return Optional.ofNullable(item(LedgerTable.tenantKey(tenant.value()), LedgerTable.MONTHS)
                        .get(first ? "first" : "last"))
                .map(month -> YearMonth.parse(month.s()));
    }

    /** Before any sum of usage goes, so that the calls can still be listed. */
    private void keepMonths(TenantId tenant) {
        usageMonth(tenant, true).ifPresent(month -> widen(tenant, "first", "#end > :month", month));
        usageMonth(tenant, false).ifPresent(month -> widen(tenant, "last", "#end < :month", month));
    }

    /** Who deletes at the same time may have seen other sums: neither takes back what the other has kept. */
    private void widen(TenantId tenant, String end, String wider, YearMonth month) {
        try {
            dynamo.updateItem(request -> request.tableName(LedgerTable.NAME)
                    .key(key(LedgerTable.tenantKey(tenant.value()), LedgerTable.MONTHS))
                    .conditionExpression("attribute_not_exists(#end) OR " + wider)
                    .updateExpression("SET #end = :month")
                    .expressionAttributeNames(Map.of("#end", end))
                    .expressionAttributeValues(Map.of(":month", AttributeValue.fromS(month.toString()))));
        } catch (ConditionalCheckFailedException wideEnough) {
            // kept by an earlier deletion, or by another at the same time
            return;
        }
    }

    private Optional<YearMonth> usageMonth(TenantId tenant, boolean first) {
        return dynamo
                .query(request -> request.tableName(LedgerTable.NAME)
                        .consistentRead(true)
                        .scanIndexForward(first)
                        .limit(1)
                        .keyConditionExpression("pk = :tenant AND begins_with(sk, :usage)")
                        .expressionAttributeValues(Map.of(
                                ":tenant",
                                AttributeValue.fromS(LedgerTable.tenantKey(tenant.value())),
                                ":usage",
                                AttributeValue.fromS(LedgerTable.USAGE))))
                .items()
                .stream()
                .findFirst()
                .map(item -> YearMonth.from(LedgerItems.usageLine(item).day()));
    }

    @Override
    public Set<TenantId> tenants() {
        return dynamo
                .queryPaginator(request -> request.tableName(LedgerTable.NAME)
                        .consistentRead(true)
                        .keyConditionExpression("pk = :tenants")
                        .expressionAttributeValues(Map.of(":tenants", AttributeValue.fromS(LedgerTable.TENANTS))))
                .items()
                .stream()
                .map(item -> new TenantId(
                        Objects.requireNonNull(item.get(LedgerTable.SK)).s()))
                .collect(Collectors.toUnmodifiableSet());
    }

    @Override
    public void forEach(Consumer<PostingGroup> visitor, Consumer<UnreadableGroup> unreadable) {
        dynamo
                .scanPaginator(request -> request.tableName(LedgerTable.NAME)
                        .consistentRead(true)
                        .filterExpression("sk = :group")
                        .expressionAttributeValues(Map.of(":group", AttributeValue.fromS(LedgerTable.GROUP))))
                .items()
                .stream()
                .forEach(item -> read(item, visitor, unreadable));
    }

    private static void read(
            Map<String, AttributeValue> item, Consumer<PostingGroup> visitor, Consumer<UnreadableGroup> unreadable) {
        PostingGroup group;
        try {
            group = LedgerItems.group(item);
        } catch (IllegalArgumentException | IllegalStateException | ArithmeticException | DateTimeException broken) {
            unreadable.accept(LedgerItems.unreadable(item, broken));
            return;
        }
        visitor.accept(group);
    }

    @Override
    public Balance balance(TenantId tenant) {
        Map<String, AttributeValue> item = item(LedgerTable.tenantKey(tenant.value()), LedgerTable.BALANCE);
        return item.isEmpty()
                ? Balance.NONE
                : new Balance(
                        new MicroUsd(LedgerItems.number(item, "credit_microusd")), LedgerItems.number(item, "version"));
    }

    @Override
    public List<UsageLine> usage(TenantId tenant, LocalDate from, LocalDate to) {
        return dynamo
                .queryPaginator(request -> request.tableName(LedgerTable.NAME)
                        .consistentRead(true)
                        .keyConditionExpression("pk = :tenant AND sk BETWEEN :from AND :to")
                        .expressionAttributeValues(Map.of(
                                ":tenant",
                                AttributeValue.fromS(LedgerTable.tenantKey(tenant.value())),
                                ":from",
                                AttributeValue.fromS(LedgerTable.USAGE + from + "#"),
                                ":to",
                                // "~" is after every digit of a hash
                                AttributeValue.fromS(LedgerTable.USAGE + to + "#~"))))
                .items()
                .stream()
                .map(LedgerItems::usageLine)
                .toList();
    }

    @Override
    public long forgetUsage(TenantId tenant) {
        List<Map<String, AttributeValue>> keys = dynamo.query(request -> request.tableName(LedgerTable.NAME)
                        .consistentRead(true)
                        .keyConditionExpression("pk = :pk AND begins_with(sk, :usage)")
                        .projectionExpression("pk, sk")
                        .expressionAttributeValues(Map.of(
                                ":pk", AttributeValue.fromS(LedgerTable.tenantKey(tenant.value())),
                                ":usage", AttributeValue.fromS(LedgerTable.USAGE)))
                        .limit(MOST_FORGOTTEN))
                .items();
        if (!keys.isEmpty()) {
            keepMonths(tenant);
        }
        DynamoTables.delete(dynamo, LedgerTable.NAME, keys);
        return keys.size();
    }

    @Override
    public Optional<String> customer(TenantId tenant, boolean live) {
        Map<String, AttributeValue> item = item(LedgerTable.tenantKey(tenant.value()), LedgerTable.customerKey(live));
        return item.isEmpty()
                ? Optional.empty()
                : Optional.of(Objects.requireNonNull(item.get("customer")).s());
    }

    @Override
    public String keepCustomer(TenantId tenant, boolean live, String customer) {
        Map<String, AttributeValue> item =
                new HashMap<>(key(LedgerTable.tenantKey(tenant.value()), LedgerTable.customerKey(live)));
        item.put("customer", AttributeValue.fromS(customer));
        try {
            dynamo.putItem(request ->
                    request.tableName(LedgerTable.NAME).item(item).conditionExpression("attribute_not_exists(pk)"));
            return customer;
        } catch (ConditionalCheckFailedException another) {
            return customer(tenant, live).orElseThrow();
        }
    }

    @Override
    public String replaceCustomer(TenantId tenant, boolean live, String gone, String customer) {
        Map<String, AttributeValue> item =
                new HashMap<>(key(LedgerTable.tenantKey(tenant.value()), LedgerTable.customerKey(live)));
        item.put("customer", AttributeValue.fromS(customer));
        try {
            dynamo.putItem(request -> request.tableName(LedgerTable.NAME)
                    .item(item)
                    .conditionExpression("customer = :gone")
                    .expressionAttributeValues(Map.of(":gone", AttributeValue.fromS(gone))));
            return customer;
        } catch (ConditionalCheckFailedException replacedMeanwhile) {
            return customer(tenant, live).orElseThrow();
        }
    }

    @Override
    public void keep(RejectedRecord rejected) {
        dynamo.putItem(request -> request.tableName(LedgerTable.NAME).item(LedgerItems.ofRejected(rejected)));
    }

    @Override
    public Stream<RejectedRecord> rejected() {
        return dynamo
                .queryPaginator(request -> request.tableName(LedgerTable.NAME)
                        .consistentRead(true)
                        .keyConditionExpression("pk = :rejected")
                        .expressionAttributeValues(Map.of(":rejected", AttributeValue.fromS(LedgerTable.REJECTED))))
                .items()
                .stream()
                .map(LedgerItems::rejected);
    }

    @Override
    public String era() {
        return LedgerEra.of(dynamo);
    }

    @Override
    public void keep(Reconciled outcome) {
        Map<String, AttributeValue> item = new HashMap<>(key(LedgerTable.RECONCILED, LedgerTable.LAST));
        item.put("at_ms", LedgerItems.number(outcome.at().toEpochMilli()));
        item.put("differences", LedgerItems.number(outcome.differences()));
        try {
            dynamo.putItem(request -> request.tableName(LedgerTable.NAME)
                    .item(item)
                    .conditionExpression("attribute_not_exists(pk) OR at_ms < :at")
                    .expressionAttributeValues(
                            Map.of(":at", LedgerItems.number(outcome.at().toEpochMilli()))));
        } catch (ConditionalCheckFailedException laterIsKept) {
            // which is what was wanted
            return;
        }
    }

    @Override
    public Optional<Reconciled> reconciled() {
        Map<String, AttributeValue> item = item(LedgerTable.RECONCILED, LedgerTable.LAST);
        return item.isEmpty()
                ? Optional.empty()
                : Optional.of(new Reconciled(
                        Instant.ofEpochMilli(LedgerItems.number(item, "at_ms")),
                        LedgerItems.number(item, "differences")));
    }

    /** Before its first posting, so that none is ever missing; once in this store's life. */
    private void enlist(TenantId tenant) {
        if (!enlisted.contains(tenant)) {
            dynamo.putItem(
                    request -> request.tableName(LedgerTable.NAME).item(key(LedgerTable.TENANTS, tenant.value())));
            enlisted.add(tenant);
        }
    }

    /**
     * Drops what turns out to be there and tries again with the rest; takes the next batch where its own was sealed, and
     * waits where another transaction is in the way.
     */
    private Set<GroupId> postTogether(TenantId tenant, List<PostingGroup> groups) {
        List<PostingGroup> missing = List.copyOf(groups);
        int attempt = 1;
        while (!missing.isEmpty()) {
            long batch = batchOf(tenant);
            List<TransactWriteItem> items = transaction(tenant, missing, batch);
            try {
                dynamo.transactWriteItems(request -> request.transactItems(items));
                return missing.stream().map(PostingGroup::id).collect(Collectors.toSet());
            } catch (TransactionCanceledException cancelled) {
                List<PostingGroup> left = withoutPosted(missing, cancelled.cancellationReasons());
                boolean sealed = isConditionOf(missing.size(), cancelled) && lookForBatch(tenant) != batch;
                if (left.size() == missing.size() && !sealed) {
                    if (isInvalid(cancelled)) {
                        throw untakable(cancelled);
                    }
                    if (!mayPass(cancelled) || attempt == MOST_ATTEMPTS) {
                        throw cancelled;
                    }
                    pause(attempt++);
                }
                missing = left;
            } catch (DynamoDbException refused) {
                if (refused.awsErrorDetails() != null
                        && refused.awsErrorDetails().errorCode().equals("ValidationException")) {
                    throw untakable(refused);
                }
                throw refused;
            }
        }
        return Set.of();
    }

    /** The groups' puts first, the balance after them. */
    private static List<TransactWriteItem> transaction(TenantId tenant, List<PostingGroup> groups, long batch) {
        List<TransactWriteItem> items = new ArrayList<>();
        for (PostingGroup group : groups) {
            items.add(TransactWriteItem.builder()
                    .put(put -> put.tableName(LedgerTable.NAME)
                            .item(LedgerItems.ofGroup(group.in(batch)))
                            .conditionExpression("attribute_not_exists(pk)"))
                    .build());
        }
        items.add(changeBalance(tenant, groups, batch));
        usageOf(groups).forEach((key, sum) -> items.add(addUsage(tenant, key, sum)));
        return items;
    }

    /** Where there are calls it holds only while their batch is open; what an older version's posting adds has no number. */
    private static TransactWriteItem changeBalance(TenantId tenant, List<PostingGroup> groups, long batch) {
        MicroUsd debits = groups.stream().map(PostingGroup::toCredit).reduce(MicroUsd.ZERO, MicroUsd::plus);
        long calls = groups.stream().filter(group -> group.usage() != null).count();
        Map<String, AttributeValue> values = new HashMap<>(
                Map.of(":change", LedgerItems.number(debits.negated().value()), ":one", LedgerItems.number(1)));
        String expression = "ADD credit_microusd :change, version :one";
        if (calls > 0) {
            values.put(":batch", LedgerItems.number(batch));
            values.put(":used", LedgerItems.number(usedBy(groups).value()));
            values.put(":calls", LedgerItems.number(calls));
            expression = "SET " + LedgerTable.METER_BATCH + " = :batch " + expression + ", " + LedgerTable.OPEN_USAGE
                    + " :used, " + LedgerTable.NAMED_USAGE + " :used, " + LedgerTable.NAMED_CALLS + " :calls";
        }
        String changes = expression;
        return TransactWriteItem.builder()
                .update(update -> {
                    update.tableName(LedgerTable.NAME)
                            .key(key(LedgerTable.tenantKey(tenant.value()), LedgerTable.BALANCE))
                            .updateExpression(changes)
                            .expressionAttributeValues(values);
                    if (calls > 0) {
                        update.conditionExpression("attribute_not_exists(" + LedgerTable.METER_BATCH + ") OR "
                                + LedgerTable.METER_BATCH + " = :batch");
                    }
                })
                .build();
    }

    private long batchOf(TenantId tenant) {
        Long known = batches.get(tenant);
        return known == null ? lookForBatch(tenant) : known;
    }

    private long lookForBatch(TenantId tenant) {
        Map<String, AttributeValue> balance = item(LedgerTable.tenantKey(tenant.value()), LedgerTable.BALANCE);
        long open = balance.containsKey(LedgerTable.METER_BATCH)
                ? LedgerItems.number(balance, LedgerTable.METER_BATCH)
                : FIRST_BATCH;
        batches.put(tenant, open);
        return open;
    }

    private static MicroUsd usedBy(List<PostingGroup> groups) {
        return groups.stream()
                .map(PostingGroup::usage)
                .filter(Objects::nonNull)
                .map(call -> Objects.requireNonNull(call).price())
                .reduce(MicroUsd.ZERO, MicroUsd::plus);
    }

    private static Map<UsageKey, UsageSum> usageOf(List<PostingGroup> groups) {
        return groups.stream()
                .filter(group -> group.usage() != null)
                .collect(groupingBy(
                        group -> new UsageKey(
                                group.day(), call(group).model(), call(group).listener()),
                        LinkedHashMap::new,
                        mapping(group -> UsageSum.of(call(group)), reducing(UsageSum.NONE, UsageSum::plus))));
    }

    private static CallUsage call(PostingGroup group) {
        return Objects.requireNonNull(group.usage());
    }

    private static TransactWriteItem addUsage(TenantId tenant, UsageKey key, UsageSum sum) {
        Map<String, AttributeValue> values = new LinkedHashMap<>();
        values.put(":day", AttributeValue.fromS(key.day().toString()));
        values.put(":model", AttributeValue.fromS(key.model()));
        values.put(":calls", LedgerItems.number(sum.calls()));
        values.put(":input", LedgerItems.number(sum.inputTokens()));
        values.put(":cached", LedgerItems.number(sum.cachedInputTokens()));
        values.put(":output", LedgerItems.number(sum.outputTokens()));
        values.put(":cost", LedgerItems.number(sum.cost().value()));
        values.put(":price", LedgerItems.number(sum.price().value()));
        String names = "#day = :day, #model = :model";
        if (key.listener() != null) {
            values.put(":listener", AttributeValue.fromS(key.listener()));
            names += ", listener = :listener";
        }
        String expression = "SET " + names + " ADD calls :calls, input_tokens :input, cached_input_tokens :cached, "
                + "output_tokens :output, cost_microusd :cost, price_microusd :price";
        return TransactWriteItem.builder()
                .update(update -> update.tableName(LedgerTable.NAME)
                        .key(key(LedgerTable.tenantKey(tenant.value()), key.sortKey()))
                        .updateExpression(expression)
                        .expressionAttributeNames(Map.of("#day", "day", "#model", "model"))
                        .expressionAttributeValues(values))
                .build();
    }

    /** The reasons stand in the order of the transaction's items, whose first are the groups. */
    private static List<PostingGroup> withoutPosted(List<PostingGroup> groups, List<CancellationReason> reasons) {
        return IntStream.range(0, groups.size())
                .filter(i -> !reasons.get(i).code().equals("ConditionalCheckFailed"))
                .mapToObj(groups::get)
                .toList();
    }

    private static boolean isConditionOf(int item, TransactionCanceledException cancelled) {
        List<CancellationReason> reasons = cancelled.cancellationReasons();
        return reasons.size() > item && reasons.get(item).code().equals("ConditionalCheckFailed");
    }

    private static boolean isInvalid(TransactionCanceledException cancelled) {
        return cancelled.cancellationReasons().stream()
                .anyMatch(reason -> reason.code().equals("ValidationError"));
    }

    /** No other try would do, unlike after all else that DynamoDB may answer. */
    private static IllegalArgumentException untakable(DynamoDbException refused) {
        return new IllegalArgumentException("DynamoDB does not take the postings: " + refused.getMessage(), refused);
    }

    private static boolean mayPass(TransactionCanceledException cancelled) {
        return cancelled.cancellationReasons().stream()
                .map(CancellationReason::code)
                .allMatch(code -> switch (code) {
                    case "None", "TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded" -> true;
                    default -> false;
                });
    }

    static void pause(int attempt) {
        long most = Math.min(FIRST_WAIT.toMillis() << attempt, LONGEST_WAIT.toMillis());
        try {
            Thread.sleep(ThreadLocalRandom.current().nextLong(most / 2, most + 1));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while another transaction was in the way", e);
        }
    }

    private Map<String, AttributeValue> item(String pk, String sk) {
        return dynamo.getItem(request ->
                        request.tableName(LedgerTable.NAME).key(key(pk, sk)).consistentRead(true))
                .item();
    }

    static Map<String, AttributeValue> key(String pk, String sk) {
        return Map.of(LedgerTable.PK, AttributeValue.fromS(pk), LedgerTable.SK, AttributeValue.fromS(sk));
    }
}
