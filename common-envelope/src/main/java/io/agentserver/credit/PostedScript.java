package io.agentserver.credit;

import io.agentserver.envelope.TenantId;
import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.cluster.api.async.RedisClusterAsyncCommands;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletionStage;

/** {@code posted.lua}: its contract stands there. */
final class PostedScript {
    private final Script script;

    PostedScript(RedisClusterAsyncCommands<String, String> redis) {
        this.script = new Script(redis, "posted.lua", ScriptOutputType.BOOLEAN);
    }

    CompletionStage<Boolean> run(TenantId tenant, PostedBalance balance, Collection<UUID> receipts, boolean takeOver) {
        List<String> arguments = new ArrayList<>(4 + receipts.size());
        arguments.add(Long.toString(balance.amount()));
        arguments.add(Long.toString(balance.version()));
        arguments.add(balance.era());
        arguments.add(takeOver ? "1" : "0");
        receipts.forEach(receipt -> arguments.add(receipt.toString()));
        return script.run(tenant, arguments);
    }
}
