package io.agentserver.credit;

import io.agentserver.credit.Reservation.Limit;
import io.agentserver.envelope.TenantId;
import io.agentserver.tenancy.LlmLimits;
import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.cluster.api.async.RedisClusterAsyncCommands;

import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.CompletionStage;
import java.util.stream.Stream;

/** {@code reserve.lua}: its contract stands there. */
final class ReserveScript {
    private final Script script;

    ReserveScript(RedisClusterAsyncCommands<String, String> redis) {
        this.script = new Script(redis, "reserve.lua", ScriptOutputType.MULTI);
    }

    CompletionStage<Reservation> run(TenantId tenant, Hold hold, long tokens, LlmLimits limits, boolean freeNeedsNone) {
        return script.<List<String>>run(
                        tenant,
                        List.of(
                                hold.receipt().toString(),
                                hold.owner().toString(),
                                Long.toString(hold.amount()),
                                Long.toString(hold.life().toMillis()),
                                hold.details(),
                                Long.toString(tokens),
                                Integer.toString(limits.requests()),
                                Integer.toString(limits.tokens()),
                                Integer.toString(limits.concurrent()),
                                limits.shadow() ? "1" : "0",
                                freeNeedsNone ? "1" : "0"))
                .thenApply(answer -> switch (answer.getFirst()) {
                    case "held" ->
                        new Reservation.Held(
                                answer.get(1),
                                new Counted(answer.get(2), answer.get(2).isEmpty() ? 0 : tokens),
                                minute(limits, answer, 4),
                                limits(answer.get(3)));
                    case "limited" ->
                        new Reservation.Limited(
                                limits(answer.get(1)),
                                answer.get(2).equals("-1") ? Optional.empty() : Optional.of(millis(answer.get(2))),
                                minute(limits, answer, 3));
                    case "exhausted" ->
                        new Reservation.Exhausted(Long.parseLong(answer.get(1)), minute(limits, answer, 2));
                    case "closed" -> new Reservation.Closed(minute(limits, answer, 2));
                    case "another" ->
                        throw new IllegalStateException("receipt " + hold.receipt() + " is held for another call");
                    default -> throw new IllegalStateException("reserve.lua answers " + answer);
                });
    }

    private static Minute minute(LlmLimits limits, List<String> answer, int from) {
        return new Minute(part(limits.requests(), answer, from), part(limits.tokens(), answer, from + 2));
    }

    private static Minute.Part part(int limit, List<String> answer, int from) {
        return limit == 0
                ? Minute.Part.UNLIMITED
                : new Minute.Part(limit, Long.parseLong(answer.get(from)), millis(answer.get(from + 1)));
    }

    private static Duration millis(String text) {
        return Duration.ofMillis(Long.parseLong(text));
    }

    private static List<Limit> limits(String names) {
        return Stream.of(names.split(","))
                .filter(name -> !name.isEmpty())
                .map(name -> Limit.valueOf(name.toUpperCase(Locale.ROOT)))
                .toList();
    }
}
