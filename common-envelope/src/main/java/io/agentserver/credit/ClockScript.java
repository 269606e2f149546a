package io.agentserver.credit;

import io.agentserver.envelope.TenantId;
import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.cluster.api.async.RedisClusterAsyncCommands;

import java.time.Instant;
import java.util.List;
import java.util.concurrent.CompletionStage;

/** {@code clock.lua}: its contract stands there. */
final class ClockScript {
    private final Script script;

    ClockScript(RedisClusterAsyncCommands<String, String> redis) {
        this.script = new Script(redis, "clock.lua", ScriptOutputType.MULTI);
    }

    CompletionStage<Instant> run(TenantId tenant) {
        return script.<List<String>>run(tenant, List.of())
                .thenApply(time ->
                        Instant.ofEpochSecond(Long.parseLong(time.getFirst()), Long.parseLong(time.get(1)) * 1_000));
    }
}
