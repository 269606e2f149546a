package io.agentserver.credit;

import io.agentserver.envelope.TenantId;
import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.cluster.api.async.RedisClusterAsyncCommands;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletionStage;

/** {@code lapsed.lua}: its contract stands there. */
final class LapsedScript {
    private final Script script;

    LapsedScript(RedisClusterAsyncCommands<String, String> redis) {
        this.script = new Script(redis, "lapsed.lua", ScriptOutputType.MULTI);
    }

    CompletionStage<Lapsed> run(TenantId tenant, int most, Duration again, Duration looked, String told) {
        UUID owner = UUID.randomUUID();
        return script.<List<String>>run(
                        tenant,
                        List.of(
                                Integer.toString(most),
                                Long.toString(again.toMillis()),
                                owner.toString(),
                                Long.toString(looked.toMillis()),
                                told))
                .thenApply(answer -> {
                    List<Hold> holds = new ArrayList<>(answer.size() / 3);
                    for (int i = 1; i < answer.size(); i += 3) {
                        holds.add(new Hold(
                                UUID.fromString(answer.get(i)),
                                owner,
                                Long.parseLong(answer.get(i + 1)),
                                again,
                                answer.get(i + 2)));
                    }
                    return new Lapsed(holds, answer.getFirst());
                });
    }
}
