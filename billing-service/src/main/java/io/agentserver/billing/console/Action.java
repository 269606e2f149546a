package io.agentserver.billing.console;

import java.util.EnumSet;
import java.util.Set;

import static io.agentserver.billing.console.Role.BILLING;
import static io.agentserver.billing.console.Role.DEVELOPER;
import static io.agentserver.billing.console.Role.OWNER;
import static io.agentserver.billing.console.Role.VIEWER;

/** The one table of who may do what. Every page and every form of an org names its action ({@link May}). */
public enum Action {
    SEE_OVERVIEW(OWNER, DEVELOPER, BILLING, VIEWER),
    SEE_CONVERSATIONS(OWNER, DEVELOPER, VIEWER),
    CANCEL_CONVERSATIONS(OWNER, DEVELOPER),
    SEE_ORGANISM(OWNER, DEVELOPER, VIEWER),
    CHANGE_ORGANISM(OWNER, DEVELOPER),
    SEE_KEYS(OWNER, DEVELOPER),
    CHANGE_KEYS(OWNER, DEVELOPER),
    SEE_USAGE(OWNER, DEVELOPER, BILLING, VIEWER),
    SEE_CREDIT(OWNER, BILLING),
    TOP_UP(OWNER, BILLING),
    SEE_PEOPLE(OWNER, DEVELOPER, BILLING, VIEWER),
    CHANGE_PEOPLE(OWNER);

    @SuppressWarnings("ImmutableEnumChecker") // nobody changes it
    private final Set<Role> roles;

    Action(Role first, Role... others) {
        this.roles = EnumSet.of(first, others);
    }

    public boolean isAllowedTo(Role role) {
        return roles.contains(role);
    }
}
