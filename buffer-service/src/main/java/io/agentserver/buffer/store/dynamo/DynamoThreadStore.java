package io.agentserver.buffer.store.dynamo;

import io.agentserver.buffer.commit.Commit;
import io.agentserver.buffer.store.AppendListener;
import io.agentserver.buffer.store.CallLimit;
import io.agentserver.buffer.store.ConversationKey;
import io.agentserver.buffer.store.Erasures;
import io.agentserver.buffer.store.Look;
import io.agentserver.buffer.store.RecentConversations;
import io.agentserver.buffer.store.RecentConversations.Order;
import io.agentserver.buffer.store.RecentConversations.Recent;
import io.agentserver.buffer.store.Retention;
import io.agentserver.buffer.store.ShardKey;
import io.agentserver.buffer.store.StoreUnavailableException;
import io.agentserver.buffer.store.ThreadStore;
import io.agentserver.envelope.TenantId;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;
import software.amazon.awssdk.services.dynamodb.model.AttributeValue;
import software.amazon.awssdk.services.dynamodb.model.BatchGetItemResponse;
import software.amazon.awssdk.services.dynamodb.model.ConditionalCheckFailedException;
import software.amazon.awssdk.services.dynamodb.model.KeysAndAttributes;
import software.amazon.awssdk.services.dynamodb.model.QueryRequest;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import java.util.stream.Stream;

import static io.agentserver.buffer.store.dynamo.ThreadsTable.ACTIVITY;
import static io.agentserver.buffer.store.dynamo.ThreadsTable.EXPIRES;
import static io.agentserver.buffer.store.dynamo.ThreadsTable.LAST_NUMBER;
import static io.agentserver.buffer.store.dynamo.ThreadsTable.LAST_SEQUENCE;
import static io.agentserver.buffer.store.dynamo.ThreadsTable.PK;
import static io.agentserver.buffer.store.dynamo.ThreadsTable.SK;

/**
 * Commits in DynamoDB's table {@code threads}: an item for each, written on the condition that there is none of its number.
 * All reads are consistent. A write that timed out after it got in is refused when it is repeated, by us or by the SDK; the
 * journal then finds its own commit.
 *
 * <p>A commit expires by its own time, and by the time that it was to be kept, neither of which runs back in a conversation, so
 * that none expires before its predecessors.
 * DynamoDB deletes within days after that and in any order; reads hide it at once and writes replace it. The item {@code meta}
 * outlives the commits and says where a conversation goes on of which nothing else is left.
 */
public final class DynamoThreadStore implements ThreadStore {
    private static final Logger log = LoggerFactory.getLogger(DynamoThreadStore.class);
    /** What the log may still redeliver must find its conversation: the log is purged a day after it was read. */
    private static final Duration PURGE_BOUND = Duration.ofHours(24);

    static final String META = "meta";
    static final String COMMIT = "commit#";
    private static final String LAST_COMMIT = "commit#9999999999";
    /** So many commits {@code meta} is behind at most, unless a write of it was lost; each makes 33 slots at most. */
    private static final long META_COMMITS = 100;
    /** Where an expired conversation goes on, after what {@code meta} says: ten times as far as it is behind. */
    private static final long COMMITS_AHEAD = 10 * META_COMMITS;

    private static final long SLOTS_AHEAD = 33 * COMMITS_AHEAD;
    /** Eight for each connection: a second's worth where DynamoDB takes a tenth of a second. */
    private static final int MOST_WAITING = 2_048;

    /** That DynamoDB takes in one request. */
    private static final int MOST_KEYS = 100;

    private final DynamoDbClient dynamo;
    private final ErasedItems erased;
    private final ConversationMeta meta;
    private final Retention retention;
    private final Clock clock;
    private final ExecutorService side = Executors.newVirtualThreadPerTaskExecutor();
    private final CallLimit waiting = new CallLimit("DynamoDB", MOST_WAITING);

    /** Creates the table if it is not there. */
    public DynamoThreadStore(DynamoDbClient dynamo, Retention retention, Clock clock) {
        this.dynamo = dynamo;
        this.erased = new ErasedItems(dynamo);
        this.retention = retention;
        this.clock = clock;
        this.meta = new ConversationMeta(
                dynamo, side, (key, commit) -> expirySeconds(key, commit) + PURGE_BOUND.toSeconds());
        ThreadsTable.createIfAbsent(dynamo);
    }

    @Override
    public List<Commit> read(ConversationKey key, long number, Look look) {
        QueryRequest query = QueryRequest.builder()
                .tableName(ThreadsTable.NAME)
                .consistentRead(true)
                .keyConditionExpression("pk = :pk AND sk BETWEEN :first AND :last")
                .expressionAttributeValues(Map.of(
                        ":pk", AttributeValue.fromS(key.toString()),
                        ":first", AttributeValue.fromS(commitKey(number)),
                        // "meta" comes after all commits
                        ":last", AttributeValue.fromS(number == 1 ? META : LAST_COMMIT)))
                .build();
        long nowSeconds = clock.instant().getEpochSecond();
        return ask(() -> {
            List<Commit> commits = new ArrayList<>();
            for (Map<String, AttributeValue> item : dynamo.queryPaginator(query).items()) {
                if (text(item, SK).equals(META)) {
                    if (commits.isEmpty()) {
                        remains(item, nowSeconds).ifPresent(commits::add);
                    }
                } else if (!isExpired(item, nowSeconds)) {
                    CommitItems.read(item, (body, parts) -> readBody(key, body, parts))
                            .ifPresentOrElse(commit -> follow(commits, commit), () -> {
                                commits.clear();
                                commits.add(CommitItems.remains(item));
                            });
                }
            }
            return commits;
        });
    }

    /** Without its envelopes, so that nothing but the item is read. */
    @Override
    public Optional<Commit> last(ConversationKey key) {
        QueryRequest query = QueryRequest.builder()
                .tableName(ThreadsTable.NAME)
                .consistentRead(true)
                .keyConditionExpression("pk = :pk AND sk BETWEEN :first AND :last")
                .expressionAttributeValues(Map.of(
                        ":pk", AttributeValue.fromS(key.toString()),
                        ":first", AttributeValue.fromS(commitKey(1)),
                        ":last", AttributeValue.fromS(LAST_COMMIT)))
                .projectionExpression("#commit, " + EXPIRES)
                .expressionAttributeNames(Map.of("#commit", CommitItems.COMMIT)) // a word of DynamoDB's own
                .scanIndexForward(false)
                .limit(1)
                .build();
        long nowSeconds = clock.instant().getEpochSecond();
        return ask(() -> dynamo.query(query).items().stream()
                .filter(item -> !isExpired(item, nowSeconds))
                .map(CommitItems::bare)
                .findFirst());
    }

    /** One request for up to 100 conversations, where each would be one; what it does not answer for may have grown. */
    @Override
    public Set<ConversationKey> grown(Map<ConversationKey, Long> known) {
        List<ConversationKey> keys = List.copyOf(known.keySet());
        Set<ConversationKey> grown = new HashSet<>();
        for (int from = 0; from < keys.size(); from += MOST_KEYS) {
            List<ConversationKey> some = keys.subList(from, Math.min(from + MOST_KEYS, keys.size()));
            List<Map<String, AttributeValue>> next = some.stream()
                    .map(key -> Map.of(
                            PK, AttributeValue.fromS(key.toString()),
                            SK, AttributeValue.fromS(commitKey(Objects.requireNonNull(known.get(key)) + 1))))
                    .toList();
            BatchGetItemResponse answer = ask(() -> dynamo.batchGetItem(request -> request.requestItems(Map.of(
                    ThreadsTable.NAME,
                    KeysAndAttributes.builder()
                            .keys(next)
                            .consistentRead(true)
                            .projectionExpression(PK)
                            .build()))));
            Stream.concat(
                            answer.responses().getOrDefault(ThreadsTable.NAME, List.of()).stream(),
                            answer.unprocessedKeys().values().stream().flatMap(rest -> rest.keys().stream()))
                    .map(item -> ConversationKey.parse(text(item, PK)))
                    .forEach(grown::add);
        }
        return grown;
    }

    /** What is before a hole is gone as well, or half would be left. */
    private static void follow(List<Commit> commits, Commit commit) {
        if (!commits.isEmpty() && commit.getNumber() != commits.getLast().getNumber() + 1) {
            commits.clear();
        }
        commits.add(commit);
    }

    @Override
    public boolean append(ConversationKey key, Commit commit, long previousActivityMs) {
        CommitItems.Written written = CommitItems.write(commit);
        String expires = Long.toString(expirySeconds(key, commit));
        return ask(() -> {
            for (int part = 0; part < written.bodies().size(); part++) {
                put(
                        key,
                        bodyKey(written.body(), part),
                        expires,
                        Map.of("text", AttributeValue.fromS(written.bodies().get(part))));
            }
            try {
                Map<String, AttributeValue> item =
                        item(key, commitKey(commit.getNumber()), expires, written.attributes());
                dynamo.putItem(request -> request.tableName(ThreadsTable.NAME)
                        .item(item)
                        .conditionExpression("attribute_not_exists(sk) OR expires_at <= :now")
                        .expressionAttributeValues(
                                Map.of(":now", number(clock.instant().getEpochSecond()))));
            } catch (ConditionalCheckFailedException exists) {
                return false;
            }
            if (Erasures.isErasure(commit)) {
                return true; // its meta leaves the list of conversations: erase writes it
            }
            if (RecentConversations.isMoved(commit.getAtMs(), previousActivityMs)) {
                meta.putAside(key, commit);
            } else if (commit.getNumber() % META_COMMITS == 0) {
                meta.countAside(key, commit);
            }
            return true;
        });
    }

    @Override
    public boolean erase(ConversationKey key, Commit erasure) {
        return ask(() -> {
            erased.write(key, erasure, Long.toString(expirySeconds(key, erasure)));
            meta.put(key, erasure);
            return true;
        });
    }

    /**
     * A page's conversations lie in all shards, some two in each of a page of 25: each is asked for a few, and again for all that a page
     * may need if one after its last might belong to the page.
     */
    @Override
    public RecentConversations recent(TenantId tenant, Order order, int limit, Optional<Recent> from) {
        int few = Math.min(limit + 1, 2 * Math.ceilDiv(limit + 1, ShardKey.SHARDS) + 2);
        return ask(() -> {
            Map<Integer, List<Recent>> found =
                    recentOfShards(IntStream.range(0, ShardKey.SHARDS).boxed().toList(), tenant, order, few, from);
            List<Recent> page = merged(found, order, limit);
            List<Integer> cutShort = found.entrySet().stream()
                    .filter(shard -> few <= limit
                            && shard.getValue().size() == few
                            && (page.size() <= limit
                                    || order.compare(shard.getValue().getLast(), page.getLast()) < 0))
                    .map(Map.Entry::getKey)
                    .toList();
            found.putAll(recentOfShards(cutShort, tenant, order, limit + 1, from));
            return RecentConversations.page(cutShort.isEmpty() ? page : merged(found, order, limit), limit);
        });
    }

    private static List<Recent> merged(Map<Integer, List<Recent>> shards, Order order, int limit) {
        return shards.values().stream()
                .flatMap(List::stream)
                .sorted(order)
                .limit(limit + 1L)
                .toList();
    }

    private Map<Integer, List<Recent>> recentOfShards(
            List<Integer> shards, TenantId tenant, Order order, int most, Optional<Recent> from) {
        Map<Integer, Future<List<Recent>>> asked = new LinkedHashMap<>();
        shards.forEach(shard -> asked.put(shard, side.submit(() -> recentOfShard(tenant, shard, order, most, from))));
        Map<Integer, List<Recent>> found = new LinkedHashMap<>();
        asked.forEach((shard, answer) -> found.put(shard, result(answer)));
        return found;
    }

    /** By the index, which may lack what has begun in the last moments. */
    @Override
    public void each(Consumer<ConversationKey> taker) {
        ask(() -> {
            dynamo.scanPaginator(scan -> scan.tableName(ThreadsTable.NAME)
                            .indexName(ThreadsTable.BY_SHARD)
                            .projectionExpression(PK))
                    .items()
                    .forEach(item -> taker.accept(ConversationKey.parse(text(item, PK))));
            return true;
        });
    }

    @Override
    public void makeUp() {
        ask(() -> {
            meta.makeUp();
            return true;
        });
    }

    @Override
    public void onAppend(AppendListener listener) {
        // DynamoDB tells nobody in time; Redis or the poll does
    }

    @Override
    public void check() {
        ask(() -> dynamo.getItem(request -> request.tableName(ThreadsTable.NAME)
                .key(Map.of(PK, AttributeValue.fromS("check"), SK, AttributeValue.fromS("check")))));
    }

    @Override
    public void close() {
        side.close();
        dynamo.close();
    }

    private List<Recent> recentOfShard(TenantId tenant, int shard, Order order, int most, Optional<Recent> from) {
        long oldest = retention.oldestVisibleMs(tenant, clock.millis());
        long newest = Long.MAX_VALUE;
        if (from.isPresent()) {
            switch (order) {
                case NEWEST_FIRST -> newest = from.get().activityMs();
                case OLDEST_FIRST -> oldest = Math.max(oldest, from.get().activityMs());
            }
        }
        if (newest < oldest) {
            return List.of(); // a cursor that is older than what is kept; DynamoDB takes no such range
        }
        Map<String, AttributeValue> values = Map.of(
                ":shard", AttributeValue.fromS(tenant + "#" + shard),
                ":oldest", number(oldest),
                ":newest", number(newest));
        QueryRequest query = QueryRequest.builder()
                .tableName(ThreadsTable.NAME)
                .indexName(ThreadsTable.BY_SHARD)
                .keyConditionExpression("tenant_shard = :shard AND last_activity BETWEEN :oldest AND :newest")
                .expressionAttributeValues(values)
                .projectionExpression(PK + ", " + ACTIVITY)
                .scanIndexForward(order == Order.OLDEST_FIRST)
                .limit(most)
                .build();
        return dynamo.queryPaginator(query).items().stream()
                .map(item -> new Recent(
                        Long.parseLong(text(item, ACTIVITY)),
                        ConversationKey.parse(text(item, PK)).conversation()))
                .filter(recent -> order.isAtOrAfter(recent, from))
                .limit(most)
                .toList();
    }

    /**
     * Where a conversation goes on whose commits are gone: further than {@code meta} knows that it came. Empty if the commit
     * that it speaks of is to be alive: a query is no snapshot, and may have passed by before that was written.
     */
    private Optional<Commit> remains(Map<String, AttributeValue> meta, long nowSeconds) {
        long commitExpires = Long.parseLong(text(meta, EXPIRES)) - PURGE_BOUND.toSeconds(); // as it was written
        if (!meta.containsKey(LAST_NUMBER) || commitExpires > nowSeconds) {
            return Optional.empty();
        }
        return Optional.of(Commit.newBuilder()
                .setNumber(Long.parseLong(text(meta, LAST_NUMBER)) + COMMITS_AHEAD)
                .setAtMs(Long.parseLong(text(meta, ACTIVITY)))
                .setSequenceBefore(Long.parseLong(text(meta, LAST_SEQUENCE)) + SLOTS_AHEAD)
                .build());
    }

    /** Of a commit: by what it says itself, which all processes agree on once it is written. */
    private long expirySeconds(ConversationKey key, Commit commit) {
        return Instant.ofEpochMilli(retention.keptUntilMs(key.tenant(), commit))
                .plus(PURGE_BOUND)
                .getEpochSecond();
    }

    private static boolean isExpired(Map<String, AttributeValue> item, long nowSeconds) {
        return Long.parseLong(text(item, EXPIRES)) <= nowSeconds;
    }

    /** Empty: deleted before the commit that names it. */
    private Optional<String> readBody(ConversationKey key, String body, int parts) {
        StringBuilder text = new StringBuilder();
        for (int part = 0; part < parts; part++) {
            Map<String, AttributeValue> id =
                    Map.of(PK, AttributeValue.fromS(key.toString()), SK, AttributeValue.fromS(bodyKey(body, part)));
            Map<String, AttributeValue> item = dynamo.getItem(request ->
                            request.tableName(ThreadsTable.NAME).key(id).consistentRead(true))
                    .item();
            if (item.isEmpty()) {
                log.warn("a commit of {} has lost its body {} and counts as expired", key, body);
                return Optional.empty();
            }
            text.append(text(item, "text"));
        }
        return Optional.of(text.toString());
    }

    private void put(ConversationKey key, String sk, String expires, Map<String, AttributeValue> attributes) {
        Map<String, AttributeValue> item = item(key, sk, expires, attributes);
        dynamo.putItem(request -> request.tableName(ThreadsTable.NAME).item(item));
    }

    static Map<String, AttributeValue> item(
            ConversationKey key, String sk, String expires, Map<String, AttributeValue> attributes) {
        Map<String, AttributeValue> item = new HashMap<>(attributes);
        item.put(PK, AttributeValue.fromS(key.toString()));
        item.put(SK, AttributeValue.fromS(sk));
        item.put(EXPIRES, AttributeValue.fromN(expires));
        return item;
    }

    private static List<Recent> result(Future<List<Recent>> shard) {
        try {
            return shard.get();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new StoreUnavailableException("DynamoDB", e);
        } catch (ExecutionException e) {
            throw new StoreUnavailableException("DynamoDB", e);
        }
    }

    private <T> T ask(Supplier<T> request) {
        try {
            return waiting.within(request);
        } catch (SdkException | RejectedExecutionException e) { // the latter once it is closed
            throw new StoreUnavailableException("DynamoDB", e);
        }
    }

    static String commitKey(long number) {
        return String.format(COMMIT + "%010d", number);
    }

    private static String bodyKey(String body, int part) {
        return "body#" + body + "#" + part;
    }

    static AttributeValue number(long value) {
        return AttributeValue.fromN(Long.toString(value));
    }

    static String text(Map<String, AttributeValue> item, String name) {
        AttributeValue value = item.get(name);
        if (value == null) {
            throw new IllegalStateException("an item of the table threads has no attribute " + name);
        }
        return value.n() != null ? value.n() : value.s();
    }
}
