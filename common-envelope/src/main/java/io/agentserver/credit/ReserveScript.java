package io.agentserver.credit;

import io.agentserver.envelope.TenantId;
import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.cluster.api.async.RedisClusterAsyncCommands;

import java.util.List;
import java.util.concurrent.CompletionStage;

/** {@code reserve.lua}: its contract stands there. */
final class ReserveScript {
    private final Script script;

    ReserveScript(RedisClusterAsyncCommands<String, String> redis) {
        this.script = new Script(redis, "reserve.lua", ScriptOutputType.MULTI);
    }

    CompletionStage<Reservation> run(TenantId tenant, Hold hold) {
        return script.<List<String>>run(
                        tenant,
                        List.of(
                                hold.receipt().toString(),
                                hold.owner().toString(),
                                Long.toString(hold.amount()),
                                Long.toString(hold.life().toMillis()),
                                hold.details()))
                .thenApply(answer -> switch (answer.getFirst()) {
                    case "held" -> new Reservation.Held(answer.get(1));
                    case "exhausted" -> new Reservation.Exhausted(Long.parseLong(answer.get(1)));
                    case "closed" -> new Reservation.Closed();
                    case "another" ->
                        throw new IllegalStateException("receipt " + hold.receipt() + " is held for another call");
                    default -> throw new IllegalStateException("reserve.lua answers " + answer);
                });
    }
}
