package io.agentserver.gateway.deletion;

import io.agentserver.envelope.TenantId;
import io.agentserver.gateway.problems.Unavailable;
import io.agentserver.sealing.DynamoTenantKeys;
import io.agentserver.sealing.KeysUnavailableException;
import org.jspecify.annotations.Nullable;

import java.time.Instant;

/**
 * The tenant's data keys: what was sealed with them is unreadable from here on, in whatever backup it is. None is made afterwards,
 * also by a gateway that stood still meanwhile: it would have to find that there is to be none.
 */
final class KeysStep implements DeletionStep {
    private final DynamoTenantKeys keys;

    KeysStep(DynamoTenantKeys keys) {
        this.keys = keys;
    }

    @Override
    public String store() {
        return "keys";
    }

    @Override
    public @Nullable String kept() {
        return "the tenant's id, so that no key is made for it again";
    }

    @Override
    public Part work(TenantId tenant, String cursor, Instant requestedAt) {
        try {
            return Part.of(keys.destroy(tenant), "");
        } catch (KeysUnavailableException e) {
            throw new Unavailable(String.valueOf(e.getMessage()), e);
        }
    }
}
