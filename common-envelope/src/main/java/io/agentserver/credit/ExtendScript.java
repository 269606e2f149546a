package io.agentserver.credit;

import io.agentserver.envelope.TenantId;
import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.cluster.api.async.RedisClusterAsyncCommands;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.CompletionStage;

/** {@code extend.lua}: its contract stands there. */
final class ExtendScript {
    private final Script script;

    ExtendScript(RedisClusterAsyncCommands<String, String> redis) {
        this.script = new Script(redis, "extend.lua", ScriptOutputType.INTEGER);
    }

    CompletionStage<Long> run(TenantId tenant, Collection<Hold> holds) {
        List<String> arguments = new ArrayList<>(3 * holds.size());
        for (Hold hold : holds) {
            arguments.add(hold.receipt().toString());
            arguments.add(hold.owner().toString());
            arguments.add(Long.toString(hold.life().toMillis()));
        }
        return script.run(tenant, arguments);
    }
}
