package io.agentserver.billing.console;

import io.agentserver.envelope.TenantId;
import io.agentserver.tenancy.TenantEntry;

/** A member in their org: what every page of an org begins with. */
public record Visit(Person person, Member member, TenantEntry org) {

    public TenantId tenant() {
        return org.tenantId();
    }

    public Role role() {
        return member.role();
    }

    public boolean may(Action action) {
        return action.isAllowedTo(member.role());
    }
}
