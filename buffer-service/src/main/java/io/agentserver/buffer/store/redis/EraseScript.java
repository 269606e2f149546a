package io.agentserver.buffer.store.redis;

import io.agentserver.buffer.commit.Commit;
import io.lettuce.core.RedisNoScriptException;
import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.cluster.api.async.RedisClusterAsyncCommands;

import java.nio.charset.StandardCharsets;
import java.time.Duration;

/** {@code erase.lua}: its contract stands there. */
final class EraseScript {
    private final RedisClusterAsyncCommands<String, byte[]> redis;
    private final byte[] script = Scripts.load("erase.lua");
    private final String digest;

    EraseScript(RedisClusterAsyncCommands<String, byte[]> redis) {
        this.redis = redis;
        this.digest = redis.digest(script);
    }

    void run(String list, Commit erasure, Duration ttl, String channel, String conversation) {
        byte[][] arguments = {
            utf8(Long.toString(erasure.getNumber())),
            utf8(Long.toString(ttl.toMillis())),
            utf8(channel),
            utf8(conversation),
            erasure.toByteArray()
        };
        String[] keys = {list};
        try {
            Answers.of(redis.<Long>evalsha(digest, ScriptOutputType.INTEGER, keys, arguments));
        } catch (RedisNoScriptException unknownToThisNode) {
            Answers.of(redis.<Long>eval(script, ScriptOutputType.INTEGER, keys, arguments));
        }
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
