package io.agentserver.buffer.store.redis;

import io.agentserver.buffer.store.Leases;
import io.agentserver.buffer.store.ShardKey;
import io.agentserver.buffer.store.StoreUnavailableException;
import io.lettuce.core.RedisException;
import io.lettuce.core.RedisNoScriptException;
import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.cluster.api.sync.RedisClusterCommands;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CancellationException;

/** {@code lease.lua}: its contract stands there. */
public final class LeaseScript implements Leases {
    private static final Duration TERM = Duration.ofSeconds(5);
    private static final String[] KEYS = {"{due}:owners", "{due}:leases"};

    private final RedisClusterCommands<String, byte[]> redis;
    private final byte[] script = Scripts.load("lease.lua");
    private final String digest;

    public LeaseScript(RedisConnections redis) {
        this.redis = redis.commands();
        this.digest = this.redis.digest(script);
    }

    @Override
    public List<Integer> renew(String owner) {
        byte[][] arguments = {utf8(owner), utf8(Long.toString(TERM.toMillis())), utf8(Integer.toString(ShardKey.SHARDS))
        };
        try {
            return run(arguments).stream().map(Long::intValue).toList();
        } catch (RedisException | CancellationException e) {
            throw new StoreUnavailableException("Redis", e);
        }
    }

    @Override
    public void release(String owner) {
        try {
            redis.zrem(KEYS[0], utf8(owner)); // whose shards nobody living holds are free
        } catch (RedisException | CancellationException e) {
            throw new StoreUnavailableException("Redis", e);
        }
    }

    private List<Long> run(byte[][] arguments) {
        try {
            return redis.evalsha(digest, ScriptOutputType.MULTI, KEYS, arguments);
        } catch (RedisNoScriptException unknownToThisNode) {
            return redis.eval(script, ScriptOutputType.MULTI, KEYS, arguments);
        }
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
