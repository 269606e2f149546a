package io.agentserver.billing.ledger;

/** Calls, their tokens and their money, added up. */
public record UsageSum(
        long calls, long inputTokens, long cachedInputTokens, long outputTokens, MicroUsd cost, MicroUsd price) {
    public static final UsageSum NONE = new UsageSum(0, 0, 0, 0, MicroUsd.ZERO, MicroUsd.ZERO);

    public static UsageSum of(CallUsage call) {
        return new UsageSum(
                1, call.inputTokens(), call.cachedInputTokens(), call.outputTokens(), call.cost(), call.price());
    }

    public UsageSum plus(UsageSum other) {
        return new UsageSum(
                Math.addExact(calls, other.calls),
                Math.addExact(inputTokens, other.inputTokens),
                Math.addExact(cachedInputTokens, other.cachedInputTokens),
                Math.addExact(outputTokens, other.outputTokens),
                cost.plus(other.cost),
                price.plus(other.price));
    }
}
