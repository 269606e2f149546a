package io.agentserver.billing.console;

import io.agentserver.billing.ledger.dynamo.DynamoTables;
import io.agentserver.envelope.TenantId;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;
import software.amazon.awssdk.services.dynamodb.model.AttributeValue;
import software.amazon.awssdk.services.dynamodb.model.CancellationReason;
import software.amazon.awssdk.services.dynamodb.model.Delete;
import software.amazon.awssdk.services.dynamodb.model.KeyType;
import software.amazon.awssdk.services.dynamodb.model.ProjectionType;
import software.amazon.awssdk.services.dynamodb.model.Put;
import software.amazon.awssdk.services.dynamodb.model.ScalarAttributeType;
import software.amazon.awssdk.services.dynamodb.model.TransactWriteItem;
import software.amazon.awssdk.services.dynamodb.model.TransactionCanceledException;
import software.amazon.awssdk.services.dynamodb.model.Update;

import java.time.Clock;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * The people of each org, in the table {@code members}: {@code tenant} (hash), {@code person} (range, the e-mail). Beside
 * them, under the person {@code #owners}, how many owners the org has, changed in the same transaction: whatever two owners
 * do at once, one is left. Each change holds only for the role that was seen, so a repeat changes nothing. Safe on any thread.
 */
public final class DynamoMembers {
    static final String TABLE = "members";

    private static final String BY_PERSON = "by_person";
    private static final String OWNERS = "#owners"; // no e-mail address
    private static final int MOST_ATTEMPTS = 5;
    private static final int MOST_FORGOTTEN = 1_000;

    private final DynamoDbClient dynamo;
    private final Clock clock;

    /** What became of a change. */
    public enum Outcome {
        DONE,
        /** The org has no such member, or no longer in that role. */
        NO_SUCH_MEMBER,
        /** They are a member already; the org is claimed already. */
        ALREADY,
        /** An org without owners could let nobody in. */
        LAST_OWNER
    }

    public DynamoMembers(DynamoDbClient dynamo, Clock clock) {
        this.dynamo = dynamo;
        this.clock = clock;
    }

    /** Makes the table unless it is there, and waits until it can be used; any number of processes may do so at once. */
    public static void createIfAbsent(DynamoDbClient dynamo) {
        DynamoTables.createIfAbsent(
                dynamo,
                TABLE,
                table -> table.attributeDefinitions(
                                a -> a.attributeName("tenant").attributeType(ScalarAttributeType.S),
                                a -> a.attributeName("person").attributeType(ScalarAttributeType.S))
                        .keySchema(
                                k -> k.attributeName("tenant").keyType(KeyType.HASH),
                                k -> k.attributeName("person").keyType(KeyType.RANGE))
                        .globalSecondaryIndexes(index -> index.indexName(BY_PERSON)
                                .keySchema(
                                        k -> k.attributeName("person").keyType(KeyType.HASH),
                                        k -> k.attributeName("tenant").keyType(KeyType.RANGE))
                                .projection(p -> p.projectionType(ProjectionType.ALL))));
    }

    public Optional<Member> find(TenantId tenant, String email) {
        Map<String, AttributeValue> item = dynamo.getItem(request ->
                        request.tableName(TABLE).key(key(tenant, email)).consistentRead(true))
                .item();
        return item.isEmpty() ? Optional.empty() : Optional.of(member(item));
    }

    /** By e-mail. */
    public List<Member> of(TenantId tenant) {
        return dynamo
                .queryPaginator(request -> request.tableName(TABLE)
                        .consistentRead(true)
                        .keyConditionExpression("tenant = :t AND person > :owners")
                        .expressionAttributeValues(Map.of(":t", text(tenant.value()), ":owners", text(OWNERS))))
                .items()
                .stream()
                .map(DynamoMembers::member)
                .toList();
    }

    /** Where a person is a member, by org; one that was let in within the last second may be missing. */
    public List<Member> where(String email) {
        return dynamo
                .queryPaginator(request -> request.tableName(TABLE)
                        .indexName(BY_PERSON)
                        .keyConditionExpression("person = :p")
                        .expressionAttributeValues(Map.of(":p", text(email))))
                .items()
                .stream()
                .map(DynamoMembers::member)
                .sorted(Comparator.comparing(member -> member.tenant().value()))
                .toList();
    }

    /** The first owner of an org that has none. */
    public Outcome claim(TenantId tenant, String email) {
        Member owner = new Member(tenant, email, Role.OWNER, email, clock.instant());
        return change(
                Outcome.ALREADY,
                put(owner, "attribute_not_exists(person)"),
                TransactWriteItem.builder()
                        .put(Put.builder()
                                .tableName(TABLE)
                                .item(Map.of(
                                        "tenant", text(tenant.value()),
                                        "person", text(OWNERS),
                                        "owners", AttributeValue.fromN("1")))
                                .conditionExpression("attribute_not_exists(person)")
                                .build())
                        .build());
    }

    public Outcome add(TenantId tenant, String email, Role role, String addedBy) {
        TransactWriteItem added =
                put(new Member(tenant, email, role, addedBy, clock.instant()), "attribute_not_exists(person)");
        return role == Role.OWNER ? change(Outcome.ALREADY, added, owners(tenant, 1)) : change(Outcome.ALREADY, added);
    }

    /** For the demo's people, who are whoever one says: a member in this role. */
    public void ensure(TenantId tenant, String email, Role role) {
        if (add(tenant, email, role, email) == Outcome.ALREADY) {
            changeRole(tenant, email, role);
        }
    }

    public Outcome changeRole(TenantId tenant, String email, Role role) {
        Member before = find(tenant, email).orElse(null);
        if (before == null) {
            return Outcome.NO_SUCH_MEMBER;
        }
        if (before.role() == role) {
            return Outcome.DONE;
        }
        TransactWriteItem changed = TransactWriteItem.builder()
                .update(Update.builder()
                        .tableName(TABLE)
                        .key(key(tenant, email))
                        .updateExpression("SET #role = :after")
                        .conditionExpression("#role = :before")
                        .expressionAttributeNames(Map.of("#role", "role"))
                        .expressionAttributeValues(
                                Map.of(":before", text(before.role().wireName()), ":after", text(role.wireName())))
                        .build())
                .build();
        int owners = (role == Role.OWNER ? 1 : 0) - (before.role() == Role.OWNER ? 1 : 0);
        return owners == 0
                ? change(Outcome.NO_SUCH_MEMBER, changed)
                : change(Outcome.NO_SUCH_MEMBER, changed, owners(tenant, owners));
    }

    public Outcome remove(TenantId tenant, String email) {
        Member before = find(tenant, email).orElse(null);
        if (before == null) {
            return Outcome.NO_SUCH_MEMBER;
        }
        TransactWriteItem removed = TransactWriteItem.builder()
                .delete(Delete.builder()
                        .tableName(TABLE)
                        .key(key(tenant, email))
                        .conditionExpression("#role = :before")
                        .expressionAttributeNames(Map.of("#role", "role"))
                        .expressionAttributeValues(
                                Map.of(":before", text(before.role().wireName())))
                        .build())
                .build();
        return before.role() == Role.OWNER
                ? change(Outcome.NO_SUCH_MEMBER, removed, owners(tenant, -1))
                : change(Outcome.NO_SUCH_MEMBER, removed);
    }

    /**
     * Of an org that is gone: who they were, and how many owners there were; some of them at most.
     *
     * @return how many items; 0: there are none left
     */
    public long forget(TenantId tenant) {
        List<Map<String, AttributeValue>> keys = dynamo.query(request -> request.tableName(TABLE)
                        .consistentRead(true)
                        .keyConditionExpression("tenant = :t")
                        .projectionExpression("tenant, person")
                        .expressionAttributeValues(Map.of(":t", text(tenant.value())))
                        .limit(MOST_FORGOTTEN))
                .items();
        DynamoTables.delete(dynamo, TABLE, keys);
        return keys.size();
    }

    /** @param ifFirstFails what it means that the first item's condition did not hold */
    private Outcome change(Outcome ifFirstFails, TransactWriteItem... items) {
        for (int attempt = 1; ; attempt++) {
            try {
                dynamo.transactWriteItems(request -> request.transactItems(items));
                return Outcome.DONE;
            } catch (TransactionCanceledException cancelled) {
                List<CancellationReason> reasons = cancelled.cancellationReasons();
                if (failed(reasons, 0)) {
                    return ifFirstFails;
                }
                if (failed(reasons, 1)) {
                    return ifFirstFails == Outcome.ALREADY ? Outcome.ALREADY : Outcome.LAST_OWNER;
                }
                if (attempt == MOST_ATTEMPTS) { // others change the same org
                    throw cancelled;
                }
            }
        }
    }

    private static boolean failed(List<CancellationReason> reasons, int item) {
        return item < reasons.size()
                && "ConditionalCheckFailed".equals(reasons.get(item).code());
    }

    private static TransactWriteItem owners(TenantId tenant, int change) {
        return TransactWriteItem.builder()
                .update(Update.builder()
                        .tableName(TABLE)
                        .key(key(tenant, OWNERS))
                        .updateExpression("ADD owners :change")
                        .conditionExpression(
                                change < 0 ? "owners > :least" : "attribute_not_exists(owners) OR owners >= :least")
                        .expressionAttributeValues(Map.of(
                                ":change", AttributeValue.fromN(String.valueOf(change)),
                                ":least", AttributeValue.fromN(change < 0 ? "1" : "0")))
                        .build())
                .build();
    }

    private static TransactWriteItem put(Member member, String condition) {
        return TransactWriteItem.builder()
                .put(Put.builder()
                        .tableName(TABLE)
                        .item(Map.of(
                                "tenant", text(member.tenant().value()),
                                "person", text(member.email()),
                                "role", text(member.role().wireName()),
                                "added_by", text(member.addedBy()),
                                "since", text(member.since().toString())))
                        .conditionExpression(condition)
                        .build())
                .build();
    }

    private static Member member(Map<String, AttributeValue> item) {
        return new Member(
                new TenantId(text(item, "tenant")),
                text(item, "person"),
                Role.of(text(item, "role")).orElseThrow(),
                text(item, "added_by"),
                Instant.parse(text(item, "since")));
    }

    private static String text(Map<String, AttributeValue> item, String name) {
        return Objects.requireNonNull(item.get(name), name).s();
    }

    private static Map<String, AttributeValue> key(TenantId tenant, String person) {
        return Map.of("tenant", text(tenant.value()), "person", text(person));
    }

    private static AttributeValue text(String value) {
        return AttributeValue.fromS(value);
    }
}
