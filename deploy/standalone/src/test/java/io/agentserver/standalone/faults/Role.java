package io.agentserver.standalone.faults;

import java.util.Locale;

/** What a process is. */
enum Role {
    BUFFER("buffer-service"),
    GATEWAY("gateway-service"),
    LLM("llm-router-service"),
    BILLING("billing-service"),
    PUMP("pump-service");

    private final String module;

    Role(String module) {
        this.module = module;
    }

    String module() {
        return module;
    }

    String managementPort() {
        return "AGENTSERVER_" + name() + "_MANAGEMENT_PORT";
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
