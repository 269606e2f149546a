package io.agentserver.gateway.keys;

import io.agentserver.envelope.Ids;
import io.agentserver.envelope.TenantId;
import io.agentserver.envelope.VerificationKey;
import io.agentserver.gateway.tenants.Tenants;
import io.agentserver.tenancy.ApiKey;
import io.agentserver.tenancy.TenantEntry;
import org.jspecify.annotations.Nullable;

import java.security.SecureRandom;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.UnaryOperator;

/**
 * A tenant's API keys and signing keys, as changes of its entry: they hold on every pod once the directory has them. A call
 * returns when this pod's has. Safe on any thread.
 */
public final class Keys {
    /** How long a rotated key still lives beside its successor. */
    static final Duration OVERLAP = Duration.ofHours(24);

    private final Tenants tenants;
    private final Clock clock;
    private final SecureRandom random = new SecureRandom();

    public Keys(Tenants tenants, Clock clock) {
        this.tenants = tenants;
        this.clock = clock;
    }

    /** @param secret shown to the caller this once */
    record Issued(TenantEntry.Key key, ApiKey secret) {}

    /** @param live or for tests; the prefix tells */
    Optional<Issued> issue(
            TenantId tenant, String name, Set<String> scopes, boolean live, @Nullable Instant expiresAt) {
        Issued issued = make(name, scopes, live, expiresAt);
        return tenants.change(tenant, entry -> entry.withApiKeys(with(entry.apiKeys(), issued.key())))
                .map(entry -> issued);
    }

    /** False if the tenant has no such living key. */
    boolean revoke(TenantId tenant, String id) {
        Instant now = clock.instant();
        return changeKey(
                tenant,
                id,
                key -> new TenantEntry.Key(
                        key.id(), key.name(), key.hash(), key.scopes(), key.createdAt(), key.expiresAt(), now));
    }

    /** A successor of the same name and scopes; the old key lives for {@link #OVERLAP}. Empty if there is no such living key. */
    Optional<Issued> rotate(TenantId tenant, String id) {
        Instant now = clock.instant();
        Optional<TenantEntry.Key> old = tenants.change(tenant, same -> same).stream()
                .flatMap(entry -> entry.apiKeys().stream())
                .filter(key -> key.id().equals(id) && key.isAlive(now))
                .findFirst();
        if (old.isEmpty()) {
            return Optional.empty();
        }
        Optional<Issued> issued = issue(tenant, old.get().name(), old.get().scopes(), true, null);
        Instant end = now.plus(OVERLAP);
        changeKey(
                tenant,
                id,
                key -> new TenantEntry.Key(
                        key.id(),
                        key.name(),
                        key.hash(),
                        key.scopes(),
                        key.createdAt(),
                        earlier(key.expiresAt(), end),
                        null));
        return issued;
    }

    /** False if another key has, or had, that kid. */
    boolean register(TenantId tenant, VerificationKey key, String jwk) {
        AtomicBoolean taken = new AtomicBoolean();
        tenants.change(tenant, entry -> {
            taken.set(entry.signingKey(key.kid()).isPresent());
            if (taken.get()) {
                return entry;
            }
            List<TenantEntry.OrgKey> keys = new ArrayList<>(entry.signingKeys());
            keys.add(new TenantEntry.OrgKey(key.kid(), key.algorithm().name(), jwk, clock.instant(), null));
            return entry.withSigningKeys(keys);
        });
        return !taken.get();
    }

    /** It admits nothing any more, and still verifies what it admitted. False if the tenant has no such key. */
    boolean deleteSigningKey(TenantId tenant, String kid) {
        AtomicBoolean found = new AtomicBoolean();
        tenants.change(tenant, entry -> {
            found.set(entry.signingKeys().stream().anyMatch(k -> k.kid().equals(kid) && k.deletedAt() == null));
            return !found.get()
                    ? entry
                    : entry.withSigningKeys(entry.signingKeys().stream()
                            .map(k -> k.kid().equals(kid)
                                    ? new TenantEntry.OrgKey(k.kid(), k.alg(), k.jwk(), k.createdAt(), clock.instant())
                                    : k)
                            .toList());
        });
        return found.get();
    }

    private boolean changeKey(TenantId tenant, String id, UnaryOperator<TenantEntry.Key> change) {
        Instant now = clock.instant();
        AtomicBoolean found = new AtomicBoolean();
        tenants.change(tenant, entry -> {
            found.set(entry.apiKeys().stream().anyMatch(k -> k.id().equals(id) && k.isAlive(now)));
            return !found.get()
                    ? entry
                    : entry.withApiKeys(entry.apiKeys().stream()
                            .map(k -> k.id().equals(id) ? change.apply(k) : k)
                            .toList());
        });
        return found.get();
    }

    private Issued make(String name, Set<String> scopes, boolean live, @Nullable Instant expiresAt) {
        ApiKey secret = ApiKey.create(live, random);
        TenantEntry.Key key =
                new TenantEntry.Key(Ids.v7().toString(), name, secret.hash(), scopes, clock.instant(), expiresAt, null);
        return new Issued(key, secret);
    }

    private static List<TenantEntry.Key> with(List<TenantEntry.Key> keys, TenantEntry.Key key) {
        List<TenantEntry.Key> all = new ArrayList<>(keys);
        all.add(key);
        return all;
    }

    private static Instant earlier(@Nullable Instant a, Instant b) {
        return a != null && a.isBefore(b) ? a : b;
    }
}
