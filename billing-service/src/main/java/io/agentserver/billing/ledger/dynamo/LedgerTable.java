package io.agentserver.billing.ledger.dynamo;

import software.amazon.awssdk.services.dynamodb.DynamoDbClient;
import software.amazon.awssdk.services.dynamodb.model.BillingMode;
import software.amazon.awssdk.services.dynamodb.model.KeyType;
import software.amazon.awssdk.services.dynamodb.model.ResourceInUseException;
import software.amazon.awssdk.services.dynamodb.model.ResourceNotFoundException;
import software.amazon.awssdk.services.dynamodb.model.ScalarAttributeType;

/**
 * The table {@code ledger} and its keys: {@code pk}, {@code sk}.
 *
 * <pre>
 * group#receipt:{uuid}  group                    one posting group
 * tenant#{id}           balance                  its credit
 * tenant#{id}           usage#{day}#{hash}       its use of one model by one listener on one day
 * rejected              {partition}#{offset}     a record that could not be posted
 * </pre>
 *
 * Nothing in it expires.
 */
public final class LedgerTable {
    public static final String NAME = "ledger";

    static final String PK = "pk";
    static final String SK = "sk";
    static final String GROUP = "group";
    static final String BALANCE = "balance";
    static final String USAGE = "usage#";
    static final String REJECTED = "rejected";

    private LedgerTable() {}

    /** Makes the table unless it is there, and waits until it can be used; any number of processes may do so at once. */
    public static void createIfAbsent(DynamoDbClient dynamo) {
        try {
            dynamo.describeTable(request -> request.tableName(NAME));
        } catch (ResourceNotFoundException absent) {
            create(dynamo);
        }
        try (var waiter = dynamo.waiter()) {
            waiter.waitUntilTableExists(request -> request.tableName(NAME));
        }
    }

    static String groupKey(String id) {
        return GROUP + "#" + id;
    }

    static String tenantKey(String tenant) {
        return "tenant#" + tenant;
    }

    private static void create(DynamoDbClient dynamo) {
        try {
            dynamo.createTable(request -> request.tableName(NAME)
                    .billingMode(BillingMode.PAY_PER_REQUEST)
                    .attributeDefinitions(
                            a -> a.attributeName(PK).attributeType(ScalarAttributeType.S),
                            a -> a.attributeName(SK).attributeType(ScalarAttributeType.S))
                    .keySchema(
                            k -> k.attributeName(PK).keyType(KeyType.HASH),
                            k -> k.attributeName(SK).keyType(KeyType.RANGE)));
        } catch (ResourceInUseException madeByAnotherProcess) {
            // which is what was wanted
            return;
        }
    }
}
