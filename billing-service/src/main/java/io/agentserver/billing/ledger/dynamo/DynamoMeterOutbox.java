package io.agentserver.billing.ledger.dynamo;

import io.agentserver.billing.ledger.MeterBatch;
import io.agentserver.billing.ledger.MeterOutbox;
import io.agentserver.billing.ledger.MicroUsd;
import io.agentserver.billing.ledger.SealedBatch;
import io.agentserver.envelope.TenantId;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;
import software.amazon.awssdk.services.dynamodb.model.AttributeValue;
import software.amazon.awssdk.services.dynamodb.model.CancellationReason;
import software.amazon.awssdk.services.dynamodb.model.ConditionalCheckFailedException;
import software.amazon.awssdk.services.dynamodb.model.ReturnValue;
import software.amazon.awssdk.services.dynamodb.model.TransactWriteItem;
import software.amazon.awssdk.services.dynamodb.model.TransactionCanceledException;
import software.amazon.awssdk.services.dynamodb.model.TransactionConflictException;

import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.stream.Stream;

/**
 * The outbox beside the postings, in the same table: the open batch stands in the tenant's balance, where posting adds to it
 * and holds only if its number is still open. Sealing is two steps, of which the first does not have to know what postings add
 * meanwhile: it moves the open batch aside and opens the next number, in one update of that item; then a transaction takes
 * what was moved aside, and writes it down under its id. A crash between them leaves it aside for whoever seals next.
 * Confirming is one transaction. Each is conditional on what it takes away.
 *
 * <p>An older version posts without a number and seals whatever is open. Its calls are in the sum of the next batch and named
 * by none; a batch of which it has sealed a part is told of what is left. Both show in {@link SealedBatch#isWhole}.
 */
public final class DynamoMeterOutbox implements MeterOutbox {
    private static final Logger LOG = LoggerFactory.getLogger(DynamoMeterOutbox.class);

    /** Where what a batch has stands among the writes of {@link #writeDown}. */
    private static final int CONTENTS = 2;

    private final DynamoDbClient dynamo;

    public DynamoMeterOutbox(DynamoDbClient dynamo) {
        this.dynamo = dynamo;
    }

    @Override
    public void seal(TenantId tenant, UUID id, Instant at) {
        Map<String, AttributeValue> balance = balance(tenant);
        if (!balance.containsKey(LedgerTable.SEALED_BATCH)) {
            if (total(balance, LedgerTable.OPEN_USAGE).isZero()) {
                return;
            }
            balance = moveAside(tenant, at);
        }
        if (balance.containsKey(LedgerTable.SEALED_BATCH)) {
            writeDown(new SealedBatch(
                    LedgerItems.number(balance, LedgerTable.SEALED_BATCH),
                    id,
                    tenant,
                    at,
                    total(balance, LedgerTable.SEALED_USAGE),
                    total(balance, LedgerTable.SEALED_NAMED),
                    LedgerItems.number(balance, LedgerTable.SEALED_CALLS)));
        }
    }

    /** The balance after it; empty if another process was quicker, or posts without end: what is open waits for the next time. */
    private Map<String, AttributeValue> moveAside(TenantId tenant, Instant at) {
        // an older version's balance lacks what it does not know of
        String expression = "SET " + LedgerTable.SEALED_AT + " = :at, " + LedgerTable.SEALED_BATCH + " = if_not_exists("
                + LedgerTable.METER_BATCH + ", :one), "
                + LedgerTable.SEALED_USAGE + " = " + LedgerTable.OPEN_USAGE + ", "
                + LedgerTable.SEALED_NAMED + " = if_not_exists(" + LedgerTable.NAMED_USAGE + ", :none), "
                + LedgerTable.SEALED_CALLS + " = if_not_exists(" + LedgerTable.NAMED_CALLS + ", :none), "
                + LedgerTable.METER_BATCH + " = if_not_exists(" + LedgerTable.METER_BATCH + ", :one) + :one, "
                + LedgerTable.OPEN_USAGE + " = :none, " + LedgerTable.NAMED_USAGE + " = :none, "
                + LedgerTable.NAMED_CALLS + " = :none";
        try {
            return whenFree(() -> dynamo.updateItem(request -> request.tableName(LedgerTable.NAME)
                            .key(DynamoLedgerStore.key(LedgerTable.tenantKey(tenant.value()), LedgerTable.BALANCE))
                            .conditionExpression("attribute_not_exists(" + LedgerTable.SEALED_BATCH + ") AND "
                                    + LedgerTable.OPEN_USAGE + " > :none")
                            .updateExpression(expression)
                            .expressionAttributeValues(Map.of(
                                    ":one",
                                    LedgerItems.number(1),
                                    ":none",
                                    LedgerItems.number(0),
                                    ":at",
                                    AttributeValue.fromS(at.toString())))
                            .returnValues(ReturnValue.ALL_NEW)))
                    .attributes();
        } catch (ConditionalCheckFailedException sealedMeanwhile) {
            return Map.of();
        } catch (TransactionConflictException busy) {
            LOG.warn("usage of {} could not be sealed beside its postings; again later", tenant, busy);
            return Map.of();
        }
    }

    private void writeDown(SealedBatch batch) {
        TransactWriteItem take = TransactWriteItem.builder()
                .update(update -> update.tableName(LedgerTable.NAME)
                        .key(DynamoLedgerStore.key(
                                LedgerTable.tenantKey(batch.tenant().value()), LedgerTable.BALANCE))
                        .conditionExpression(LedgerTable.SEALED_BATCH + " = :batch")
                        .updateExpression("REMOVE " + LedgerTable.SEALED_BATCH + ", " + LedgerTable.SEALED_USAGE + ", "
                                + LedgerTable.SEALED_NAMED + ", " + LedgerTable.SEALED_CALLS + ", "
                                + LedgerTable.SEALED_AT)
                        .expressionAttributeValues(Map.of(":batch", LedgerItems.number(batch.number()))))
                .build();
        TransactWriteItem pending =
                put(LedgerTable.PENDING, new MeterBatch(batch.id(), batch.tenant(), batch.at(), batch.amount(), null));
        TransactWriteItem contents = put(LedgerItems.ofSealedBatch(batch));
        Map<String, AttributeValue> event = new HashMap<>(eventKey(batch.id()));
        event.put("tenant", AttributeValue.fromS(batch.tenant().value()));
        event.put(LedgerTable.METER_BATCH, LedgerItems.number(batch.number()));
        TransactWriteItem byIdentifier = put(event);
        try {
            whenFree(() ->
                    dynamo.transactWriteItems(request -> request.transactItems(take, pending, contents, byIdentifier)));
        } catch (TransactionCanceledException e) {
            if (isOfOthers(e)) {
                return;
            }
            if (isConflict(e)) {
                LOG.warn("batch {} of {} could not be written down; again later", batch.number(), batch.tenant(), e);
                return;
            }
            if (isConditionOf(CONTENTS, e)) {
                throw new IllegalStateException(
                        "batch " + batch.number() + " of " + batch.tenant()
                                + " is moved aside, but its number is taken:"
                                + " nothing of this tenant is told to Stripe until its balance has "
                                + LedgerTable.SEALED_BATCH + " one above its highest batch#, and "
                                + LedgerTable.METER_BATCH + " two above it",
                        e);
            }
            throw e;
        }
        if (!batch.isWhole()) {
            LOG.warn(
                    "meter event {} of {} says {}, the calls that name it cost {}: an older version of billing posts or seals"
                            + " beside this one",
                    batch.id(),
                    batch.tenant(),
                    batch.amount(),
                    batch.named());
        }
    }

    @Override
    public List<MeterBatch> pending(TenantId tenant) {
        return items(tenant, LedgerTable.PENDING).map(LedgerItems::meterBatch).toList();
    }

    @Override
    public void tried(MeterBatch batch, Instant at) {
        change(
                batch,
                "SET first_tried = if_not_exists(first_tried, :at)",
                Map.of(":at", AttributeValue.fromS(at.toString())));
    }

    @Override
    public void untried(MeterBatch batch) {
        change(batch, "REMOVE first_tried", Map.of());
    }

    @Override
    public void told(MeterBatch batch) {
        TransactWriteItem delete = TransactWriteItem.builder()
                .delete(d -> d.tableName(LedgerTable.NAME)
                        .key(key(LedgerTable.PENDING, batch))
                        .conditionExpression("attribute_exists(pk)"))
                .build();
        TransactWriteItem add = TransactWriteItem.builder()
                .update(update -> update.tableName(LedgerTable.NAME)
                        .key(DynamoLedgerStore.key(
                                LedgerTable.tenantKey(batch.tenant().value()), LedgerTable.BALANCE))
                        .updateExpression("ADD " + LedgerTable.TOLD_USAGE + " :told")
                        .expressionAttributeValues(Map.of(
                                ":told", LedgerItems.number(batch.amount().value()))))
                .build();
        TransactWriteItem keep = put(LedgerTable.TOLD, batch);
        try {
            whenFree(() -> dynamo.transactWriteItems(request -> request.transactItems(delete, keep, add)));
        } catch (TransactionCanceledException e) {
            if (isConflict(e)) {
                LOG.warn("meter event {} of {} could not be confirmed; again later", batch.id(), batch.tenant(), e);
            } else if (!isOfOthers(e)) {
                throw e;
            }
        }
    }

    @Override
    public Totals totals(TenantId tenant) {
        Map<String, AttributeValue> balance = balance(tenant);
        MicroUsd pending = pending(tenant).stream().map(MeterBatch::amount).reduce(MicroUsd.ZERO, MicroUsd::plus);
        MicroUsd open = total(balance, LedgerTable.OPEN_USAGE).plus(total(balance, LedgerTable.SEALED_USAGE));
        return new Totals(open, pending, total(balance, LedgerTable.TOLD_USAGE));
    }

    @Override
    public Open open(TenantId tenant) {
        Map<String, AttributeValue> balance = balance(tenant);
        AttributeValue since = balance.get(LedgerTable.SEALED_AT);
        return new Open(
                balance.containsKey(LedgerTable.METER_BATCH)
                        ? LedgerItems.number(balance, LedgerTable.METER_BATCH)
                        : DynamoLedgerStore.FIRST_BATCH,
                total(balance, LedgerTable.OPEN_USAGE),
                total(balance, LedgerTable.NAMED_USAGE),
                balance.containsKey(LedgerTable.SEALED_BATCH)
                        ? LedgerItems.number(balance, LedgerTable.SEALED_BATCH)
                        : null,
                since == null ? null : Instant.parse(since.s()));
    }

    @Override
    public Optional<SealedBatch> sealed(TenantId tenant, long number) {
        return item(DynamoLedgerStore.key(LedgerTable.tenantKey(tenant.value()), LedgerTable.batchKey(number)))
                .map(LedgerItems::sealedBatch);
    }

    @Override
    public Optional<SealedBatch> sealed(UUID id) {
        return item(eventKey(id))
                .flatMap(event -> sealed(
                        new TenantId(Objects.requireNonNull(event.get("tenant")).s()),
                        LedgerItems.number(event, LedgerTable.METER_BATCH)));
    }

    @Override
    public void forEachSealed(TenantId tenant, Consumer<SealedBatch> visitor) {
        items(tenant, LedgerTable.BATCH).map(LedgerItems::sealedBatch).forEach(visitor);
    }

    @Override
    public void forEachEvent(TenantId tenant, Consumer<MeterBatch> visitor) {
        items(tenant, LedgerTable.EVENTS).map(LedgerItems::meterBatch).forEach(visitor);
    }

    @Override
    public boolean isTold(SealedBatch batch) {
        return item(key(LedgerTable.TOLD, batch.tenant(), batch.at(), batch.id()))
                .isPresent();
    }

    private Map<String, AttributeValue> balance(TenantId tenant) {
        return item(DynamoLedgerStore.key(LedgerTable.tenantKey(tenant.value()), LedgerTable.BALANCE))
                .orElse(Map.of());
    }

    private Optional<Map<String, AttributeValue>> item(Map<String, AttributeValue> key) {
        Map<String, AttributeValue> item = dynamo.getItem(
                        request -> request.tableName(LedgerTable.NAME).key(key).consistentRead(true))
                .item();
        return item.isEmpty() ? Optional.empty() : Optional.of(item);
    }

    private Stream<Map<String, AttributeValue>> items(TenantId tenant, String kind) {
        return dynamo
                .queryPaginator(request -> request.tableName(LedgerTable.NAME)
                        .consistentRead(true)
                        .keyConditionExpression("pk = :tenant AND begins_with(sk, :kind)")
                        .expressionAttributeValues(Map.of(
                                ":tenant",
                                AttributeValue.fromS(LedgerTable.tenantKey(tenant.value())),
                                ":kind",
                                AttributeValue.fromS(kind))))
                .items()
                .stream();
    }

    private static MicroUsd total(Map<String, AttributeValue> balance, String name) {
        return balance.containsKey(name) ? new MicroUsd(LedgerItems.number(balance, name)) : MicroUsd.ZERO;
    }

    private void change(MeterBatch batch, String expression, Map<String, AttributeValue> values) {
        try {
            dynamo.updateItem(request -> {
                request.tableName(LedgerTable.NAME)
                        .key(key(LedgerTable.PENDING, batch))
                        .conditionExpression("attribute_exists(pk)")
                        .updateExpression(expression);
                if (!values.isEmpty()) {
                    request.expressionAttributeValues(values);
                }
            });
        } catch (ConditionalCheckFailedException confirmedMeanwhile) {
            // there is nothing left to note
            return;
        }
    }

    private static TransactWriteItem put(String kind, MeterBatch batch) {
        Map<String, AttributeValue> item = new HashMap<>(LedgerItems.ofMeterBatch(batch));
        item.putAll(key(kind, batch));
        return put(item);
    }

    private static TransactWriteItem put(Map<String, AttributeValue> item) {
        return TransactWriteItem.builder()
                .put(put -> put.tableName(LedgerTable.NAME).item(item).conditionExpression("attribute_not_exists(pk)"))
                .build();
    }

    private static Map<String, AttributeValue> key(String kind, MeterBatch batch) {
        return key(kind, batch.tenant(), batch.at(), batch.id());
    }

    private static Map<String, AttributeValue> key(String kind, TenantId tenant, Instant at, UUID id) {
        return DynamoLedgerStore.key(LedgerTable.tenantKey(tenant.value()), kind + at + "#" + id);
    }

    private static Map<String, AttributeValue> eventKey(UUID id) {
        return DynamoLedgerStore.key(LedgerTable.eventKey(id.toString()), LedgerTable.EVENT);
    }

    /** Tries again, and not all at once, while postings are in the way. */
    private static <T> T whenFree(Supplier<T> write) {
        for (int attempt = 1; attempt < DynamoLedgerStore.MOST_ATTEMPTS; attempt++) {
            try {
                return write.get();
            } catch (TransactionConflictException busy) {
                DynamoLedgerStore.pause(attempt);
            } catch (TransactionCanceledException e) {
                if (!isConflict(e)) {
                    throw e;
                }
                DynamoLedgerStore.pause(attempt);
            }
        }
        return write.get();
    }

    /**
     * Another transaction is on one of its items. What the others are refused for may be that one's doing, half done, and says
     * nothing: only who tries again learns more.
     */
    private static boolean isConflict(TransactionCanceledException e) {
        return !isOfOthers(e)
                && e.cancellationReasons().stream()
                        .anyMatch(reason -> reason.code().equals("TransactionConflict"))
                && e.cancellationReasons().stream().allMatch(reason -> switch (reason.code()) {
                    case "None", "TransactionConflict", "ConditionalCheckFailed" -> true;
                    default -> false;
                });
    }

    /** The first of each transaction takes away what it is about: if that is gone, another process did the same. */
    private static boolean isOfOthers(TransactionCanceledException e) {
        return isConditionOf(0, e);
    }

    private static boolean isConditionOf(int item, TransactionCanceledException e) {
        List<CancellationReason> reasons = e.cancellationReasons();
        return reasons.size() > item && reasons.get(item).code().equals("ConditionalCheckFailed");
    }
}
