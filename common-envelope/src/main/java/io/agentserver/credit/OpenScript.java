package io.agentserver.credit;

import io.agentserver.envelope.TenantId;
import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.cluster.api.async.RedisClusterAsyncCommands;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CompletionStage;

/** {@code open.lua}: its contract stands there. */
final class OpenScript {
    private final Script script;

    OpenScript(RedisClusterAsyncCommands<String, String> redis) {
        this.script = new Script(redis, "open.lua", ScriptOutputType.BOOLEAN);
    }

    CompletionStage<Boolean> run(
            TenantId tenant, PostedBalance balance, String epoch, Duration in, Instant settledBefore, Duration ago) {
        return script.run(
                tenant,
                List.of(
                        Long.toString(balance.amount()),
                        Long.toString(balance.version()),
                        epoch,
                        Long.toString(in.toMillis()),
                        Long.toString(settledBefore.toEpochMilli()),
                        Long.toString(ago.toMillis())));
    }
}
