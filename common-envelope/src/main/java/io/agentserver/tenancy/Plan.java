package io.agentserver.tenancy;

import java.util.Arrays;
import java.util.Optional;
import java.util.stream.Collectors;

/** What a tenant has bought: how many partitions its topics have, and its share of a busy pump beside others. */
public enum Plan {
    DEFAULT("default", 6, 4),
    DEV("dev", 4, 1);

    private final String wireName;
    private final int partitions;
    private final int weight;

    Plan(String wireName, int partitions, int weight) {
        this.wireName = wireName;
        this.partitions = partitions;
        this.weight = weight;
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

    public static Optional<Plan> of(String wireName) {
        return Arrays.stream(values()).filter(p -> p.wireName.equals(wireName)).findFirst();
    }

    /** For messages to a user: all names, with commas. */
    public static String known() {
        return Arrays.stream(values()).map(Plan::wireName).collect(Collectors.joining(", "));
    }
}
