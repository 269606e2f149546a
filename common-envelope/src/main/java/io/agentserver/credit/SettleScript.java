package io.agentserver.credit;

import io.agentserver.envelope.TenantId;
import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.cluster.api.async.RedisClusterAsyncCommands;

import java.util.List;
import java.util.concurrent.CompletionStage;

/** {@code settle.lua}: its contract stands there. */
final class SettleScript {
    private final Script script;

    SettleScript(RedisClusterAsyncCommands<String, String> redis) {
        this.script = new Script(redis, "settle.lua", ScriptOutputType.BOOLEAN);
    }

    CompletionStage<Boolean> run(TenantId tenant, Hold hold, Counted counted, Spent spent, String epoch) {
        return script.run(
                tenant,
                List.of(
                        hold.receipt().toString(),
                        hold.owner().toString(),
                        Long.toString(spent.price()),
                        counted.slice(),
                        Long.toString(counted.tokens()),
                        Long.toString(spent.tokens()),
                        Integer.toString(spent.requests()),
                        epoch));
    }
}
