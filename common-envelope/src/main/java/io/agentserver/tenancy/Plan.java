package io.agentserver.tenancy;

import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * What a tenant has bought: how many partitions its topics have, its share of a busy pump beside others, the credit that
 * it starts with, how much it may ask of the gateways, and of the LLM
 * routers.
 */
public enum Plan {
    DEFAULT("default", 6, 4, 5_000_000, 1_000, 500, 30_000, 30_000_000, 1_000),
    /** Its credit lasts for days of tests against {@code simulated}, which has a price. */
    DEV("dev", 4, 1, 100_000_000_000L, 0, 0, 0, 0, 0);

    private static final int SAVED_SECONDS = 2;
    private static final Map<String, Plan> BY_NAME =
            Arrays.stream(values()).collect(Collectors.toUnmodifiableMap(Plan::wireName, Function.identity()));

    private final String wireName;
    private final int partitions;
    private final int weight;
    private final long startingCredit;
    private final int perSecond;
    private final int perSecondOfKey;
    private final int llmRequests;
    private final int llmTokens;
    private final int llmConcurrent;

    Plan(
            String wireName,
            int partitions,
            int weight,
            long startingCredit,
            int perSecond,
            int perSecondOfKey,
            int llmRequests,
            int llmTokens,
            int llmConcurrent) {
        this.wireName = wireName;
        this.partitions = partitions;
        this.weight = weight;
        this.startingCredit = startingCredit;
        this.perSecond = perSecond;
        this.perSecondOfKey = perSecondOfKey;
        this.llmRequests = llmRequests;
        this.llmTokens = llmTokens;
        this.llmConcurrent = llmConcurrent;
    }

    public String wireName() {
        return wireName;
    }

    public int partitions() {
        return partitions;
    }

    /** Of two tenants that want more than there is, one gets so many times what the other gets as its weight is higher. */
    public int weight() {
        return weight;
    }

    /** In millionths of a US dollar; given once for ever. */
    public long startingCreditMicrousd() {
        return startingCredit;
    }

    /** Requests of the tenant, each message of a batch as one; empty: as many as it likes. */
    public Optional<RateLimit> rate() {
        return limit(perSecond);
    }

    /** Of each of its API keys. */
    public Optional<RateLimit> keyRate() {
        return limit(perSecondOfKey);
    }

    /** Of all its calls of models. */
    public LlmLimits llmLimits() {
        return new LlmLimits(llmRequests, llmTokens, llmConcurrent, false);
    }

    private static Optional<RateLimit> limit(int perSecond) {
        return perSecond == 0 ? Optional.empty() : Optional.of(new RateLimit(perSecond, SAVED_SECONDS * perSecond));
    }

    public static Optional<Plan> of(String wireName) {
        return Optional.ofNullable(BY_NAME.get(wireName));
    }

    /** For messages to a user: all names, with commas. */
    public static String known() {
        return Arrays.stream(values()).map(Plan::wireName).collect(Collectors.joining(", "));
    }
}
