package io.agentserver.gateway.deletion;

import io.agentserver.envelope.TenantId;
import io.agentserver.gateway.problems.Unavailable;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;
import software.amazon.awssdk.services.dynamodb.model.AttributeValue;
import software.amazon.awssdk.services.dynamodb.model.ConditionalCheckFailedException;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * The jobs, in the table {@code tenants} beside whom they delete: {@code sk} = {@code deletion}, {@code json} the {@link Deletion},
 * {@code owner} who works on it, {@code beat} how often it was written. Receipts stay. Which are not finished is to be found without
 * reading the table: {@code pk} = {@code #deletions}, {@code sk} = the tenant, written after the job and gone after its end.
 * Blocks; safe on any thread.
 */
public final class DynamoDeletions {
    private static final String TABLE = "tenants";
    private static final String DELETION = "deletion";
    /** No tenant's id has this form. */
    private static final String OPEN = "#deletions";

    private final DynamoDbClient dynamo;

    public DynamoDeletions(DynamoDbClient dynamo) {
        this.dynamo = dynamo;
    }

    /** @param beat counts the writes: an owner who is alive is seen to write */
    record Job(Deletion deletion, String owner, long beat) {}

    Optional<Job> find(TenantId tenant) {
        Map<String, AttributeValue> item = asked(() -> dynamo.getItem(
                        b -> b.tableName(TABLE).consistentRead(true).key(key(tenant)))
                .item());
        return item.isEmpty() ? Optional.empty() : Optional.of(job(item));
    }

    /** Those that are not finished, and perhaps some that are: {@link #close} those. */
    List<TenantId> open() {
        return asked(() -> dynamo
                .queryPaginator(b -> b.tableName(TABLE)
                        .consistentRead(true)
                        .keyConditionExpression("pk = :pk")
                        .expressionAttributeValues(Map.of(":pk", text(OPEN))))
                .items()
                .stream()
                .map(item -> new TenantId(string(item, "sk")))
                .toList());
    }

    /** It is finished, or none at all. Idempotent. */
    void close(TenantId tenant) {
        asked(() -> dynamo.deleteItem(b -> b.tableName(TABLE).key(openKey(tenant))));
    }

    /** Unless there is one. */
    void create(Deletion deletion, String owner) {
        try {
            asked(() -> dynamo.putItem(b -> b.tableName(TABLE)
                    .item(Map.of(
                            "pk", text(deletion.tenant()),
                            "sk", text(DELETION),
                            "json", text(new String(deletion.toJson(), StandardCharsets.UTF_8)),
                            "owner", text(owner),
                            "beat", number(1)))
                    .conditionExpression("attribute_not_exists(pk)")));
        } catch (ConditionalCheckFailedException there) {
            // told before, by another request or another pod, which may have died before the next line
        }
        asked(() -> dynamo.putItem(b -> b.tableName(TABLE).item(openKey(new TenantId(deletion.tenant())))));
    }

    /**
     * Writes how far it has come, and that its owner lives.
     *
     * @param before as it was read; where it has been written since, nothing happens
     * @return false: somebody else works on it
     */
    boolean save(Job before, Deletion after, String owner) {
        try {
            asked(() -> dynamo.updateItem(b -> b.tableName(TABLE)
                    .key(key(new TenantId(after.tenant())))
                    .updateExpression("SET json = :json, #owner = :owner, beat = :next")
                    .conditionExpression("beat = :beat")
                    .expressionAttributeNames(Map.of("#owner", "owner"))
                    .expressionAttributeValues(Map.of(
                            ":json", text(new String(after.toJson(), StandardCharsets.UTF_8)),
                            ":owner", text(owner),
                            ":next", number(before.beat() + 1),
                            ":beat", number(before.beat())))));
            return true;
        } catch (ConditionalCheckFailedException written) {
            return false;
        }
    }

    private static Job job(Map<String, AttributeValue> item) {
        return new Job(
                Deletion.ofJson(string(item, "json").getBytes(StandardCharsets.UTF_8)),
                string(item, "owner"),
                Long.parseLong(Objects.requireNonNull(item.get("beat"), "beat").n()));
    }

    private static <T> T asked(Supplier<T> call) {
        try {
            return call.get();
        } catch (ConditionalCheckFailedException e) {
            throw e;
        } catch (SdkException e) {
            throw new Unavailable("the tenant table does not answer; try again", e);
        }
    }

    private static Map<String, AttributeValue> key(TenantId tenant) {
        return Map.of("pk", text(tenant.value()), "sk", text(DELETION));
    }

    private static Map<String, AttributeValue> openKey(TenantId tenant) {
        return Map.of("pk", text(OPEN), "sk", text(tenant.value()));
    }

    private static String string(Map<String, AttributeValue> item, String name) {
        return Objects.requireNonNull(item.get(name), name).s();
    }

    private static AttributeValue text(String text) {
        return AttributeValue.fromS(text);
    }

    private static AttributeValue number(long number) {
        return AttributeValue.fromN(Long.toString(number));
    }
}
