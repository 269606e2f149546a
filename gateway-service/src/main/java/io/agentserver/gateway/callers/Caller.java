package io.agentserver.gateway.callers;

import io.agentserver.envelope.TenantId;
import io.agentserver.tenancy.Scope;
import io.agentserver.tenancy.TenantEntry;

/** Whoever sent a living API key. */
public record Caller(TenantEntry tenant, TenantEntry.Key key) {

    public TenantId tenantId() {
        return tenant.tenantId();
    }

    public boolean has(Scope scope) {
        return key.scopes().contains(scope.wireName());
    }
}
