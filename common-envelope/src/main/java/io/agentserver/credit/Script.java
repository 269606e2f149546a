package io.agentserver.credit;

import io.agentserver.envelope.TenantId;
import io.agentserver.service.redis.RedisScript;
import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.cluster.api.async.RedisClusterAsyncCommands;

import java.util.List;
import java.util.concurrent.CompletionStage;

/** One of the scripts beside these classes, over the keys of one tenant, which all live in one slot of a cluster. */
final class Script {
    private final RedisScript script;

    Script(RedisClusterAsyncCommands<String, String> redis, String name, ScriptOutputType output) {
        this.script = new RedisScript(redis, Script.class, name, output);
    }

    <T> CompletionStage<T> run(TenantId tenant, List<String> arguments) {
        return script.run(keys(tenant), arguments);
    }

    /** All that a tenant has. */
    static List<String> keys(TenantId tenant) {
        return List.of(
                state(tenant),
                prefix(tenant) + "holds",
                prefix(tenant) + "expiries",
                prefix(tenant) + "unposted",
                prefix(tenant) + "posted",
                prefix(tenant) + "seconds");
    }

    static String state(TenantId tenant) {
        return prefix(tenant) + "state";
    }

    private static String prefix(TenantId tenant) {
        return "credit:{" + tenant + "}:";
    }
}
