package io.agentserver.gateway.tenants;

import io.agentserver.envelope.TenantId;
import io.agentserver.gateway.problems.Unavailable;
import io.agentserver.tenancy.KeyUses;
import io.agentserver.tenancy.TenantDirectory;
import io.agentserver.tenancy.TenantEntry;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;
import software.amazon.awssdk.services.dynamodb.model.AttributeValue;
import software.amazon.awssdk.services.dynamodb.model.ConditionalCheckFailedException;
import software.amazon.awssdk.services.dynamodb.model.ReturnValue;

import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * When a tenant's API keys were last used: an item of the table {@code tenants} beside the tenant's entry, {@code sk} = {@code key-uses},
 * with an attribute for each key, in seconds since 1970. It is no part of the entry, which is told to every pod whenever it changes. Of
 * two uses the later one stands, whoever writes it last. With each write goes what is there of keys that are no more. Blocks; safe on any
 * thread, in any number of pods.
 */
public final class DynamoKeyUses implements KeyUses.Keeper {
    static final String ITEM = "key-uses";

    /** A key that this pod does not know may be another pod's newest: the directory hears of it within seconds. */
    private static final Duration UNKNOWN_STAYS = Duration.ofMinutes(1);

    private static final int MOST_FORGOTTEN_AT_ONCE = 100;

    private final DynamoDbClient dynamo;
    private final TenantDirectory directory;

    public DynamoKeyUses(DynamoDbClient dynamo, TenantDirectory directory) {
        this.dynamo = dynamo;
        this.directory = directory;
    }

    /** @throws Unavailable if the table is away */
    @Override
    public void keep(KeyUses.Use use) {
        if (directory.isFresh() && directory.find(use.tenant()).isEmpty()) {
            return; // deleted since: nothing of it comes back
        }
        try {
            Map<String, AttributeValue> after = DynamoTenantTable.asked(() -> dynamo.updateItem(b -> b.tableName(
                                    DynamoTenantTable.TABLE)
                            .key(DynamoTenantTable.key(use.tenant(), ITEM))
                            .updateExpression("SET #key = :at")
                            .conditionExpression("attribute_not_exists(#key) OR #key < :at")
                            .expressionAttributeNames(Map.of("#key", use.keyId()))
                            .expressionAttributeValues(Map.of(
                                    ":at", DynamoTenantTable.number(use.at().getEpochSecond())))
                            .returnValues(ReturnValue.ALL_NEW))
                    .attributes());
            forget(use.tenant(), after, use.at().minus(UNKNOWN_STAYS));
        } catch (ConditionalCheckFailedException e) {
            // a later use is there
        }
    }

    /**
     * By the keys' ids; a key that was never used is not among them.
     *
     * @throws Unavailable if the table is away
     */
    public Map<String, Instant> of(TenantId tenant) {
        return uses(DynamoTenantTable.asked(() -> dynamo.getItem(
                        b -> b.tableName(DynamoTenantTable.TABLE).key(DynamoTenantTable.key(tenant, ITEM)))
                .item()));
    }

    /** Or the item would grow with each key that ever was, until it took no use any more. */
    private void forget(TenantId tenant, Map<String, AttributeValue> item, Instant oldest) {
        Set<String> known = directory.find(tenant).map(TenantEntry::apiKeys).stream()
                .flatMap(List::stream)
                .map(TenantEntry.Key::id)
                .collect(Collectors.toSet());
        List<String> gone = uses(item).entrySet().stream()
                .filter(use -> !known.contains(use.getKey()) && use.getValue().isBefore(oldest))
                .map(Map.Entry::getKey)
                .limit(MOST_FORGOTTEN_AT_ONCE)
                .toList();
        if (gone.isEmpty() || !directory.isFresh()) {
            return;
        }
        Map<String, String> names = new HashMap<>();
        gone.forEach(id -> names.put("#k" + names.size(), id));
        DynamoTenantTable.asked(() -> dynamo.updateItem(b -> b.tableName(DynamoTenantTable.TABLE)
                .key(DynamoTenantTable.key(tenant, ITEM))
                .updateExpression("REMOVE " + String.join(", ", names.keySet()))
                .expressionAttributeNames(names)));
    }

    private static Map<String, Instant> uses(Map<String, AttributeValue> item) {
        return item.entrySet().stream()
                .filter(attribute -> attribute.getValue().n() != null) // the others are the item's own key
                .collect(Collectors.toMap(
                        Map.Entry::getKey,
                        attribute -> Instant.ofEpochSecond(
                                Long.parseLong(attribute.getValue().n()))));
    }
}
