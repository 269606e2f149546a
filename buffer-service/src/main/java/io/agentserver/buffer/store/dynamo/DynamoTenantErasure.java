package io.agentserver.buffer.store.dynamo;

import io.agentserver.buffer.store.ConversationKey;
import io.agentserver.buffer.store.DueEntry;
import io.agentserver.buffer.store.ShardKey;
import io.agentserver.buffer.store.StoreUnavailableException;
import io.agentserver.buffer.store.TenantErasure;
import io.agentserver.envelope.TenantId;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;
import software.amazon.awssdk.services.dynamodb.model.AttributeValue;
import software.amazon.awssdk.services.dynamodb.model.WriteRequest;

import java.time.Clock;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/**
 * A deleted tenant's items in the tables {@code threads} and {@code due}; its mark is the item {@code pk} = {@code deleted},
 * {@code sk} = the tenant, which does not expire. First the conversations that the index names, so that nearly all is gone soon;
 * then every item of both tables is looked at, for the index may lack some: a scan, which reads what all tenants have.
 *
 * <p>A cursor is {@code index#<shard>}, or {@code <table>#<pk>\n<sk>}, the last key that was looked at.
 */
public final class DynamoTenantErasure implements TenantErasure {
    private static final Duration LONGEST = Duration.ofSeconds(2);
    private static final String MARKS = "deleted";
    private static final String INDEX = "index#";
    private static final int PAGE = 1_000;
    private static final String MARKED_AT = "marked_at";
    private static final String SWEPT_AT = "swept_at";

    private final DynamoDbClient dynamo;
    private final Clock clock;

    public DynamoTenantErasure(DynamoDbClient dynamo) {
        this(dynamo, Clock.systemUTC());
    }

    public DynamoTenantErasure(DynamoDbClient dynamo, Clock clock) {
        this.dynamo = dynamo;
        this.clock = clock;
    }

    @Override
    public void mark(TenantId tenant) {
        ask(() -> dynamo.updateItem(update -> update.tableName(ThreadsTable.NAME)
                .key(mark(tenant.value()))
                .updateExpression("SET " + MARKED_AT + " = if_not_exists(" + MARKED_AT + ", :now)")
                .expressionAttributeValues(Map.of(":now", AttributeValue.fromN(Long.toString(clock.millis()))))));
    }

    private static Map<String, AttributeValue> mark(String tenant) {
        return Map.of(ThreadsTable.PK, AttributeValue.fromS(MARKS), ThreadsTable.SK, AttributeValue.fromS(tenant));
    }

    @Override
    public List<Mark> marks(long sinceMs) {
        return ask(() -> dynamo
                .queryPaginator(query -> query.tableName(ThreadsTable.NAME)
                        .consistentRead(true)
                        .keyConditionExpression("pk = :pk")
                        .filterExpression(MARKED_AT + " >= :since")
                        .expressionAttributeValues(Map.of(
                                ":pk", AttributeValue.fromS(MARKS),
                                ":since", AttributeValue.fromN(Long.toString(sinceMs)))))
                .items()
                .stream()
                .map(item -> new Mark(
                        new TenantId(text(item, ThreadsTable.SK)), time(item, MARKED_AT), time(item, SWEPT_AT)))
                .toList());
    }

    private static long time(Map<String, AttributeValue> item, String name) {
        AttributeValue value = item.get(name);
        return value == null ? 0 : Long.parseLong(value.n());
    }

    @Override
    public void swept(TenantId tenant, long nowMs) {
        ask(() -> dynamo.updateItem(update -> update.tableName(ThreadsTable.NAME)
                .key(mark(tenant.value()))
                .updateExpression("SET " + SWEPT_AT + " = :now")
                .expressionAttributeValues(Map.of(":now", AttributeValue.fromN(Long.toString(nowMs))))));
    }

    @Override
    public Set<TenantId> marked() {
        return ask(() -> dynamo
                .queryPaginator(query -> query.tableName(ThreadsTable.NAME)
                        .consistentRead(true)
                        .keyConditionExpression("pk = :pk")
                        .expressionAttributeValues(Map.of(":pk", AttributeValue.fromS(MARKS))))
                .items()
                .stream()
                .map(item -> new TenantId(text(item, ThreadsTable.SK)))
                .collect(Collectors.toUnmodifiableSet()));
    }

    @Override
    public Swept sweep(TenantId tenant, String cursor) {
        Part part = new Part(tenant);
        String at = cursor.isEmpty() ? INDEX + 0 : cursor;
        do {
            int hash = at.indexOf('#');
            if (hash < 0) {
                throw new IllegalArgumentException("cursor: <" + at + "> is none of this store's");
            }
            String rest = at.substring(hash + 1);
            at = switch (at.substring(0, hash)) {
                case "index" -> part.shard(Integer.parseInt(rest));
                case ThreadsTable.NAME -> part.scan(ThreadsTable.NAME, rest, DueTable.NAME + "#");
                case DueTable.NAME -> part.scan(DueTable.NAME, rest, "");
                default -> throw new IllegalArgumentException("cursor: <" + at + "> is none of this store's");
            };
        } while (!at.isEmpty() && part.hasTime());
        return new Swept(part.freed, at);
    }

    @Override
    public void sweep(ConversationKey key) {
        Part part = new Part(key.tenant());
        part.conversation(key.toString());
        part.dueOf(key);
    }

    /** One call's. */
    private final class Part {
        private final TenantId tenant;
        private final long begun = System.nanoTime();
        private long freed;

        Part(TenantId tenant) {
            this.tenant = tenant;
        }

        boolean hasTime() {
            return System.nanoTime() - begun < LONGEST.toNanos();
        }

        /** Conversations leave the index with their {@code meta}, so that the same shard may be asked again until it has none. */
        String shard(int shard) {
            List<Map<String, AttributeValue>> named = ask(() -> dynamo.query(query -> query.tableName(ThreadsTable.NAME)
                            .indexName(ThreadsTable.BY_SHARD)
                            .keyConditionExpression("tenant_shard = :shard")
                            .expressionAttributeValues(Map.of(":shard", AttributeValue.fromS(tenant + "#" + shard)))
                            .limit(PAGE))
                    .items());
            long before = freed;
            for (Map<String, AttributeValue> each : named) {
                conversation(text(each, ThreadsTable.PK));
                if (!hasTime()) {
                    return INDEX + shard;
                }
            }
            if (freed > before) {
                return INDEX + shard;
            }
            // none, or an index that has not yet heard what is gone
            return shard + 1 < ShardKey.SHARDS ? INDEX + (shard + 1) : ThreadsTable.NAME + "#";
        }

        private void conversation(String key) {
            delete(
                    ThreadsTable.NAME,
                    ask(() -> dynamo
                            .queryPaginator(query -> query.tableName(ThreadsTable.NAME)
                                    .consistentRead(true)
                                    .keyConditionExpression("pk = :pk")
                                    .projectionExpression("pk, sk")
                                    .expressionAttributeValues(Map.of(":pk", AttributeValue.fromS(key))))
                            .items()
                            .stream()
                            .toList()));
        }

        /** Of all indexes of what is due, each by its shard; a query cannot leave out anything by its key. */
        void dueOf(ConversationKey key) {
            int shard = ShardKey.of(key.conversation(), ShardKey.SHARDS);
            String its = "#" + key + "#";
            for (String index : DueTable.INDEXES) {
                delete(
                        DueTable.NAME,
                        ask(() -> dynamo
                                .queryPaginator(query -> query.tableName(DueTable.NAME)
                                        .consistentRead(true)
                                        .keyConditionExpression("pk = :pk")
                                        .projectionExpression("pk, sk")
                                        .expressionAttributeValues(
                                                Map.of(":pk", AttributeValue.fromS(index + "#" + shard))))
                                .items()
                                .stream()
                                .filter(item -> text(item, ThreadsTable.SK).startsWith(its, DueEntry.DIGITS))
                                .toList()));
            }
        }

        /** A page. */
        String scan(String table, String after, String next) {
            boolean due = table.equals(DueTable.NAME);
            var page = ask(() -> dynamo.scan(scan -> {
                scan.tableName(table)
                        .consistentRead(true)
                        .projectionExpression("pk, sk")
                        .filterExpression(due ? "contains(sk, :tenant)" : "begins_with(pk, :tenant)")
                        // <due>#<tenant>#<conversation>…: in neither an id nor a time is a '#'
                        .expressionAttributeValues(
                                Map.of(":tenant", AttributeValue.fromS(due ? "#" + tenant + "#" : tenant + "#")));
                if (!after.isEmpty()) {
                    scan.exclusiveStartKey(startKey(after));
                }
            }));
            delete(
                    table,
                    page.items().stream()
                            .filter(item -> !due || isDueOf(text(item, ThreadsTable.SK)))
                            .toList());
            return page.hasLastEvaluatedKey()
                    ? table + "#" + text(page.lastEvaluatedKey(), ThreadsTable.PK) + "\n"
                            + text(page.lastEvaluatedKey(), ThreadsTable.SK)
                    : next;
        }

        /** Behind the time, and nowhere else: a tenant's id may look like a conversation's. */
        private boolean isDueOf(String key) {
            return key.startsWith("#" + tenant + "#", DueEntry.DIGITS);
        }

        private void delete(String table, List<Map<String, AttributeValue>> keys) {
            deleteAll(table, keys.stream().map(DynamoTenantErasure::deletion).toList());
            freed += keys.size();
        }
    }

    private static Map<String, AttributeValue> startKey(String cursor) {
        int at = cursor.indexOf('\n');
        if (at < 0) {
            throw new IllegalArgumentException("cursor: <" + cursor + "> is none of this store's");
        }
        return Map.of(
                ThreadsTable.PK, AttributeValue.fromS(cursor.substring(0, at)),
                ThreadsTable.SK, AttributeValue.fromS(cursor.substring(at + 1)));
    }

    private static WriteRequest deletion(Map<String, AttributeValue> item) {
        Map<String, AttributeValue> key = new HashMap<>(item);
        key.keySet().retainAll(Set.of(ThreadsTable.PK, ThreadsTable.SK));
        return WriteRequest.builder().deleteRequest(delete -> delete.key(key)).build();
    }

    private void deleteAll(String table, List<WriteRequest> deletions) {
        ask(() -> {
            BatchWrites.writeAll(dynamo, table, deletions);
            return deletions;
        });
    }

    private static String text(Map<String, AttributeValue> item, String name) {
        return Objects.requireNonNull(item.get(name), name).s();
    }

    private static <T> T ask(Supplier<T> call) {
        try {
            return call.get();
        } catch (SdkException e) {
            throw new StoreUnavailableException("DynamoDB", e);
        }
    }
}
