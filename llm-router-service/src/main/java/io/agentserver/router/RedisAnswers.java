package io.agentserver.router;

import io.lettuce.core.RedisException;
import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.SetArgs;
import io.lettuce.core.cluster.api.sync.RedisClusterCommands;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * The answers kept for idempotency keys, in Redis under <code>idem:{&lt;tenant&gt;:&lt;sha256 of the key&gt;}</code>. No
 * method throws when Redis is away: it says so once, and what it answers lets the caller go on. Safe on any thread.
 */
final class RedisAnswers {
    /** After this a dead holder's claim is free. */
    static final Duration LEASE = Duration.ofSeconds(15);

    static final Duration KEPT = Duration.ofHours(24);

    private static final Logger LOG = LoggerFactory.getLogger(RedisAnswers.class);
    private static final String COMPARE_AND_SET = script();

    private final RedisClusterCommands<String, String> redis;
    private final AtomicBoolean away = new AtomicBoolean();

    sealed interface Claim {
        record Mine() implements Claim {}

        record Held(String value) implements Claim {}

        record Unavailable() implements Claim {}
    }

    private interface Command<T> {
        T run();
    }

    /** @param redis of one node or of a cluster; each command touches one key */
    RedisAnswers(RedisClusterCommands<String, String> redis) {
        this.redis = redis;
    }

    /** Puts {@code mine} there for {@link #LEASE} if nothing is there. */
    Claim claim(String name, String mine) {
        return attempt(
                () -> {
                    String key = key(name);
                    if ("OK".equals(redis.set(key, mine, SetArgs.Builder.nx().px(LEASE)))) {
                        return new Claim.Mine();
                    }
                    String value = redis.get(key);
                    return value == null ? claim(name, mine) : new Claim.Held(value);
                },
                new Claim.Unavailable());
    }

    /** Idempotent by the comparison: true if {@code expected} stood there, or nothing any more. */
    boolean replace(String name, String expected, String value, Duration timeToLive) {
        return attempt(() -> compareAndSet(name, expected, value, timeToLive), false);
    }

    /** Removes {@code expected}; another's value stays. */
    void remove(String name, String expected) {
        attempt(() -> compareAndSet(name, expected, "", LEASE), false);
    }

    private boolean compareAndSet(String name, String expected, String value, Duration timeToLive) {
        Long changed = redis.eval(
                COMPARE_AND_SET,
                ScriptOutputType.INTEGER,
                new String[] {key(name)},
                expected,
                value,
                Long.toString(timeToLive.toMillis()));
        return changed == 1;
    }

    private <T> T attempt(Command<T> command, T otherwise) {
        try {
            T result = command.run();
            if (away.compareAndSet(true, false)) {
                LOG.info("Redis answers again: idempotency keys are honoured");
            }
            return result;
        } catch (RedisException failure) {
            if (away.compareAndSet(false, true)) {
                LOG.warn("Redis is away: calls with an Idempotency-Key run without a look at earlier ones", failure);
            }
            return otherwise;
        }
    }

    private static String key(String name) {
        return "idem:{" + name + "}";
    }

    private static String script() {
        try (InputStream in = Objects.requireNonNull(
                RedisAnswers.class.getResourceAsStream("/io/agentserver/router/compare-and-set.lua"))) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new IllegalStateException("compare-and-set.lua of this jar cannot be read", e);
        }
    }
}
