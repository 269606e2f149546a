package io.agentserver.billing.console;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/** What a person is to an org. What each may do stands in {@link Action}. */
public enum Role {
    OWNER("Everything, and who else may come in"),
    DEVELOPER("Conversations, organism, API keys and usage"),
    BILLING("Usage, credit and top-ups"),
    VIEWER("Looks at conversations, organism and usage, changes nothing");

    private final String meaning;

    Role(String meaning) {
        this.meaning = meaning;
    }

    /** As it is stored and sent. */
    public String wireName() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** As people read it. */
    public String label() {
        return name().charAt(0) + wireName().substring(1);
    }

    public String meaning() {
        return meaning;
    }

    public static Optional<Role> of(String wireName) {
        return Arrays.stream(values())
                .filter(role -> role.wireName().equals(wireName))
                .findFirst();
    }
}
