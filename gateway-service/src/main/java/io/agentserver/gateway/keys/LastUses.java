package io.agentserver.gateway.keys;

import io.agentserver.envelope.TenantId;
import io.agentserver.gateway.problems.Unavailable;
import io.agentserver.gateway.tenants.DynamoKeyUses;
import io.agentserver.tenancy.KeyUses;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.time.Instant;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * When keys were last used, as far as this pod can tell: what is kept of all pods, and what it has noted itself since. To the minute,
 * and some seconds later for what another pod saw. Blocks; safe on any thread.
 */
public final class LastUses {
    private static final Logger LOG = LoggerFactory.getLogger(LastUses.class);

    private final DynamoKeyUses kept;
    private final KeyUses own;

    public LastUses(DynamoKeyUses kept, KeyUses own) {
        this.kept = kept;
        this.own = own;
    }

    /** Of those that were ever used, by their ids. Empty: it cannot be told now, and keys are listed without. */
    Optional<Map<String, Instant>> of(TenantId tenant, Collection<String> keyIds) {
        Map<String, Instant> uses;
        try {
            uses = new HashMap<>(kept.of(tenant));
        } catch (Unavailable e) {
            LOG.warn("keys are listed without their last uses: {} ({})", e.getMessage(), String.valueOf(e.getCause()));
            return Optional.empty();
        }
        for (String id : keyIds) {
            own.here(tenant, id).ifPresent(at -> uses.merge(id, at, (one, other) -> one.isAfter(other) ? one : other));
        }
        return Optional.of(uses);
    }
}
