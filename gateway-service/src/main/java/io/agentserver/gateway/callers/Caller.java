package io.agentserver.gateway.callers;

import io.agentserver.envelope.TenantId;
import io.agentserver.tenancy.Scope;
import io.agentserver.tenancy.TenantEntry;
import org.jspecify.annotations.Nullable;

import java.util.Set;

/**
 * Whoever sent a living API key, or another service of the platform that speaks for the tenant.
 *
 * @param keyId of the API key; null: it is a service
 * @param scopes what it may do, by their wire names
 */
public record Caller(TenantEntry tenant, @Nullable String keyId, Set<String> scopes) {
    public Caller {
        scopes = Set.copyOf(scopes);
    }

    public TenantId tenantId() {
        return tenant.tenantId();
    }

    public boolean has(Scope scope) {
        return scopes.contains(scope.wireName());
    }
}
