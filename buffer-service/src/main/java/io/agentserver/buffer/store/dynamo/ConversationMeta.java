package io.agentserver.buffer.store.dynamo;

import io.agentserver.buffer.commit.Commit;
import io.agentserver.buffer.store.ConversationKey;
import io.agentserver.buffer.store.Erasures;
import io.agentserver.buffer.store.ShardKey;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;
import software.amazon.awssdk.services.dynamodb.model.AttributeValue;
import software.amazon.awssdk.services.dynamodb.model.ConditionalCheckFailedException;

import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.Semaphore;
import java.util.function.BiConsumer;
import java.util.function.ToLongBiFunction;

import static io.agentserver.buffer.store.dynamo.DynamoThreadStore.item;
import static io.agentserver.buffer.store.dynamo.DynamoThreadStore.number;
import static io.agentserver.buffer.store.dynamo.ThreadsTable.ACTIVITY;
import static io.agentserver.buffer.store.dynamo.ThreadsTable.LAST_NUMBER;
import static io.agentserver.buffer.store.dynamo.ThreadsTable.LAST_SEQUENCE;
import static io.agentserver.buffer.store.dynamo.ThreadsTable.PK;
import static io.agentserver.buffer.store.dynamo.ThreadsTable.SHARD;
import static io.agentserver.buffer.store.dynamo.ThreadsTable.SK;

/**
 * Writes the items {@code meta}, by which conversations are listed and go on when their commits have expired. No commit waits for
 * them; one that DynamoDB did not take is written when it is made up for, unless the process ends before.
 */
final class ConversationMeta {
    private static final Logger log = LoggerFactory.getLogger(ConversationMeta.class);
    private static final int SIDE_WRITES = 64;
    private static final int MOST_UNWRITTEN = 100_000;

    private final DynamoDbClient dynamo;
    private final Executor side;
    private final ToLongBiFunction<ConversationKey, Commit> expirySeconds;
    private final Semaphore sideWrites = new Semaphore(SIDE_WRITES);
    /** And the commit that it is to tell of, without what it changes. */
    private final Map<ConversationKey, Commit> unwritten = new ConcurrentHashMap<>();

    /**
     * @param side where writes run that nobody waits for
     * @param expirySeconds when the item expires that tells of a commit
     */
    ConversationMeta(DynamoDbClient dynamo, Executor side, ToLongBiFunction<ConversationKey, Commit> expirySeconds) {
        this.dynamo = dynamo;
        this.side = side;
        this.expirySeconds = expirySeconds;
    }

    /** If too many are on their way, the caller does it itself and so slows down. Throws nothing of DynamoDB's. */
    void putAside(ConversationKey key, Commit commit) {
        aside(key, commit, this::put);
    }

    /** The same, but the conversation keeps its place in the index: another one is two writes to a partition that it shares. */
    void countAside(ConversationKey key, Commit commit) {
        aside(key, commit, this::count);
    }

    private void aside(ConversationKey key, Commit commit, BiConsumer<ConversationKey, Commit> write) {
        if (!sideWrites.tryAcquire()) {
            tryWrite(key, commit, write);
            return;
        }
        side.execute(() -> {
            try {
                tryWrite(key, commit, write);
            } finally {
                sideWrites.release();
            }
        });
    }

    /** Two processes may write it in the wrong order: the later commit's stands. */
    void put(ConversationKey key, Commit commit) {
        int shard = ShardKey.of(key.conversation(), ShardKey.SHARDS);
        Map<String, AttributeValue> meta = item(
                key,
                DynamoThreadStore.META,
                Long.toString(expirySeconds.applyAsLong(key, commit)),
                Map.of(
                        ACTIVITY, number(commit.getAtMs()),
                        LAST_NUMBER, number(commit.getNumber()),
                        LAST_SEQUENCE, number(CommitItems.lastSequence(commit))));
        if (!Erasures.isErasure(commit)) { // without it, it is in no list
            meta.put(SHARD, AttributeValue.fromS(key.tenant() + "#" + shard));
        }
        try {
            dynamo.putItem(request -> request.tableName(ThreadsTable.NAME)
                    .item(meta)
                    .conditionExpression("attribute_not_exists(last_number) OR last_number < :number")
                    .expressionAttributeValues(Map.of(":number", number(commit.getNumber()))));
        } catch (ConditionalCheckFailedException later) {
            // what is there says more, unless it was only counted
            if (!Erasures.isErasure(commit)) {
                move(key, commit);
            }
        }
    }

    private void count(ConversationKey key, Commit commit) {
        try {
            dynamo.updateItem(request -> request.tableName(ThreadsTable.NAME)
                    .key(id(key))
                    .updateExpression("SET last_number = :number, last_sequence = :sequence, expires_at = :expires")
                    .conditionExpression("last_number < :number")
                    .expressionAttributeValues(Map.of(
                            ":number", number(commit.getNumber()),
                            ":sequence", number(CommitItems.lastSequence(commit)),
                            ":expires", number(expirySeconds.applyAsLong(key, commit)))));
        } catch (ConditionalCheckFailedException absentOrLater) {
            put(key, commit); // the first is still on its way, or was lost
        }
    }

    /** In the index alone; one that is erased stays out of it. */
    private void move(ConversationKey key, Commit commit) {
        try {
            dynamo.updateItem(request -> request.tableName(ThreadsTable.NAME)
                    .key(id(key))
                    .updateExpression("SET last_activity = :at")
                    .conditionExpression("last_activity < :at AND attribute_exists(tenant_shard)")
                    .expressionAttributeValues(Map.of(":at", number(commit.getAtMs()))));
        } catch (ConditionalCheckFailedException laterOrErased) {
            // what is there says more
        }
    }

    private static Map<String, AttributeValue> id(ConversationKey key) {
        return Map.of(PK, AttributeValue.fromS(key.toString()), SK, AttributeValue.fromS(DynamoThreadStore.META));
    }

    /** Writes those that DynamoDB did not take; throws what it throws. */
    void makeUp() {
        for (ConversationKey key : List.copyOf(unwritten.keySet())) {
            Commit commit = unwritten.get(key);
            if (commit != null) {
                put(key, commit);
                unwritten.remove(key, commit);
            }
        }
    }

    private void tryWrite(ConversationKey key, Commit commit, BiConsumer<ConversationKey, Commit> write) {
        try {
            write.accept(key, commit);
        } catch (RuntimeException e) {
            log.warn("a conversation is missing in its tenant's list for some seconds: {}", e.toString());
            if (unwritten.size() < MOST_UNWRITTEN) {
                unwritten.merge(key, withoutChanges(commit), (a, b) -> a.getNumber() > b.getNumber() ? a : b);
            }
        }
    }

    private static Commit withoutChanges(Commit commit) {
        return Commit.newBuilder()
                .setNumber(commit.getNumber())
                .setAtMs(commit.getAtMs())
                .setSequenceBefore(CommitItems.lastSequence(commit))
                .setKeptUntilMs(commit.getKeptUntilMs())
                .build();
    }
}
