package io.agentserver.buffer.store.redis;

import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.cluster.api.async.RedisClusterAsyncCommands;

import java.util.List;

/** {@code prune.lua}: its contract stands there. */
final class PruneScript {
    private final Script<Long> script;

    PruneScript(RedisClusterAsyncCommands<String, byte[]> redis) {
        this.script = new Script<>(redis, "prune.lua", ScriptOutputType.INTEGER);
    }

    /**
     * @param arguments gets what {@link #run} needs for one more commit
     * @param length of the form of the commit that the shorter one is to take the place of
     */
    static void add(List<byte[]> arguments, long number, int length, byte[] shorter) {
        arguments.add(Script.argument(number));
        arguments.add(Script.argument(length));
        arguments.add(shorter);
    }

    /** @return the number of bytes freed */
    long run(String list, List<byte[]> arguments) {
        return script.run(new String[] {list}, arguments.toArray(byte[][]::new));
    }
}
