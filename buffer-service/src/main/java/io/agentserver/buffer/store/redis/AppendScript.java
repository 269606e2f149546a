package io.agentserver.buffer.store.redis;

import io.agentserver.buffer.commit.Commit;
import io.lettuce.core.RedisNoScriptException;
import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.cluster.api.async.RedisClusterAsyncCommands;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;

/** {@code append.lua}: its contract stands there. */
final class AppendScript {
    private final RedisClusterAsyncCommands<String, byte[]> redis;
    private final byte[] script = Scripts.load("append.lua");
    private final String digest;

    AppendScript(RedisClusterAsyncCommands<String, byte[]> redis) {
        this.redis = redis;
        this.digest = redis.digest(script);
    }

    /** @return the number of commits before the call */
    long run(String list, List<Commit> commits, Duration ttl, String channel, String conversation) {
        byte[][] arguments = new byte[4 + commits.size()][];
        arguments[0] = utf8(Long.toString(commits.getFirst().getNumber()));
        arguments[1] = utf8(Long.toString(ttl.toMillis()));
        arguments[2] = utf8(channel);
        arguments[3] = utf8(conversation);
        for (int i = 0; i < commits.size(); i++) {
            arguments[4 + i] = commits.get(i).toByteArray();
        }
        String[] keys = {list};
        try {
            return Answers.of(redis.<Long>evalsha(digest, ScriptOutputType.INTEGER, keys, arguments));
        } catch (RedisNoScriptException unknownToThisNode) {
            return Answers.of(redis.<Long>eval(script, ScriptOutputType.INTEGER, keys, arguments));
        }
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
