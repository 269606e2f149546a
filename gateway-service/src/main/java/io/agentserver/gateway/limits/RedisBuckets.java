package io.agentserver.gateway.limits;

import io.agentserver.service.redis.RedisClients;
import io.agentserver.service.redis.RedisScript;
import io.agentserver.tenancy.RateLimit;
import io.lettuce.core.ScriptOutputType;

import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.concurrent.CompletionStage;

/** The limits as all gateways see them: {@code take.lua}, whose contract stands there. */
final class RedisBuckets {
    private final RedisScript script;

    RedisBuckets(RedisClients redis) {
        this.script = new RedisScript(redis.async(), RedisBuckets.class, "take.lua", ScriptOutputType.MULTI);
    }

    /**
     * @param tokens 0: there were not as many as needed
     * @param left in the bucket
     * @param delay until as many as needed are there
     */
    record Taken(long tokens, long left, Duration delay) {}

    CompletionStage<Taken> take(String key, RateLimit limit, int needed, int wanted) {
        return script.<List<Long>>run(
                        List.of(key),
                        List.of(
                                String.valueOf(limit.perSecond()),
                                String.valueOf(limit.burst()),
                                String.valueOf(needed),
                                String.valueOf(wanted)))
                .thenApply(answer ->
                        new Taken(answer.get(0), answer.get(1), Duration.of(answer.get(2), ChronoUnit.MICROS)));
    }
}
