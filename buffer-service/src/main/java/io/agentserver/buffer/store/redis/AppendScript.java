package io.agentserver.buffer.store.redis;

import io.agentserver.buffer.commit.Commit;
import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.cluster.api.async.RedisClusterAsyncCommands;

import java.time.Duration;
import java.util.List;

/** {@code append.lua}: its contract stands there. */
final class AppendScript {
    private final Script<Long> script;

    AppendScript(RedisClusterAsyncCommands<String, byte[]> redis) {
        this.script = new Script<>(redis, "append.lua", ScriptOutputType.INTEGER);
    }

    /** @return the number of commits before the call */
    long run(String list, List<Commit> commits, Duration kept, String channel, String conversation) {
        byte[][] arguments = new byte[4 + commits.size()][];
        arguments[0] = Script.argument(commits.getFirst().getNumber());
        arguments[1] = Script.argument(kept.toMillis());
        arguments[2] = Script.argument(channel);
        arguments[3] = Script.argument(conversation);
        for (int i = 0; i < commits.size(); i++) {
            arguments[4 + i] = commits.get(i).toByteArray();
        }
        return script.run(new String[] {list}, arguments);
    }
}
