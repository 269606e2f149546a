package io.agentserver.router;

import io.agentserver.envelope.TenantId;
import io.agentserver.tenancy.TenantEntry.ProviderKey;
import org.jspecify.annotations.Nullable;

import java.net.URI;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * A tenant's own key of a provider: opened when it is first needed, and kept open for as long as it is the tenant's key. What is
 * known of the provider's servers under this key is its own, but for the places that all own keys have there together: a key
 * that is refused, or limited, closes nothing to anybody else. Safe on any thread.
 */
final class OwnKey implements Credential {
    private final TenantId tenant;
    private final ProviderKey sealed;
    private final KeyOpener opener;
    private final Map<Guarded, Guard> guards;
    private final KeyRest rest;
    private KeyOpener.@Nullable Opening opening; // guarded by this

    private record Guarded(URI url, Guard.Limits limits) {}

    OwnKey(TenantId tenant, ProviderKey sealed, KeyOpener opener) {
        this(tenant, sealed, opener, new ConcurrentHashMap<>());
    }

    private OwnKey(TenantId tenant, ProviderKey sealed, KeyOpener opener, Map<Guarded, Guard> guards) {
        this.tenant = tenant;
        this.sealed = sealed;
        this.opener = opener;
        this.guards = guards;
        this.rest = new KeyRest(sealed.provider());
    }

    /** The key that has taken this one's place: what runs at the servers, and how they are, stays; a refusal was this key's. */
    OwnKey replacedBy(ProviderKey other) {
        return new OwnKey(tenant, other, opener, guards);
    }

    boolean isOf(ProviderKey other) {
        return sealed.equals(other);
    }

    @Override
    public boolean isTenants() {
        return true;
    }

    @Override
    public Optional<String> secret() throws KeyNotOpenedException, InterruptedException {
        return Optional.of(opening().await());
    }

    @Override
    public Backend watching(Backend server) {
        return new OwnKeyBackend(server, rest);
    }

    /** The provider under this key. The guards of servers that it does not have any more are forgotten. */
    Pool of(Servers servers) {
        Set<Guarded> used = new HashSet<>();
        Pool pool = servers.under(this, (url, limits) -> {
            Guarded guarded = new Guarded(url, limits);
            used.add(guarded);
            return guards.computeIfAbsent(
                    guarded,
                    _ -> new Guard(limits, Guard.FEW_MODELS, servers.places().apply(url)));
        });
        guards.keySet().retainAll(used);
        return pool;
    }

    private synchronized KeyOpener.Opening opening() {
        KeyOpener.Opening current = opening;
        if (current == null || current.isToBeTriedAgain()) {
            current = opener.open(tenant, sealed);
            opening = current;
        }
        return current;
    }

    @Override
    public String toString() {
        return "OwnKey[" + tenant + ", " + sealed.provider() + "]"; // never the key
    }
}
