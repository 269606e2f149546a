package io.agentserver.billing.ledger.dynamo;

import io.agentserver.billing.ledger.Account;
import io.agentserver.billing.ledger.CallUsage;
import io.agentserver.billing.ledger.GroupId;
import io.agentserver.billing.ledger.LinePosition;
import io.agentserver.billing.ledger.MeterBatch;
import io.agentserver.billing.ledger.MicroUsd;
import io.agentserver.billing.ledger.Posting;
import io.agentserver.billing.ledger.PostingGroup;
import io.agentserver.billing.ledger.RejectedRecord;
import io.agentserver.billing.ledger.SealedBatch;
import io.agentserver.billing.ledger.UnreadableGroup;
import io.agentserver.billing.ledger.UsageLine;
import io.agentserver.billing.ledger.UsageSum;
import io.agentserver.envelope.TenantId;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.services.dynamodb.model.AttributeValue;

import java.math.BigDecimal;
import java.time.Instant;
import java.time.LocalDate;
import java.time.YearMonth;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;

/** The items of {@link LedgerTable} and what they stand for, both ways. */
final class LedgerItems {
    private LedgerItems() {}

    static Map<String, AttributeValue> ofGroup(PostingGroup group) {
        Map<String, AttributeValue> item = new HashMap<>();
        text(item, LedgerTable.PK, LedgerTable.groupKey(group.id().value()));
        text(item, LedgerTable.SK, LedgerTable.GROUP);
        text(item, "id", group.id().value());
        text(item, "tenant", group.tenant().value());
        text(item, "at", group.at().toString());
        text(item, LedgerTable.BOOK, book(group));
        text(item, LedgerTable.LINE, LinePosition.of(group).key());
        item.put(
                "postings",
                AttributeValue.fromL(group.postings().stream()
                        .map(p -> AttributeValue.fromM(Map.of(
                                "account",
                                AttributeValue.fromS(p.account().name()),
                                "amount_microusd",
                                number(p.amount().value()))))
                        .toList()));
        CallUsage call = group.usage();
        if (call != null) {
            item.put("usage", AttributeValue.fromM(ofCall(call)));
        }
        text(item, "note", group.note());
        Long batch = group.batch();
        if (batch != null) {
            item.put(LedgerTable.METER_BATCH, number(batch));
        }
        return item;
    }

    private static String book(PostingGroup group) {
        String tenant = group.tenant().value();
        return switch (group.id().kind().book()) {
            case MONEY -> LedgerTable.moneyBook(tenant);
            case CALLS -> LedgerTable.callsBook(tenant, YearMonth.from(group.day()));
        };
    }

    static PostingGroup group(Map<String, AttributeValue> item) {
        AttributeValue usage = item.get("usage");
        return new PostingGroup(
                new GroupId(text(item, "id")),
                new TenantId(text(item, "tenant")),
                Instant.parse(text(item, "at")),
                required(item, "postings").l().stream()
                        .map(AttributeValue::m)
                        .map(p -> new Posting(
                                new Account(text(p, "account")), new MicroUsd(number(p, "amount_microusd"))))
                        .toList(),
                usage == null ? null : call(usage.m()),
                textOrNull(item, "note"),
                item.containsKey(LedgerTable.METER_BATCH) ? number(item, LedgerTable.METER_BATCH) : null);
    }

    static UnreadableGroup unreadable(Map<String, AttributeValue> item, RuntimeException reason) {
        String id = textOrNull(item, "id");
        String tenant = textOrNull(item, "tenant");
        return new UnreadableGroup(
                id == null ? String.valueOf(item.get(LedgerTable.PK)) : id,
                tenant != null && TenantId.isValid(tenant) ? new TenantId(tenant) : null,
                String.valueOf(reason.getMessage()));
    }

    static UsageLine usageLine(Map<String, AttributeValue> item) {
        return new UsageLine(
                LocalDate.parse(text(item, "day")),
                text(item, "model"),
                textOrNull(item, "listener"),
                new UsageSum(
                        number(item, "calls"),
                        number(item, "input_tokens"),
                        number(item, "cached_input_tokens"),
                        number(item, "output_tokens"),
                        new MicroUsd(number(item, "cost_microusd")),
                        new MicroUsd(number(item, "price_microusd"))));
    }

    static Map<String, AttributeValue> ofRejected(RejectedRecord record) {
        Map<String, AttributeValue> item = new HashMap<>();
        text(item, LedgerTable.PK, LedgerTable.REJECTED);
        text(item, LedgerTable.SK, "%06d#%020d".formatted(record.partition(), record.offset()));
        item.put("partition", number(record.partition()));
        item.put("offset", number(record.offset()));
        text(item, "key", record.key());
        text(item, "value", record.value());
        item.put("size", number(record.size()));
        text(item, "reason", record.reason());
        text(item, "at", record.at().toString());
        return item;
    }

    static RejectedRecord rejected(Map<String, AttributeValue> item) {
        return new RejectedRecord(
                Math.toIntExact(number(item, "partition")),
                number(item, "offset"),
                text(item, "key"),
                text(item, "value"),
                Math.toIntExact(number(item, "size")),
                text(item, "reason"),
                Instant.parse(text(item, "at")));
    }

    static Map<String, AttributeValue> ofMeterBatch(MeterBatch batch) {
        Map<String, AttributeValue> item = new HashMap<>();
        text(item, "id", batch.id().toString());
        text(item, "tenant", batch.tenant().value());
        text(item, "at", batch.at().toString());
        item.put("amount_microusd", number(batch.amount().value()));
        return item;
    }

    static MeterBatch meterBatch(Map<String, AttributeValue> item) {
        String tried = textOrNull(item, "first_tried");
        return new MeterBatch(
                UUID.fromString(text(item, "id")),
                new TenantId(text(item, "tenant")),
                Instant.parse(text(item, "at")),
                new MicroUsd(number(item, "amount_microusd")),
                tried == null ? null : Instant.parse(tried));
    }

    static Map<String, AttributeValue> ofSealedBatch(SealedBatch batch) {
        Map<String, AttributeValue> item = new HashMap<>();
        text(item, LedgerTable.PK, LedgerTable.tenantKey(batch.tenant().value()));
        text(item, LedgerTable.SK, LedgerTable.batchKey(batch.number()));
        item.put(LedgerTable.METER_BATCH, number(batch.number()));
        text(item, "id", batch.id().toString());
        text(item, "tenant", batch.tenant().value());
        text(item, "at", batch.at().toString());
        item.put("amount_microusd", number(batch.amount().value()));
        item.put("calls", number(batch.calls()));
        if (!batch.isWhole()) {
            item.put(LedgerTable.NAMED_USAGE, number(batch.named().value()));
        }
        return item;
    }

    static SealedBatch sealedBatch(Map<String, AttributeValue> item) {
        MicroUsd amount = new MicroUsd(number(item, "amount_microusd"));
        return new SealedBatch(
                number(item, LedgerTable.METER_BATCH),
                UUID.fromString(text(item, "id")),
                new TenantId(text(item, "tenant")),
                Instant.parse(text(item, "at")),
                amount,
                item.containsKey(LedgerTable.NAMED_USAGE)
                        ? new MicroUsd(number(item, LedgerTable.NAMED_USAGE))
                        : amount,
                number(item, "calls"));
    }

    static AttributeValue number(long value) {
        return AttributeValue.fromN(Long.toString(value));
    }

    /** @throws ArithmeticException if it has left the range of a long, rather than losing digits */
    static long number(Map<String, AttributeValue> item, String key) {
        return new BigDecimal(required(item, key).n()).longValueExact();
    }

    private static Map<String, AttributeValue> ofCall(CallUsage call) {
        Map<String, AttributeValue> map = new HashMap<>();
        text(map, "model", call.model());
        text(map, "listener", call.listener());
        text(map, "provider", call.provider());
        text(map, "conversation", call.conversation());
        text(map, "thread", call.thread());
        text(map, "message", call.message());
        map.put("input_tokens", number(call.inputTokens()));
        map.put("cached_input_tokens", number(call.cachedInputTokens()));
        map.put("output_tokens", number(call.outputTokens()));
        map.put("estimated", AttributeValue.fromBool(call.estimated()));
        map.put("cost_microusd", number(call.cost().value()));
        map.put("price_microusd", number(call.price().value()));
        return map;
    }

    private static CallUsage call(Map<String, AttributeValue> map) {
        return new CallUsage(
                text(map, "model"),
                textOrNull(map, "listener"),
                text(map, "provider"),
                textOrNull(map, "conversation"),
                textOrNull(map, "thread"),
                textOrNull(map, "message"),
                number(map, "input_tokens"),
                number(map, "cached_input_tokens"),
                number(map, "output_tokens"),
                required(map, "estimated").bool(),
                new MicroUsd(number(map, "cost_microusd")),
                new MicroUsd(number(map, "price_microusd")));
    }

    private static void text(Map<String, AttributeValue> item, String key, @Nullable String value) {
        if (value != null) {
            item.put(key, AttributeValue.fromS(value));
        }
    }

    private static String text(Map<String, AttributeValue> item, String key) {
        return required(item, key).s();
    }

    private static @Nullable String textOrNull(Map<String, AttributeValue> item, String key) {
        AttributeValue value = item.get(key);
        return value == null ? null : value.s();
    }

    private static AttributeValue required(Map<String, AttributeValue> item, String key) {
        AttributeValue value = item.get(key);
        if (value == null) {
            throw new IllegalStateException("ledger item " + item.get(LedgerTable.PK) + " lacks " + key + "; it has "
                    + List.copyOf(item.keySet()));
        }
        return value;
    }
}
