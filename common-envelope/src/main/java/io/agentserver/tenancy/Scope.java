package io.agentserver.tenancy;

import java.util.Arrays;
import java.util.Optional;
import java.util.stream.Collectors;

/** What an API key may do (CONTRACTS 5). */
public enum Scope {
    MESSAGES_WRITE("messages:write"),
    THREADS_READ("threads:read"),
    ORGANISM_WRITE("organism:write"),
    KEYS_WRITE("keys:write"),
    LLM_CALL("llm:call"),
    USAGE_READ("usage:read"),
    BILLING_WRITE("billing:write"),
    DEAD_LETTERS_WRITE("dead-letters:write");

    private final String wireName;

    Scope(String wireName) {
        this.wireName = wireName;
    }

    public String wireName() {
        return wireName;
    }

    public static Optional<Scope> of(String wireName) {
        return Arrays.stream(values()).filter(s -> s.wireName.equals(wireName)).findFirst();
    }

    /** For messages to a user: all names, with commas. */
    public static String known() {
        return Arrays.stream(values()).map(Scope::wireName).collect(Collectors.joining(", "));
    }
}
