package io.agentserver.gateway.keys;

import io.agentserver.envelope.TenantId;
import io.agentserver.sealing.DynamoTenantKeys;
import io.agentserver.sealing.KeysUnavailableException;
import io.agentserver.tenancy.TenantDirectory;
import io.agentserver.tenancy.TenantEntry;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.time.Duration;
import java.util.HashMap;
import java.util.Map;

/**
 * After the platform's key was rotated: wraps the data keys of tenants that have something sealed under the new one, so that the old
 * one can go. Looks at a tenant once for each of its entry's revisions, and each hour: a gateway that has not been told of the new key
 * yet wraps under the old one. A tenant with which that fails is put aside until then, so that the others have their turn. One
 * thread at a time.
 */
public final class OldWrappings {
    private static final Logger LOG = LoggerFactory.getLogger(OldWrappings.class);

    private static final Duration AGAIN = Duration.ofHours(1);
    /** Of one round; each may have waited for as long as a call of the table may take. */
    private static final int MOST_AWAY = 5;

    private final TenantDirectory directory;
    private final DynamoTenantKeys keys;
    private final Map<TenantId, Long> looked = new HashMap<>();
    private long since = System.nanoTime();

    public OldWrappings(TenantDirectory directory, DynamoTenantKeys keys) {
        this.directory = directory;
        this.keys = keys;
    }

    /**
     * Repeating it is harmless.
     *
     * @throws KeysUnavailableException if the table of data keys was away for some of the tenants; the round is over then when it
     *     was for {@link #MOST_AWAY}
     */
    public void renew() {
        if (System.nanoTime() - since >= AGAIN.toNanos()) {
            looked.clear();
            since = System.nanoTime();
        }
        long renewed = 0;
        long failed = 0;
        long unasked = 0;
        KeysUnavailableException away = null;
        for (TenantEntry entry : directory.all()) {
            TenantId tenant = entry.tenantId();
            if (ProviderKeys.of(entry).isEmpty() || looked.getOrDefault(tenant, 0L) == entry.revision()) {
                continue;
            }
            looked.put(tenant, entry.revision());
            try {
                renewed += keys.rewrap(tenant);
            } catch (KeysUnavailableException e) {
                if (e.getCause() == null) {
                    failed++; // the one key, which was told of
                    continue;
                }
                away = e; // the table, or the tenant's part of it
                unasked++;
                if (unasked == MOST_AWAY) {
                    break;
                }
            }
        }
        if (renewed > 0) {
            LOG.info("{} data keys of tenants are wrapped under the platform's new key", renewed);
        }
        if (failed > 0) {
            LOG.error(
                    "data keys of {} tenants do not open: their own keys of providers are of no use until they do",
                    failed);
        }
        if (away != null) {
            throw away;
        }
    }
}
