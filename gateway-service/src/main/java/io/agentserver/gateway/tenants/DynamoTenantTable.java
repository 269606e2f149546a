package io.agentserver.gateway.tenants;

import io.agentserver.envelope.TenantId;
import io.agentserver.gateway.problems.Unavailable;
import io.agentserver.tenancy.OrganismEntry;
import io.agentserver.tenancy.TenantEntry;
import software.amazon.awssdk.core.SdkBytes;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;
import software.amazon.awssdk.services.dynamodb.model.AttributeValue;
import software.amazon.awssdk.services.dynamodb.model.BillingMode;
import software.amazon.awssdk.services.dynamodb.model.ConditionalCheckFailedException;
import software.amazon.awssdk.services.dynamodb.model.DynamoDbException;
import software.amazon.awssdk.services.dynamodb.model.KeyType;
import software.amazon.awssdk.services.dynamodb.model.KeysAndAttributes;
import software.amazon.awssdk.services.dynamodb.model.Put;
import software.amazon.awssdk.services.dynamodb.model.ResourceInUseException;
import software.amazon.awssdk.services.dynamodb.model.ResourceNotFoundException;
import software.amazon.awssdk.services.dynamodb.model.ScalarAttributeType;
import software.amazon.awssdk.services.dynamodb.model.TransactWriteItem;
import software.amazon.awssdk.services.dynamodb.model.TransactionCanceledException;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.LongStream;
import java.util.stream.Stream;

/**
 * The DynamoDB table {@code tenants}, the truth of which the {@code tenants} topic is a copy. Key: {@code pk} = the tenant,
 * {@code sk} = {@code entry} (attribute {@code json}: the directory's record) or {@code organism#<version, 10 digits>}
 * ({@code gz}: its record, gzip, for an item holds 400 KB and a document may have 1 MiB), with its {@code created_at} in {@code version#<version, 10 digits>}, for lists;
 * {@code key-uses} is {@link DynamoKeyUses}'. Of a deleted tenant the item {@code entry} stays without its content, so that the id is
 * never used again. The index of the entries: {@code pk} = {@code #tenants}, {@code sk} = the tenant. Every
 * other write is conditional: an entry's on the revision it was made from, an organism version's on being new. Blocks; safe on any
 * thread.
 */
public final class DynamoTenantTable {
    static final String TABLE = "tenants";
    static final String ENTRY = "entry";
    static final String JSON = "json";
    static final String VERSION = "organism#";
    static final String BOOT_PENDING = "boot_pending";
    /** No tenant's id has this form. */
    private static final String INDEX = "#tenants";

    private static final int MOST_IN_A_BATCH = 100;
    private static final String CREATED_AT = "created_at";
    private static final int LARGEST_VERSION = 390_000;

    private final DynamoDbClient dynamo;

    public DynamoTenantTable(DynamoDbClient dynamo) {
        this.dynamo = dynamo;
    }

    /** Makes the table if it is not there, and waits for it. Where it is there, no right to make tables is needed. */
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

    /** One that is to stay. */
    public Optional<TenantEntry> find(TenantId tenant) {
        return findAny(tenant).filter(entry -> !entry.isDeleted());
    }

    /** Also one whose deletion is under way. */
    public Optional<TenantEntry> findAny(TenantId tenant) {
        Map<String, AttributeValue> item = entryItem(tenant);
        return item.containsKey(JSON) ? Optional.of(entry(item)) : Optional.empty();
    }

    /** Whether there is, or ever was, a tenant of that id. */
    public boolean isTaken(TenantId tenant) {
        return !entryItem(tenant).isEmpty();
    }

    /** Whether there was a tenant of that id, of which nothing else is kept. */
    public boolean isGone(TenantId tenant) {
        Map<String, AttributeValue> item = entryItem(tenant);
        return !item.isEmpty() && !item.containsKey(JSON);
    }

    /** What takes a tenant out of this table. */
    public DynamoTenantRemoval removal() {
        return new DynamoTenantRemoval(dynamo);
    }

    private Map<String, AttributeValue> entryItem(TenantId tenant) {
        return asked(() -> dynamo.getItem(
                        b -> b.tableName(TABLE).consistentRead(true).key(key(tenant, ENTRY)))
                .item());
    }

    /** Also those whose deletion is under way. */
    public List<TenantEntry> all() {
        return entries()
                .filter(item -> item.containsKey(JSON))
                .map(DynamoTenantTable::entry)
                .toList();
    }

    /** Those whose current organism version still owes its boot messages. */
    public List<TenantEntry> bootPending() {
        return entries()
                .filter(item -> item.containsKey(JSON) && item.containsKey(BOOT_PENDING))
                .map(DynamoTenantTable::entry)
                .filter(entry -> !entry.isDeleted())
                .toList();
    }

    /** False if there is, or was, a tenant of that id; not if that is this very entry, written by a try whose answer was lost. */
    public boolean create(TenantEntry entry) {
        index(entry.tenantId()); // first: one without an entry is passed over, an entry without one would not be found
        try {
            asked(() -> dynamo.putItem(b -> b.tableName(TABLE)
                    .item(item(entry.tenantId(), ENTRY, entry.toJson(), entry.revision()))
                    .conditionExpression("attribute_not_exists(pk)")));
            return true;
        } catch (ConditionalCheckFailedException e) {
            return findAny(entry.tenantId()).filter(entry::equals).isPresent();
        }
    }

    /** False if the entry is no longer of revision {@code entry.revision() - 1}. */
    public boolean replace(TenantEntry entry) {
        try {
            asked(() -> dynamo.updateItem(b -> b.tableName(TABLE)
                    .key(key(entry.tenantId(), ENTRY))
                    .updateExpression("SET json = :json, revision = :revision")
                    .conditionExpression("revision = :before")
                    .expressionAttributeValues(Map.of(
                            ":json", json(entry.toJson()),
                            ":revision", number(entry.revision()),
                            ":before", number(entry.revision() - 1)))));
            return true;
        } catch (ConditionalCheckFailedException e) {
            return findAny(entry.tenantId()).filter(entry::equals).isPresent(); // as in create
        }
    }

    /** Writes a version, its date and the entry that makes it current, all or none; false as in {@link #replace}. */
    public boolean activate(TenantEntry entry, OrganismEntry organism) {
        Map<String, AttributeValue> current =
                new HashMap<>(item(entry.tenantId(), ENTRY, entry.toJson(), entry.revision()));
        current.put(BOOT_PENDING, number(organism.version()));
        Put version = Put.builder()
                .tableName(TABLE)
                .item(version(entry.tenantId(), organism))
                .conditionExpression("attribute_not_exists(pk)")
                .build();
        Map<String, AttributeValue> dated = new HashMap<>(key(entry.tenantId(), dateKey(organism.version())));
        dated.put(CREATED_AT, text(organism.createdAt().toString()));
        Put date = Put.builder().tableName(TABLE).item(dated).build();
        Put entryPut = Put.builder()
                .tableName(TABLE)
                .item(current)
                .conditionExpression("revision = :before")
                .expressionAttributeValues(Map.of(":before", number(entry.revision() - 1)))
                .build();
        try {
            asked(() -> dynamo.transactWriteItems(b -> b.transactItems(
                    TransactWriteItem.builder().put(version).build(),
                    TransactWriteItem.builder().put(date).build(),
                    TransactWriteItem.builder().put(entryPut).build())));
            return true;
        } catch (TransactionCanceledException e) {
            boolean conditional = e.hasCancellationReasons()
                    && e.cancellationReasons().stream()
                            .anyMatch(r -> "ConditionalCheckFailed".equals(r.code())
                                    || "TransactionConflict".equals(r.code()));
            if (!conditional) {
                throw e;
            }
            return false;
        }
    }

    /** The boot messages of this version are on the log. Idempotent; without effect if a newer one is current. */
    public void booted(TenantId tenant, long version) {
        try {
            asked(() -> dynamo.updateItem(b -> b.tableName(TABLE)
                    .key(key(tenant, ENTRY))
                    .updateExpression("REMOVE " + BOOT_PENDING)
                    .conditionExpression(BOOT_PENDING + " = :version")
                    .expressionAttributeValues(Map.of(":version", number(version)))));
        } catch (ConditionalCheckFailedException e) {
            // done already, or a newer version owes its own
        }
    }

    public Optional<OrganismEntry> organism(TenantId tenant, long version) {
        Map<String, AttributeValue> item = asked(() -> dynamo.getItem(
                        b -> b.tableName(TABLE).consistentRead(true).key(key(tenant, versionKey(version))))
                .item());
        return item.isEmpty() ? Optional.empty() : Optional.of(organism(item));
    }

    /** A version without its document. */
    public record Version(long version, Instant createdAt) {}

    /**
     * Versions of a tenant's organism without their documents, which are not read either.
     *
     * @param newest the first of the list; those below it follow
     * @param limit so many at most
     */
    public List<Version> versions(TenantId tenant, long newest, int limit) {
        List<Long> numbers = LongStream.rangeClosed(Math.max(1, newest - limit + 1), newest)
                .boxed()
                .toList()
                .reversed();
        Map<String, Instant> dates = new HashMap<>();
        for (Map<String, AttributeValue> item :
                items(numbers.stream().map(n -> key(tenant, dateKey(n))).toList())) {
            dates.put(
                    Objects.requireNonNull(item.get("sk")).s(),
                    Instant.parse(Objects.requireNonNull(item.get(CREATED_AT)).s()));
        }
        List<Version> versions = new ArrayList<>();
        for (long number : numbers) {
            Instant date = dates.get(dateKey(number));
            if (date != null) {
                versions.add(new Version(number, date));
            } else { // one that was made before dates had items of their own
                organism(tenant, number).ifPresent(o -> versions.add(new Version(number, o.createdAt())));
            }
        }
        return versions;
    }

    /** Finds the entries by the index: a scan would read every version of every organism. */
    private Stream<Map<String, AttributeValue>> entries() {
        return items(indexed().stream().map(tenant -> key(tenant, ENTRY)).toList()).stream();
    }

    /** Those that there are, in no order. */
    private List<Map<String, AttributeValue>> items(List<Map<String, AttributeValue>> keys) {
        List<Map<String, AttributeValue>> found = new ArrayList<>();
        for (int from = 0; from < keys.size(); from += MOST_IN_A_BATCH) {
            KeysAndAttributes batch = KeysAndAttributes.builder()
                    .consistentRead(true)
                    .keys(keys.subList(from, Math.min(keys.size(), from + MOST_IN_A_BATCH)))
                    .build();
            found.addAll(asked(() -> dynamo.batchGetItemPaginator(b -> b.requestItems(Map.of(TABLE, batch))).stream()
                    .flatMap(page -> page.responses().getOrDefault(TABLE, List.of()).stream())
                    .toList()));
        }
        return found;
    }

    private List<TenantId> indexed() {
        return asked(() -> dynamo
                .queryPaginator(b -> b.tableName(TABLE)
                        .consistentRead(true)
                        .keyConditionExpression("pk = :pk")
                        .expressionAttributeValues(Map.of(":pk", text(INDEX))))
                .items()
                .stream()
                .map(item -> new TenantId(Objects.requireNonNull(item.get("sk")).s()))
                .toList());
    }

    /**
     * Puts into the index whoever is missing there: those whom a version without one has made. Reads the whole table, so it is for
     * the start.
     */
    public void index() {
        Set<TenantId> known = Set.copyOf(indexed());
        asked(() -> dynamo
                        .scanPaginator(b -> b.tableName(TABLE)
                                .projectionExpression("pk")
                                .filterExpression("sk = :sk AND attribute_exists(" + JSON + ")")
                                .expressionAttributeValues(Map.of(":sk", text(ENTRY))))
                        .items()
                        .stream()
                        .map(item -> new TenantId(
                                Objects.requireNonNull(item.get("pk")).s()))
                        .filter(tenant -> !known.contains(tenant))
                        .toList())
                .forEach(this::index);
    }

    private void index(TenantId tenant) {
        asked(() -> dynamo.putItem(b -> b.tableName(TABLE).item(indexKey(tenant))));
    }

    static Map<String, AttributeValue> indexKey(TenantId tenant) {
        return Map.of("pk", text(INDEX), "sk", text(tenant.value()));
    }

    /** A table that is away is the caller's to wait for; that a condition failed is an answer. */
    static <T> T asked(Supplier<T> call) {
        try {
            return call.get();
        } catch (ConditionalCheckFailedException | TransactionCanceledException e) {
            throw e;
        } catch (SdkException e) {
            if (e instanceof DynamoDbException refused
                    && refused.awsErrorDetails() != null
                    && refused.awsErrorDetails().errorCode().equals("ValidationException")) {
                throw new IllegalStateException("the tenant table does not take this, ever", e);
            }
            throw new Unavailable("the tenant table does not answer; try again", e);
        }
    }

    private static Map<String, AttributeValue> item(TenantId tenant, String sk, byte[] json, long revision) {
        Map<String, AttributeValue> item = new HashMap<>(key(tenant, sk));
        item.put(JSON, json(json));
        item.put("revision", number(revision));
        return item;
    }

    static Map<String, AttributeValue> key(TenantId tenant, String sk) {
        return Map.of("pk", text(tenant.value()), "sk", text(sk));
    }

    private static Map<String, AttributeValue> version(TenantId tenant, OrganismEntry organism) {
        Map<String, AttributeValue> item = new HashMap<>(key(tenant, versionKey(organism.version())));
        item.put("gz", AttributeValue.fromB(SdkBytes.fromByteArrayUnsafe(organism.toZip())));
        return item;
    }

    private static String dateKey(long version) {
        return "version#%010d".formatted(version);
    }

    private static String versionKey(long version) {
        return VERSION + "%010d".formatted(version);
    }

    /** Whether a version fits into an item. */
    public static boolean fits(OrganismEntry organism) {
        return organism.toZip().length <= LARGEST_VERSION;
    }

    private static OrganismEntry organism(Map<String, AttributeValue> item) {
        AttributeValue gz = item.get("gz");
        if (gz == null) {
            throw new IllegalStateException("an item of table " + TABLE + " has no gz: " + item.get("sk"));
        }
        return OrganismEntry.ofZip(gz.b().asByteArrayUnsafe());
    }

    private static TenantEntry entry(Map<String, AttributeValue> item) {
        AttributeValue json = item.get(JSON);
        if (json == null) {
            throw new IllegalStateException("an item of table " + TABLE + " has no json: " + item.get("pk"));
        }
        return TenantEntry.ofJson(json.s().getBytes(StandardCharsets.UTF_8));
    }

    private static AttributeValue json(byte[] json) {
        return text(new String(json, StandardCharsets.UTF_8));
    }

    static AttributeValue text(String text) {
        return AttributeValue.fromS(text);
    }

    static AttributeValue number(long number) {
        return AttributeValue.fromN(Long.toString(number));
    }
}
