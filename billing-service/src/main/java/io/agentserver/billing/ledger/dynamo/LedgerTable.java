package io.agentserver.billing.ledger.dynamo;

import software.amazon.awssdk.services.dynamodb.DynamoDbClient;
import software.amazon.awssdk.services.dynamodb.model.AttributeDefinition;
import software.amazon.awssdk.services.dynamodb.model.IndexStatus;
import software.amazon.awssdk.services.dynamodb.model.KeySchemaElement;
import software.amazon.awssdk.services.dynamodb.model.KeyType;
import software.amazon.awssdk.services.dynamodb.model.ProjectionType;
import software.amazon.awssdk.services.dynamodb.model.ResourceInUseException;
import software.amazon.awssdk.services.dynamodb.model.ScalarAttributeType;
import software.amazon.awssdk.services.dynamodb.model.TableDescription;

import java.time.Duration;
import java.time.YearMonth;

/**
 * The table {@code ledger} and its keys: {@code pk}, {@code sk}.
 *
 * <pre>
 * group#receipt:{uuid}  group                    one posting group
 * tenant#{id}           balance                  its credit, how much of its usage Stripe has been told, its open batch
 * tenant#{id}           customer#{live|test}     its customer at Stripe
 * tenant#{id}           meter#{time}#{uuid}      usage that Stripe has still to be told
 * tenant#{id}           metered#{time}#{uuid}    usage that it has been told
 * tenant#{id}           batch#{number}           which calls one of these has: those groups with its number
 * meter-event#{uuid}    meter-event              whose batch that is, and of which number
 * tenant#{id}           usage#{day}#{hash}       its use of one model by one listener on one day
 * tenant#{id}           months                   if it is gone: the first and the last that it has calls in
 * tenants               {id}                     that it was ever posted for
 * rejected              {partition}#{offset}     a record that could not be posted
 * era                   era                      which history this is ({@link LedgerEra})
 * reconciled            last                     when all was compared, and how many differences there were
 * </pre>
 *
 * The index {@code by_time} lists the groups of a tenant: {@code book} is {@code {id}#money} or, a month each, so that a
 * busy tenant fills many small partitions, {@code {id}#calls#{yyyy-mm}}; {@code line} is the time and the group's id.
 * Nothing in it expires.
 */
public final class LedgerTable {
    public static final String NAME = "ledger";

    static final String BY_TIME = "by_time";
    static final String BOOK = "book";
    static final String LINE = "line";

    static final String PK = "pk";
    static final String SK = "sk";
    static final String GROUP = "group";
    static final String BALANCE = "balance";
    static final String USAGE = "usage#";
    static final String PENDING = "meter#";
    static final String TOLD = "metered#";
    static final String OPEN_USAGE = "unmetered_microusd";
    static final String TOLD_USAGE = "metered_microusd";
    static final String METER_BATCH = "meter_batch";
    static final String NAMED_USAGE = "named_microusd";
    static final String NAMED_CALLS = "named_calls";
    static final String SEALED_BATCH = "sealed_batch";
    static final String SEALED_USAGE = "sealed_microusd";
    static final String SEALED_NAMED = "sealed_named_microusd";
    static final String SEALED_CALLS = "sealed_calls";
    static final String SEALED_AT = "sealed_at";
    static final String EVENTS = "meter"; // PENDING and, after all of these, TOLD
    static final String BATCH = "batch#";
    static final String EVENT = "meter-event";
    static final String MONTHS = "months";
    static final String TENANTS = "tenants";
    static final String REJECTED = "rejected";
    static final String ERA = "era";
    static final String RECONCILED = "reconciled";
    static final String LAST = "last";

    // a large table is walked to fill a new index
    private static final Duration INDEX_LIMIT = Duration.ofMinutes(15);
    private static final Duration INDEX_POLL = Duration.ofMillis(200);

    private LedgerTable() {}

    /**
     * Makes the table unless it is there, the index that an older version's lacks too, and waits until both can be used;
     * any number of processes may do so at once.
     */
    public static void createIfAbsent(DynamoDbClient dynamo) {
        DynamoTables.createIfAbsent(
                dynamo,
                NAME,
                table -> table.attributeDefinitions(text(PK), text(SK), text(BOOK), text(LINE))
                        .keySchema(key(PK, KeyType.HASH), key(SK, KeyType.RANGE))
                        .globalSecondaryIndexes(i -> i.indexName(BY_TIME)
                                .keySchema(key(BOOK, KeyType.HASH), key(LINE, KeyType.RANGE))
                                .projection(p -> p.projectionType(ProjectionType.ALL))));
        if (!hasIndex(dynamo.describeTable(request -> request.tableName(NAME)).table())) {
            addIndex(dynamo);
        }
        awaitIndex(dynamo);
    }

    static String groupKey(String id) {
        return GROUP + "#" + id;
    }

    static String tenantKey(String tenant) {
        return "tenant#" + tenant;
    }

    static String batchKey(long number) {
        return BATCH + "%010d".formatted(number);
    }

    static String eventKey(String id) {
        return EVENT + "#" + id;
    }

    static String customerKey(boolean live) {
        return live ? "customer#live" : "customer#test";
    }

    static String moneyBook(String tenant) {
        return tenant + "#money";
    }

    static String callsBook(String tenant, YearMonth month) {
        return tenant + "#calls#" + month;
    }

    /** Groups that were posted before it have no place in it; they are found by their ids and by audits alone. */
    private static void addIndex(DynamoDbClient dynamo) {
        try {
            dynamo.updateTable(request -> request.tableName(NAME)
                    .attributeDefinitions(text(PK), text(SK), text(BOOK), text(LINE))
                    .globalSecondaryIndexUpdates(u -> u.create(i -> i.indexName(BY_TIME)
                            .keySchema(key(BOOK, KeyType.HASH), key(LINE, KeyType.RANGE))
                            .projection(p -> p.projectionType(ProjectionType.ALL)))));
        } catch (ResourceInUseException addedByAnotherProcess) {
            // which is what was wanted
            return;
        }
    }

    private static void awaitIndex(DynamoDbClient dynamo) {
        long end = System.nanoTime() + INDEX_LIMIT.toNanos();
        while (dynamo.describeTable(request -> request.tableName(NAME)).table().globalSecondaryIndexes().stream()
                .noneMatch(i -> i.indexName().equals(BY_TIME) && i.indexStatus() == IndexStatus.ACTIVE)) {
            if (System.nanoTime() > end) {
                throw new IllegalStateException("table " + NAME + ": index " + BY_TIME + " is not active after "
                        + INDEX_LIMIT + "; wait until it is, then start again");
            }
            try {
                Thread.sleep(INDEX_POLL);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IllegalStateException("interrupted while an index was made", e);
            }
        }
    }

    private static boolean hasIndex(TableDescription table) {
        return table.globalSecondaryIndexes().stream()
                .anyMatch(i -> i.indexName().equals(BY_TIME));
    }

    private static AttributeDefinition text(String name) {
        return AttributeDefinition.builder()
                .attributeName(name)
                .attributeType(ScalarAttributeType.S)
                .build();
    }

    private static KeySchemaElement key(String name, KeyType type) {
        return KeySchemaElement.builder().attributeName(name).keyType(type).build();
    }
}
