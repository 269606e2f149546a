package io.agentserver.buffer.store.redis;

import io.agentserver.buffer.commit.Commit;
import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.cluster.api.async.RedisClusterAsyncCommands;

import java.time.Duration;

/** {@code erase.lua}: its contract stands there. */
final class EraseScript {
    private final Script<Long> script;

    EraseScript(RedisClusterAsyncCommands<String, byte[]> redis) {
        this.script = new Script<>(redis, "erase.lua", ScriptOutputType.INTEGER);
    }

    void run(String list, Commit erasure, Duration kept, String channel, String conversation) {
        script.run(
                new String[] {list},
                Script.argument(erasure.getNumber()),
                Script.argument(kept.toMillis()),
                Script.argument(channel),
                Script.argument(conversation),
                erasure.toByteArray());
    }
}
