package io.agentserver.buffer.store.redis;

import io.agentserver.buffer.store.Leases;
import io.agentserver.buffer.store.ShardKey;
import io.lettuce.core.RedisException;
import io.lettuce.core.ScriptOutputType;

import java.time.Duration;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.CancellationException;

/** {@code lease.lua}, and {@code time.lua} for its clock: their contracts stand there. */
public final class LeaseScript implements Leases {
    private static final Duration TERM = Duration.ofSeconds(5);

    private final RedisConnections redis;
    private final Script<List<Long>> script;
    private final Script<Long> time;
    private final String[] keys;

    /** @param name of what the shards are divided for; those who do one thing share no leases with those who do another */
    public LeaseScript(RedisConnections redis, String name) {
        this.redis = redis;
        this.script = new Script<>(redis.async(), "lease.lua", ScriptOutputType.MULTI);
        this.time = new Script<>(redis.async(), "time.lua", ScriptOutputType.INTEGER);
        this.keys = new String[] {"{" + name + "}:owners", "{" + name + "}:leases"};
    }

    @Override
    public List<Integer> renew(String owner) {
        try {
            return script
                    .run(
                            keys,
                            Script.argument(owner),
                            Script.argument(TERM.toMillis()),
                            Script.argument(ShardKey.SHARDS))
                    .stream()
                    .map(Long::intValue)
                    .toList();
        } catch (RedisException | CancellationException e) {
            throw redis.failure(e);
        }
    }

    @Override
    public OptionalLong millis() {
        try {
            return OptionalLong.of(time.run(keys));
        } catch (RedisException | CancellationException e) {
            throw redis.failure(e);
        }
    }

    @Override
    public void release(String owner) {
        try {
            Answers.of(
                    redis.async().zrem(keys[0], Script.argument(owner))); // whose shards nobody living holds are free
        } catch (RedisException | CancellationException e) {
            throw redis.failure(e);
        }
    }
}
