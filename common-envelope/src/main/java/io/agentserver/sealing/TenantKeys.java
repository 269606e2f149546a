package io.agentserver.sealing;

import io.agentserver.envelope.TenantId;

import java.util.Optional;

/** Where the data keys of tenants are looked up. Safe on any thread. */
public interface TenantKeys {
    /**
     * Empty: it has been destroyed, or never was.
     *
     * @throws KeysUnavailableException if that cannot be known now
     */
    Optional<TenantKey> find(TenantId tenant, String id);
}
