package io.agentserver.buffer.store.redis;

import io.agentserver.buffer.commit.Commit;
import io.agentserver.buffer.store.AppendListener;
import io.agentserver.buffer.store.ConversationKey;
import io.agentserver.buffer.store.Erasures;
import io.agentserver.buffer.store.HotStore;
import io.agentserver.buffer.store.Look;
import io.agentserver.buffer.store.Pruning;
import io.agentserver.buffer.store.RecentConversations;
import io.agentserver.buffer.store.RecentConversations.Order;
import io.agentserver.buffer.store.RecentConversations.Recent;
import io.agentserver.buffer.store.Retention;
import io.agentserver.buffer.store.ShardKey;
import io.agentserver.buffer.store.StoreUnavailableException;
import io.agentserver.envelope.TenantId;
import io.agentserver.envelope.ThreadId;
import io.agentserver.service.redis.RedisKeys;
import io.lettuce.core.Limit;
import io.lettuce.core.Range;
import io.lettuce.core.RedisChannelHandler;
import io.lettuce.core.RedisConnectionStateAdapter;
import io.lettuce.core.RedisException;
import io.lettuce.core.RedisFuture;
import io.lettuce.core.ScoredValue;
import io.lettuce.core.ZAddArgs;
import io.lettuce.core.pubsub.RedisPubSubAdapter;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.stream.IntStream;

/**
 * Commits in Redis 6.2 or later, one node or a cluster: a list for each conversation, appended by one script, expiring when its
 * tenant's retention after its last commit is over. What Redis acknowledged and lost is lost; the next writer starts from what is
 * there.
 */
public final class RedisThreadStore implements HotStore {
    private static final Logger log = LoggerFactory.getLogger(RedisThreadStore.class);
    private static final String CHANNEL = "appended:";
    private static final char STOPS = '!'; // before the name; in no tenant id
    private static final long UNTOLD = 0; // in the place of a commit's number: one that was not told of in time
    private static final long RECENT_BUCKET_MS = 1_000;
    private static final int PRUNED_AT_ONCE = 32; // of a megabyte at most, each

    private final RedisConnections redis;
    private final AppendScript append;
    private final EraseScript erase;
    private final PruneScript prune;
    private final Retention retention;
    private final Clock clock;
    private volatile boolean closed;

    public RedisThreadStore(RedisConnections redis, Retention retention, Clock clock) {
        this.redis = redis;
        this.append = new AppendScript(redis.async());
        this.erase = new EraseScript(redis.async());
        this.prune = new PruneScript(redis.async());
        this.retention = retention;
        this.clock = clock;
    }

    @Override
    public List<Commit> read(ConversationKey key, long number, Look look) {
        List<byte[]> values = ask(() -> Answers.of(redis.async().lrange(commits(key), number - 1, -1)));
        List<Commit> commits = new ArrayList<>(values.size());
        for (byte[] value : values) {
            CommitForms.read(commits(key), value).ifPresent(commits::add);
        }
        return commits;
    }

    @Override
    public Optional<Commit> last(ConversationKey key) {
        List<byte[]> last = ask(() -> Answers.of(redis.async().lrange(commits(key), -1, -1)));
        return last.isEmpty() ? Optional.empty() : CommitForms.read(commits(key), last.getFirst());
    }

    @Override
    public boolean append(ConversationKey key, Commit commit, long previousActivityMs) {
        boolean appended = restore(key, List.of(commit)) == commit.getNumber() - 1;
        if (Erasures.isErasure(commit)) {
            return appended; // no longer in the list of conversations
        }
        if (appended && commit.getAtMs() / RECENT_BUCKET_MS != previousActivityMs / RECENT_BUCKET_MS) {
            touch(key, commit.getAtMs());
        }
        return appended;
    }

    @Override
    public long restore(ConversationKey key, List<Commit> commits) {
        String channel = CHANNEL + ShardKey.of(key.conversation(), ShardKey.SHARDS);
        String name = commits.stream().anyMatch(Commit::getStops) ? STOPS + key.toString() : key.toString();
        return ask(() -> append.run(commits(key), commits, kept(key, commits.getLast()), channel, name));
    }

    @Override
    public boolean erase(ConversationKey key, Commit erasure) {
        String channel = CHANNEL + ShardKey.of(key.conversation(), ShardKey.SHARDS);
        ask(() -> {
            erase.run(commits(key), erasure, kept(key, erasure), channel, STOPS + key.toString());
            return Answers.of(redis.async()
                    .zrem(recent(key.tenant()), key.conversation().toString().getBytes(StandardCharsets.UTF_8)));
        });
        return true;
    }

    /** What can still be read stays: nothing else has it. */
    @Override
    public long prune(ConversationKey key, Pruning pruning) {
        return pruneCopy(key, pruning.ofPastUseAlone());
    }

    @Override
    public long pruneCopy(ConversationKey key, Pruning pruning) {
        String list = commits(key);
        return ask(() -> {
            long freed = 0;
            for (long first = pruning.after() + 1; first <= pruning.through(); first += PRUNED_AT_ONCE) {
                long last = Math.min(pruning.through(), first + PRUNED_AT_ONCE - 1);
                List<byte[]> values = Answers.of(redis.async().lrange(list, first - 1, last - 1));
                List<byte[]> shorter = new ArrayList<>();
                for (int i = 0; i < values.size(); i++) {
                    long number = first + i;
                    byte[] value = values.get(i);
                    CommitForms.shorter(list, value, pruning)
                            .ifPresent(form -> PruneScript.add(shorter, number, value.length, form));
                }
                freed += shorter.isEmpty() ? 0 : prune.run(list, shorter);
            }
            return freed;
        });
    }

    @Override
    public RecentConversations recent(TenantId tenant, Order order, int limit, Optional<Recent> from) {
        String set = recent(tenant);
        double oldest = retention.oldestVisibleMs(tenant, clock.millis());
        Optional<Double> begin = from.map(recent -> (double) recent.activityMs());
        Range<Double> range = switch (order) {
            case NEWEST_FIRST -> Range.create(oldest, begin.orElse(Double.MAX_VALUE));
            case OLDEST_FIRST -> Range.create(Math.max(oldest, begin.orElse(oldest)), Double.MAX_VALUE);
        };
        return ask(() -> {
            redis.async()
                    .zremrangebyscore(set, Range.<Double>unbounded().lt(oldest))
                    .whenComplete((gone, failure) -> {
                        if (failure != null) { // a Redis that refuses writes can still be read
                            log.debug("what has expired stays in {} until the next time", set, failure);
                        }
                    });
            List<Recent> page = new ArrayList<>();
            int offset = 0;
            // several rounds only where more conversations than a page share the cursor's millisecond
            while (page.size() <= limit) {
                Limit some = Limit.create(offset, limit + 1L);
                List<ScoredValue<byte[]>> found = switch (order) {
                    case NEWEST_FIRST -> redis.replicas().zrevrangebyscoreWithScores(set, range, some);
                    // who goes through all there is, as an export does, must not miss what a replica does not have yet
                    case OLDEST_FIRST -> redis.commands().zrangebyscoreWithScores(set, range, some);
                };
                found.stream()
                        .map(RedisThreadStore::toRecent)
                        .filter(recent -> order.isAtOrAfter(recent, from))
                        .forEach(page::add);
                if (found.size() <= limit) {
                    break;
                }
                offset += found.size();
            }
            return RecentConversations.page(page, limit);
        });
    }

    /** Of those on a node that does not answer it says nothing. */
    @Override
    public Map<ConversationKey, Long> lastNumbers(Collection<ConversationKey> keys) {
        Map<ConversationKey, RedisFuture<Long>> asked = new LinkedHashMap<>();
        return ask(() -> {
            keys.forEach(key -> asked.put(key, redis.async().llen(commits(key))));
            Map<ConversationKey, Long> numbers = new HashMap<>();
            int failures = 0;
            for (Map.Entry<ConversationKey, RedisFuture<Long>> each : asked.entrySet()) {
                try {
                    numbers.put(each.getKey(), Answers.of(each.getValue()));
                } catch (RedisException e) {
                    if (++failures == asked.size()) {
                        throw e; // no node answers
                    }
                }
            }
            numbers.values().removeIf(number -> number == 0);
            return numbers;
        });
    }

    @Override
    public void announce(ConversationKey key, boolean stops) {
        String channel = CHANNEL + ShardKey.of(key.conversation(), ShardKey.SHARDS);
        String message = (stops ? STOPS + key.toString() : key.toString()) + '#' + UNTOLD;
        ask(() -> Answers.of(redis.async().publish(channel, message.getBytes(StandardCharsets.UTF_8))));
    }

    @Override
    public void each(Consumer<ConversationKey> taker) {
        ask(() -> {
            RedisKeys.each(redis.commands(), "thread:*:commits", key -> taker.accept(conversation(key)));
            return true;
        });
    }

    @Override
    public void onAppend(AppendListener listener) {
        redis.messages().addListener(new RedisPubSubAdapter<>() {
            @Override
            public void message(String channel, String message) {
                boolean stops = message.charAt(0) == STOPS;
                int at = message.lastIndexOf('#');
                ConversationKey key = ConversationKey.parse(message.substring(stops ? 1 : 0, at));
                long number = Long.parseLong(message, at + 1, message.length(), 10);
                if (number == UNTOLD) {
                    listener.missed(key, stops);
                } else {
                    listener.appended(key, number, stops);
                }
            }

            @Override
            public void subscribed(String channel, long count) {
                if (count == ShardKey.SHARDS) { // all of them, at first and after each reconnection
                    listener.hears(true);
                }
            }
        });
        redis.messages().addListener(new RedisConnectionStateAdapter() {
            @Override
            public void onRedisDisconnected(RedisChannelHandler<?, ?> connection) {
                listener.hears(false);
            }
        });
        String[] channels = IntStream.range(0, ShardKey.SHARDS)
                .mapToObj(shard -> CHANNEL + shard)
                .toArray(String[]::new);
        ask(() -> {
            redis.messages().sync().subscribe(channels);
            return true;
        });
    }

    @Override
    public void check() {
        ask(() -> redis.commands().exists("thread:check"));
    }

    @Override
    public void close() {
        closed = true;
        redis.close();
    }

    /** Not waited for: the list of conversations is a convenience, and another Redis node may hold it. */
    private void touch(ConversationKey key, long atMs) {
        String set = recent(key.tenant());
        byte[] member = key.conversation().toString().getBytes(StandardCharsets.UTF_8);
        Duration kept = retention.of(key.tenant());
        redis.async()
                .zadd(set, ZAddArgs.Builder.gt(), (double) atMs, member)
                .thenCompose(added -> redis.async().pexpire(set, kept))
                .whenComplete((expires, failure) -> {
                    if (failure != null) {
                        log.warn("conversation {} is missing in its tenant's list: {}", key, failure.toString());
                    }
                });
    }

    /** From now on: with a conversation that goes on goes what it has from before, however long that is to be kept. */
    private Duration kept(ConversationKey key, Commit last) {
        return Duration.ofMillis(retention.keptUntilMs(key.tenant(), last) - last.getAtMs());
    }

    private static Recent toRecent(ScoredValue<byte[]> scored) {
        return new Recent(
                (long) scored.getScore(), ThreadId.parse(new String(scored.getValue(), StandardCharsets.UTF_8)));
    }

    private <T> T ask(Supplier<T> command) {
        try {
            return command.get();
        } catch (RedisException | CancellationException e) {
            throw redis.failure(e);
        } catch (IllegalStateException | RejectedExecutionException e) {
            if (closed) {
                throw new StoreUnavailableException("Redis", e);
            }
            throw e;
        }
    }

    static String commits(ConversationKey key) {
        return "thread:" + key.tenant() + ":{" + key.conversation() + "}:commits";
    }

    /** The inverse of {@link #commits}. */
    private static ConversationKey conversation(String list) {
        String[] parts = list.split(":", -1);
        return new ConversationKey(
                new TenantId(parts[1]), ThreadId.parse(parts[2].substring(1, parts[2].length() - 1)));
    }

    private static String recent(TenantId tenant) {
        return "threads:" + tenant;
    }
}
