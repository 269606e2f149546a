package io.agentserver.standalone.faults;

import io.agentserver.envelope.TenantId;
import io.lettuce.core.api.sync.RedisCommands;

import java.util.Map;
import java.util.Set;

/**
 * What Redis keeps of a tenant's credit; in micro-USD.
 *
 * @param balance as billing has told it; 0 if it has not
 * @param holds receipts of the calls that run, or whose router died and that have not lapsed
 * @param unpostedReceipts of the calls that have ended and are not in the balance
 */
record CreditKept(long balance, long held, long unposted, Set<String> holds, Set<String> unpostedReceipts) {
    static CreditKept of(TenantId tenant, RedisCommands<String, String> redis) {
        String prefix = "credit:{" + tenant + "}:";
        Map<String, String> state = redis.hgetall(prefix + "state");
        return new CreditKept(
                Long.parseLong(state.getOrDefault("balance", "0")),
                Long.parseLong(state.getOrDefault("held", "0")),
                Long.parseLong(state.getOrDefault("unposted", "0")),
                Set.copyOf(redis.hkeys(prefix + "holds")),
                Set.copyOf(redis.hkeys(prefix + "unposted")));
    }
}
