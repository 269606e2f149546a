package io.agentserver.sealing;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.Scheduler;
import io.agentserver.envelope.TenantId;
import io.agentserver.service.PlatformKeys;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import software.amazon.awssdk.core.SdkBytes;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;
import software.amazon.awssdk.services.dynamodb.model.AttributeValue;
import software.amazon.awssdk.services.dynamodb.model.BillingMode;
import software.amazon.awssdk.services.dynamodb.model.ConditionCheck;
import software.amazon.awssdk.services.dynamodb.model.ConditionalCheckFailedException;
import software.amazon.awssdk.services.dynamodb.model.KeyType;
import software.amazon.awssdk.services.dynamodb.model.Put;
import software.amazon.awssdk.services.dynamodb.model.ResourceInUseException;
import software.amazon.awssdk.services.dynamodb.model.ResourceNotFoundException;
import software.amazon.awssdk.services.dynamodb.model.ScalarAttributeType;
import software.amazon.awssdk.services.dynamodb.model.TransactWriteItem;
import software.amazon.awssdk.services.dynamodb.model.TransactionCanceledException;

import java.security.SecureRandom;
import java.time.Clock;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/**
 * The DynamoDB table {@code tenant-keys}, the one place where data keys of tenants are; it has no backups, so that what is deleted
 * from it is gone. Key: {@code pk} = the tenant, {@code sk} = the key's id, its number, 10 digits. Attributes: {@code wrapped} (binary),
 * {@code kid} (of the platform's key that it is wrapped under), {@code created_at}. {@code sk} = {@code destroyed}: the tenant's keys were
 * destroyed, and none is made again; a key is made in one transaction with the check that this is not there.
 *
 * <p>A key that was found is kept in memory for {@link #KEPT}: so long a destroyed one may still be used in another process. Blocks;
 * safe on any thread, in any number of processes.
 */
public final class DynamoTenantKeys implements TenantKeys {
    static final Duration KEPT = Duration.ofSeconds(60);

    private static final Logger LOG = LoggerFactory.getLogger(DynamoTenantKeys.class);
    private static final String TABLE = "tenant-keys";
    private static final String WRAPPED = "wrapped";
    private static final String KID = "kid";
    private static final String CREATED_AT = "created_at";
    private static final String ABSENT = "attribute_not_exists(pk)";
    /** Sorts after every id. */
    private static final String DESTROYED = "destroyed";

    private static final int MOST_KEPT = 10_000;
    private static final int MOST_RACES = 20;

    private final DynamoDbClient dynamo;
    private final KeyWrap wrap;
    private final Clock clock;
    private final Cache<Name, TenantKey> kept;
    private final SecureRandom random = new SecureRandom();

    private record Name(TenantId tenant, String id) {}

    public DynamoTenantKeys(DynamoDbClient dynamo, PlatformKeys platform, Clock clock) {
        this(dynamo, platform, clock, System::nanoTime, Scheduler.systemScheduler());
    }

    /**
     * @param nanoTime as {@link System#nanoTime}
     * @param scheduler clears away what was kept for long enough: else it would be in memory until somebody asks again
     */
    DynamoTenantKeys(
            DynamoDbClient dynamo, PlatformKeys platform, Clock clock, LongSupplier nanoTime, Scheduler scheduler) {
        this.dynamo = dynamo;
        this.wrap = new KeyWrap(platform);
        this.clock = clock;
        this.kept = Caffeine.newBuilder()
                .maximumSize(MOST_KEPT)
                .expireAfterWrite(KEPT)
                .ticker(nanoTime::getAsLong)
                .scheduler(scheduler)
                .build();
    }

    /** How many opened keys are in memory, used up or not. */
    long open() {
        return kept.estimatedSize();
    }

    /** Makes the table if it is not there, and waits for it: the gateway's to do. Where it is there, no right to make tables is needed. */
    public void createIfAbsent() {
        try {
            dynamo.describeTable(b -> b.tableName(TABLE));
        } catch (ResourceNotFoundException absent) {
            create();
        }
        dynamo.waiter().waitUntilTableExists(b -> b.tableName(TABLE));
    }

    private void create() {
        try {
            dynamo.createTable(b -> b.tableName(TABLE)
                    .billingMode(BillingMode.PAY_PER_REQUEST)
                    .attributeDefinitions(
                            a -> a.attributeName("pk").attributeType(ScalarAttributeType.S),
                            a -> a.attributeName("sk").attributeType(ScalarAttributeType.S))
                    .keySchema(
                            k -> k.attributeName("pk").keyType(KeyType.HASH),
                            k -> k.attributeName("sk").keyType(KeyType.RANGE)));
        } catch (ResourceInUseException e) {
            // another pod is making it
        }
    }

    @Override
    public Optional<TenantKey> find(TenantId tenant, String id) {
        Name name = new Name(tenant, id);
        TenantKey known = kept.getIfPresent(name);
        if (known != null) {
            return Optional.of(known);
        }
        Map<String, AttributeValue> item = asked(() -> dynamo.getItem(
                        b -> b.tableName(TABLE).consistentRead(true).key(key(tenant, id)))
                .item());
        if (!item.containsKey(WRAPPED)) {
            return Optional.empty();
        }
        TenantKey found = open(tenant, item);
        kept.put(name, found);
        return Optional.of(found);
    }

    /**
     * What new values are sealed with: the tenant's newest key. If it has none, or none that this process can open, a new one is
     * made; of two processes that make one at once, both get the same. Empty: its keys were destroyed, and there will be none.
     *
     * @throws KeysUnavailableException if the table is away
     */
    public Optional<TenantKey> current(TenantId tenant) {
        for (int i = 0; i < MOST_RACES; i++) {
            Map<String, AttributeValue> newest = newest(tenant);
            if (newest != null && isDestroyed(newest)) {
                return Optional.empty();
            }
            Optional<TenantKey> usable = newest == null ? Optional.empty() : tryToOpen(tenant, newest);
            if (usable.isPresent()) {
                return usable;
            }
            Optional<TenantKey> made = make(tenant, newest == null ? 1 : Long.parseLong(id(newest)) + 1);
            if (made.isPresent()) {
                return made;
            }
        }
        throw new KeysUnavailableException(
                "the data keys of tenant " + tenant + " change too fast: " + MOST_RACES + " lost races", null);
    }

    /**
     * All keys of the tenant, for good: whatever was sealed with them is unreadable, and none is made again. Repeating it is
     * harmless.
     *
     * @return how many there were
     * @throws KeysUnavailableException if the table is away; some may be destroyed
     */
    public long destroy(TenantId tenant) {
        forbid(tenant); // first: a key that is made before it is found below, and later none is made
        long destroyed = 0;
        for (Map<String, AttributeValue> item : items(tenant)) {
            if (!isDestroyed(item)) {
                asked(() -> dynamo.deleteItem(b -> b.tableName(TABLE).key(key(tenant, id(item)))));
                destroyed++;
            }
        }
        kept.asMap().keySet().removeIf(name -> name.tenant().equals(tenant));
        return destroyed;
    }

    /**
     * Wraps under the platform's first key what is wrapped under another of its keys. The data keys stay what they are. Repeating it
     * is harmless.
     *
     * @return how many it wrapped anew
     * @throws KeysUnavailableException if the table is away, or a key does not open here; the others are wrapped all the same
     */
    public long rewrap(TenantId tenant) {
        long rewrapped = 0;
        KeysUnavailableException failed = null;
        for (Map<String, AttributeValue> item : items(tenant)) {
            if (!isDestroyed(item) && !text(item, KID).equals(wrap.kid())) {
                try {
                    rewrapped += rewrap(tenant, item) ? 1 : 0;
                } catch (KeysUnavailableException e) {
                    failed = e;
                }
            }
        }
        if (failed != null) {
            throw failed;
        }
        return rewrapped;
    }

    /** On the condition that it is still there, and as it was read. */
    private boolean rewrap(TenantId tenant, Map<String, AttributeValue> item) {
        byte[] wrapped = wrap.wrap(tenant, id(item), unwrap(tenant, item));
        try {
            asked(() -> dynamo.updateItem(b -> b.tableName(TABLE)
                    .key(key(tenant, id(item)))
                    .updateExpression("SET #wrapped = :wrapped, " + KID + " = :kid")
                    .conditionExpression(KID + " = :before")
                    .expressionAttributeNames(Map.of("#wrapped", WRAPPED)) // DynamoDB has the word to itself
                    .expressionAttributeValues(Map.of(
                            ":wrapped", binary(wrapped),
                            ":kid", AttributeValue.fromS(wrap.kid()),
                            ":before", AttributeValue.fromS(text(item, KID))))));
            return true;
        } catch (ConditionalCheckFailedException e) {
            return false; // another process was quicker, or it is destroyed
        }
    }

    private void forbid(TenantId tenant) {
        Map<String, AttributeValue> item = new HashMap<>(key(tenant, DESTROYED));
        item.put("destroyed_at", AttributeValue.fromS(clock.instant().toString()));
        try {
            asked(() -> dynamo.putItem(b -> b.tableName(TABLE).item(item).conditionExpression(ABSENT)));
        } catch (ConditionalCheckFailedException e) {
            // told before
        }
    }

    /** Empty: there is one of that number, or there are to be none any more. */
    private Optional<TenantKey> make(TenantId tenant, long number) {
        String id = "%010d".formatted(number);
        byte[] bytes = new byte[TenantKey.BYTES];
        random.nextBytes(bytes);
        Map<String, AttributeValue> item = new HashMap<>(key(tenant, id));
        item.put(WRAPPED, binary(wrap.wrap(tenant, id, bytes)));
        item.put(KID, AttributeValue.fromS(wrap.kid()));
        item.put(CREATED_AT, AttributeValue.fromS(clock.instant().toString()));
        Put put = Put.builder()
                .tableName(TABLE)
                .item(item)
                .conditionExpression(ABSENT)
                .build();
        ConditionCheck allowed = ConditionCheck.builder()
                .tableName(TABLE)
                .key(key(tenant, DESTROYED))
                .conditionExpression(ABSENT)
                .build();
        try {
            asked(() -> dynamo.transactWriteItems(b -> b.transactItems(
                    TransactWriteItem.builder().put(put).build(),
                    TransactWriteItem.builder().conditionCheck(allowed).build())));
            return Optional.of(new TenantKey(id, bytes));
        } catch (TransactionCanceledException e) {
            boolean raced = e.hasCancellationReasons()
                    && e.cancellationReasons().stream()
                            .anyMatch(r -> "ConditionalCheckFailed".equals(r.code())
                                    || "TransactionConflict".equals(r.code()));
            if (!raced) {
                throw away(e);
            }
            return Optional.empty();
        }
    }

    private @Nullable Map<String, AttributeValue> newest(TenantId tenant) {
        List<Map<String, AttributeValue>> items = asked(() -> dynamo.query(b -> b.tableName(TABLE)
                        .consistentRead(true)
                        .keyConditionExpression("pk = :pk")
                        .expressionAttributeValues(Map.of(":pk", AttributeValue.fromS(tenant.value())))
                        .scanIndexForward(false)
                        .limit(1))
                .items());
        return items.isEmpty() ? null : items.getFirst();
    }

    private List<Map<String, AttributeValue>> items(TenantId tenant) {
        return asked(() -> dynamo
                .queryPaginator(b -> b.tableName(TABLE)
                        .consistentRead(true)
                        .keyConditionExpression("pk = :pk")
                        .expressionAttributeValues(Map.of(":pk", AttributeValue.fromS(tenant.value()))))
                .items()
                .stream()
                .toList());
    }

    private Optional<TenantKey> tryToOpen(TenantId tenant, Map<String, AttributeValue> item) {
        try {
            return Optional.of(open(tenant, item));
        } catch (KeysUnavailableException e) {
            return Optional.empty(); // what was sealed with it waits; what is new must not
        }
    }

    private TenantKey open(TenantId tenant, Map<String, AttributeValue> item) {
        return new TenantKey(id(item), unwrap(tenant, item));
    }

    private byte[] unwrap(TenantId tenant, Map<String, AttributeValue> item) {
        try {
            return wrap.unwrap(
                    tenant,
                    id(item),
                    text(item, KID),
                    Objects.requireNonNull(item.get(WRAPPED), WRAPPED).b().asByteArray());
        } catch (KeysUnavailableException e) {
            LOG.warn("{}", e.getMessage()); // here, for whoever asks has an answer of its own to give
            throw e;
        }
    }

    /** That a condition failed is an answer. */
    private static <T> T asked(Supplier<T> call) {
        try {
            return call.get();
        } catch (ConditionalCheckFailedException | TransactionCanceledException e) {
            throw e;
        } catch (SdkException e) {
            throw away(e);
        }
    }

    private static KeysUnavailableException away(SdkException e) {
        return new KeysUnavailableException("the table " + TABLE + " does not answer; try again", e);
    }

    private static boolean isDestroyed(Map<String, AttributeValue> item) {
        return id(item).equals(DESTROYED);
    }

    private static String id(Map<String, AttributeValue> item) {
        return text(item, "sk");
    }

    private static String text(Map<String, AttributeValue> item, String name) {
        return Objects.requireNonNull(item.get(name), name).s();
    }

    private static Map<String, AttributeValue> key(TenantId tenant, String id) {
        return Map.of("pk", AttributeValue.fromS(tenant.value()), "sk", AttributeValue.fromS(id));
    }

    private static AttributeValue binary(byte[] bytes) {
        return AttributeValue.fromB(SdkBytes.fromByteArray(bytes));
    }
}
