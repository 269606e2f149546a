package io.agentserver.service.redis;

import io.lettuce.core.KeyScanCursor;
import io.lettuce.core.ScanArgs;
import io.lettuce.core.cluster.api.sync.RedisClusterCommands;

import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;

/**
 * Keys found by their names, on every primary node: each name is looked at and nothing else, a million of them in about a second.
 * What is written meanwhile may be found or not.
 */
public final class RedisKeys {
    private static final long AT_ONCE = 1_000;

    private RedisKeys() {}

    /**
     * @param pattern as of Redis' SCAN
     * @param taker may get a key twice
     */
    public static void each(RedisClusterCommands<String, ?> redis, String pattern, Consumer<String> taker) {
        ScanArgs args = ScanArgs.Builder.matches(pattern).limit(AT_ONCE);
        KeyScanCursor<String> page = redis.scan(args);
        while (true) {
            page.getKeys().forEach(taker);
            if (page.isFinished()) {
                return;
            }
            page = redis.scan(page, args);
        }
    }

    /** @return how many are gone */
    public static long unlink(RedisClusterCommands<String, ?> redis, String pattern) {
        LongAdder gone = new LongAdder();
        each(redis, pattern, key -> gone.add(redis.unlink(key)));
        return gone.sum();
    }
}
