package io.agentserver.tenancy;

import java.util.Arrays;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * What a tenant has bought: how many partitions its topics have, its share of a busy pump beside others, and the credit that
 * it starts with.
 */
public enum Plan {
    DEFAULT("default", 6, 4, 5_000_000),
    /** Its credit lasts for days of tests against {@code simulated}, which has a price. */
    DEV("dev", 4, 1, 100_000_000_000L);

    private final String wireName;
    private final int partitions;
    private final int weight;
    private final long startingCredit;

    Plan(String wireName, int partitions, int weight, long startingCredit) {
        this.wireName = wireName;
        this.partitions = partitions;
        this.weight = weight;
        this.startingCredit = startingCredit;
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

    public static Optional<Plan> of(String wireName) {
        return Arrays.stream(values()).filter(p -> p.wireName.equals(wireName)).findFirst();
    }

    /** For messages to a user: all names, with commas. */
    public static String known() {
        return Arrays.stream(values()).map(Plan::wireName).collect(Collectors.joining(", "));
    }
}
