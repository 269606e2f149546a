package io.agentserver.gateway.tenants;

import io.agentserver.envelope.TenantId;
import io.agentserver.gateway.problems.Unavailable;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;

import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * Takes a deleted tenant out of the table {@code tenants}: whatever item it has, whoever has put it there. Two stay: the entry,
 * without its content, so that the id is never used again, and the receipt of the deletion. Blocks; safe on any thread.
 */
public final class DynamoTenantRemoval {
    /** {@code DynamoDeletions}'. */
    private static final String RECEIPT = "deletion";

    private final DynamoDbClient dynamo;

    DynamoTenantRemoval(DynamoDbClient dynamo) {
        this.dynamo = dynamo;
    }

    /**
     * How many items there are that {@link #remove} would delete, the entry not counted.
     *
     * @throws Unavailable if the table is away
     */
    public long count(TenantId tenant) {
        return items(tenant).size();
    }

    /** Which versions of its organism there are, the oldest first. */
    List<Long> versions(TenantId tenant) {
        return items(tenant).stream()
                .filter(sk -> sk.startsWith(DynamoTenantTable.VERSION))
                .map(sk -> Long.valueOf(sk.substring(DynamoTenantTable.VERSION.length())))
                .toList();
    }

    /** Repeating it is harmless. */
    void remove(TenantId tenant) {
        for (String sk : items(tenant)) {
            DynamoTenantTable.asked(() -> dynamo.deleteItem(
                    b -> b.tableName(DynamoTenantTable.TABLE).key(DynamoTenantTable.key(tenant, sk))));
        }
        DynamoTenantTable.asked(() ->
                dynamo.deleteItem(b -> b.tableName(DynamoTenantTable.TABLE).key(DynamoTenantTable.indexKey(tenant))));
        // another revision: whoever has read the entry before writes nothing over this
        DynamoTenantTable.asked(() -> dynamo.updateItem(b -> b.tableName(DynamoTenantTable.TABLE)
                .key(DynamoTenantTable.key(tenant, DynamoTenantTable.ENTRY))
                .updateExpression("SET revision = revision + :one REMOVE " + DynamoTenantTable.JSON + ", "
                        + DynamoTenantTable.BOOT_PENDING)
                .expressionAttributeValues(Map.of(":one", DynamoTenantTable.number(1)))));
    }

    private List<String> items(TenantId tenant) {
        return DynamoTenantTable.asked(() -> dynamo
                .queryPaginator(b -> b.tableName(DynamoTenantTable.TABLE)
                        .consistentRead(true)
                        .keyConditionExpression("pk = :pk")
                        .projectionExpression("sk")
                        .expressionAttributeValues(Map.of(":pk", DynamoTenantTable.text(tenant.value()))))
                .items()
                .stream()
                .map(item -> Objects.requireNonNull(item.get("sk")).s())
                .filter(sk -> !sk.equals(DynamoTenantTable.ENTRY) && !sk.equals(RECEIPT))
                .toList());
    }
}
