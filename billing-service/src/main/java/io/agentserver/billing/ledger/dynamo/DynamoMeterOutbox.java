package io.agentserver.billing.ledger.dynamo;

import io.agentserver.billing.ledger.MeterBatch;
import io.agentserver.billing.ledger.MeterOutbox;
import io.agentserver.billing.ledger.MicroUsd;
import io.agentserver.envelope.TenantId;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;
import software.amazon.awssdk.services.dynamodb.model.AttributeValue;
import software.amazon.awssdk.services.dynamodb.model.ConditionalCheckFailedException;
import software.amazon.awssdk.services.dynamodb.model.TransactWriteItem;
import software.amazon.awssdk.services.dynamodb.model.TransactionCanceledException;

import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;

/**
 * The outbox beside the postings, in the same table: what is open stands in the tenant's balance, where posting adds to it.
 * Sealing and confirming are one transaction each, conditional on what they take away.
 */
public final class DynamoMeterOutbox implements MeterOutbox {
    private final DynamoDbClient dynamo;

    public DynamoMeterOutbox(DynamoDbClient dynamo) {
        this.dynamo = dynamo;
    }

    @Override
    public void seal(TenantId tenant, UUID id, Instant at) {
        MicroUsd open = total(balance(tenant), LedgerTable.OPEN_USAGE);
        if (open.isZero()) {
            return;
        }
        // what is posted meanwhile stays open: subtract, not set
        TransactWriteItem take = TransactWriteItem.builder()
                .update(update -> update.tableName(LedgerTable.NAME)
                        .key(DynamoLedgerStore.key(LedgerTable.tenantKey(tenant.value()), LedgerTable.BALANCE))
                        .conditionExpression(LedgerTable.OPEN_USAGE + " >= :open")
                        .updateExpression("ADD " + LedgerTable.OPEN_USAGE + " :less")
                        .expressionAttributeValues(Map.of(
                                ":open",
                                LedgerItems.number(open.value()),
                                ":less",
                                LedgerItems.number(open.negated().value()))))
                .build();
        TransactWriteItem give = put(LedgerTable.PENDING, new MeterBatch(id, tenant, at, open, null));
        try {
            dynamo.transactWriteItems(request -> request.transactItems(take, give));
        } catch (TransactionCanceledException e) {
            if (!isOfOthers(e)) {
                throw e;
            }
            // another process sealed it, or is posting: what is open then waits for the next time
        }
    }

    @Override
    public List<MeterBatch> pending(TenantId tenant) {
        return dynamo
                .queryPaginator(request -> request.tableName(LedgerTable.NAME)
                        .consistentRead(true)
                        .keyConditionExpression("pk = :tenant AND begins_with(sk, :pending)")
                        .expressionAttributeValues(Map.of(
                                ":tenant",
                                AttributeValue.fromS(LedgerTable.tenantKey(tenant.value())),
                                ":pending",
                                AttributeValue.fromS(LedgerTable.PENDING))))
                .items()
                .stream()
                .map(LedgerItems::meterBatch)
                .toList();
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
            dynamo.transactWriteItems(request -> request.transactItems(delete, keep, add));
        } catch (TransactionCanceledException e) {
            if (!isOfOthers(e)) {
                throw e;
            }
            // another process confirmed it; or a posting was in the way, and it is told and confirmed again
        }
    }

    @Override
    public Totals totals(TenantId tenant) {
        Map<String, AttributeValue> balance = balance(tenant);
        MicroUsd pending = pending(tenant).stream().map(MeterBatch::amount).reduce(MicroUsd.ZERO, MicroUsd::plus);
        return new Totals(total(balance, LedgerTable.OPEN_USAGE), pending, total(balance, LedgerTable.TOLD_USAGE));
    }

    private Map<String, AttributeValue> balance(TenantId tenant) {
        return dynamo.getItem(request -> request.tableName(LedgerTable.NAME)
                        .key(DynamoLedgerStore.key(LedgerTable.tenantKey(tenant.value()), LedgerTable.BALANCE))
                        .consistentRead(true))
                .item();
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
        return TransactWriteItem.builder()
                .put(put -> put.tableName(LedgerTable.NAME).item(item).conditionExpression("attribute_not_exists(pk)"))
                .build();
    }

    private static Map<String, AttributeValue> key(String kind, MeterBatch batch) {
        return DynamoLedgerStore.key(
                LedgerTable.tenantKey(batch.tenant().value()), kind + batch.at() + "#" + batch.id());
    }

    private static boolean isOfOthers(TransactionCanceledException e) {
        return e.cancellationReasons().stream().allMatch(reason -> switch (reason.code()) {
            case "None", "ConditionalCheckFailed", "TransactionConflict" -> true;
            default -> false;
        });
    }
}
