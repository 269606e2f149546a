package io.agentserver.credit;

import io.agentserver.envelope.TenantId;
import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.cluster.api.async.RedisClusterAsyncCommands;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.CompletionStage;

/** {@code restore.lua}: its contract stands there. */
final class RestoreScript {
    private final Script script;

    RestoreScript(RedisClusterAsyncCommands<String, String> redis) {
        this.script = new Script(redis, "restore.lua", ScriptOutputType.INTEGER);
    }

    CompletionStage<Long> run(TenantId tenant, Collection<Hold> holds) {
        List<String> arguments = new ArrayList<>(5 * holds.size());
        for (Hold hold : holds) {
            arguments.add(hold.receipt().toString());
            arguments.add(hold.owner().toString());
            arguments.add(Long.toString(hold.amount()));
            arguments.add(Long.toString(hold.life().toMillis()));
            arguments.add(hold.details());
        }
        return script.run(tenant, arguments);
    }
}
