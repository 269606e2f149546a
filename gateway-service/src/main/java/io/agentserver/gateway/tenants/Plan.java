package io.agentserver.gateway.tenants;

import java.util.Arrays;
import java.util.Optional;
import java.util.stream.Collectors;

/** What a tenant has bought; so far it decides how many partitions its topics have. */
public enum Plan {
    DEFAULT("default", 6),
    DEV("dev", 4);

    private final String wireName;
    private final int partitions;

    Plan(String wireName, int partitions) {
        this.wireName = wireName;
        this.partitions = partitions;
    }

    public String wireName() {
        return wireName;
    }

    public int partitions() {
        return partitions;
    }

    public static Optional<Plan> of(String wireName) {
        return Arrays.stream(values()).filter(p -> p.wireName.equals(wireName)).findFirst();
    }

    /** For messages to a user: all names, with commas. */
    public static String known() {
        return Arrays.stream(values()).map(Plan::wireName).collect(Collectors.joining(", "));
    }
}
