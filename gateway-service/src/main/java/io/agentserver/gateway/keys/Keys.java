package io.agentserver.gateway.keys;

import io.agentserver.envelope.Ids;
import io.agentserver.envelope.TenantId;
import io.agentserver.envelope.VerificationKey;
import io.agentserver.gateway.problems.Problem;
import io.agentserver.gateway.problems.ProblemType;
import io.agentserver.gateway.problems.Refusal;
import io.agentserver.gateway.tenants.Tenants;
import io.agentserver.tenancy.ApiKey;
import io.agentserver.tenancy.TenantEntry;
import org.jspecify.annotations.Nullable;

import java.security.SecureRandom;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/**
 * A tenant's API keys and signing keys, as changes of its entry: they hold on every pod once the directory has them. A call
 * returns when this pod's has. Safe on any thread.
 */
public final class Keys {
    /** How long a rotated key still lives beside its successor. */
    static final Duration OVERLAP = Duration.ofHours(24);

    static final int MOST_API_KEYS = 100;
    static final int MOST_SIGNING_KEYS = 20;

    /** What is on the log was admitted at most so long ago, by far. */
    private static final Duration REMEMBER_DELETED = Duration.ofDays(7);

    /** So that an entry of all that is allowed, each as long as it may be, fits into an item of 400 KB. */
    private static final int MOST_DELETED = 50;

    private final Tenants tenants;
    private final Clock clock;
    private final SecureRandom random = new SecureRandom();

    public Keys(Tenants tenants, Clock clock) {
        this.tenants = tenants;
        this.clock = clock;
    }

    /** @param secret shown to the caller this once */
    record Issued(TenantEntry.Key key, ApiKey secret) {}

    /** @throws Refusal 409 if the tenant has {@link #MOST_API_KEYS} living ones */
    Optional<Issued> issue(TenantId tenant, String name, Set<String> scopes, @Nullable Instant expiresAt) {
        ApiKey secret = ApiKey.create(true, random);
        TenantEntry.Key key = key(secret, name, scopes, expiresAt);
        return tenants.change(tenant, entry -> has(entry, key) ? entry : entry.withApiKeys(with(living(entry), key)))
                .map(entry -> new Issued(key, secret));
    }

    /** False if the tenant has no such living key. */
    boolean revoke(TenantId tenant, String id) {
        AtomicBoolean found = new AtomicBoolean();
        tenants.change(tenant, entry -> {
            List<TenantEntry.Key> living = living(entry);
            List<TenantEntry.Key> left =
                    living.stream().filter(key -> !key.id().equals(id)).toList();
            if (left.size() == living.size()) {
                return entry;
            }
            found.set(true);
            return entry.withApiKeys(left);
        });
        return found.get();
    }

    /**
     * A successor of the same name, scopes and end; the old key lives for {@link #OVERLAP}. Empty if there is no such living
     * key.
     *
     * @param mayHave whether whoever asks may have a key of these scopes
     * @throws Refusal 403 if not, 409 as in {@link #issue}
     */
    Optional<Issued> rotate(TenantId tenant, String id, Predicate<Set<String>> mayHave) {
        Instant end = clock.instant().plus(OVERLAP);
        ApiKey secret = ApiKey.create(true, random);
        TenantEntry.Key blank = key(secret, "", Set.of(), null);
        AtomicReference<TenantEntry.@Nullable Key> made = new AtomicReference<>();
        tenants.change(tenant, entry -> {
            if (has(entry, blank)) {
                return entry;
            }
            List<TenantEntry.Key> living = living(entry);
            TenantEntry.Key old = living.stream()
                    .filter(key -> key.id().equals(id))
                    .findFirst()
                    .orElse(null);
            if (old == null) {
                made.set(null);
                return entry;
            }
            if (!mayHave.test(old.scopes())) {
                throw Problem.of(ProblemType.FORBIDDEN, "the API key has not all scopes of the key to be rotated")
                        .refusal();
            }
            TenantEntry.Key successor = new TenantEntry.Key(
                    blank.id(), old.name(), blank.hash(), old.scopes(), blank.createdAt(), old.expiresAt(), null);
            made.set(successor);
            List<TenantEntry.Key> ending = living.stream()
                    .map(key -> key.equals(old) ? ending(key, end) : key)
                    .toList();
            return entry.withApiKeys(with(ending, successor));
        });
        return Optional.ofNullable(made.get()).map(key -> new Issued(key, secret));
    }

    /**
     * False if another key has, or had of late, that kid.
     *
     * @param jwk its public members alone
     * @throws Refusal 409 if the tenant has {@link #MOST_SIGNING_KEYS} living ones
     */
    boolean register(TenantId tenant, VerificationKey key, String jwk) {
        TenantEntry.OrgKey registered =
                new TenantEntry.OrgKey(key.kid(), key.algorithm().name(), jwk, clock.instant(), null);
        AtomicBoolean taken = new AtomicBoolean();
        tenants.change(tenant, entry -> {
            List<TenantEntry.OrgKey> keys = remembered(entry.signingKeys());
            if (keys.contains(registered)) {
                return entry; // by a try whose answer was lost
            }
            taken.set(keys.stream().anyMatch(k -> k.kid().equals(key.kid())));
            if (taken.get()) {
                return entry;
            }
            if (keys.stream().filter(k -> k.deletedAt() == null).count() >= MOST_SIGNING_KEYS) {
                throw Problem.of(
                                ProblemType.CONFLICT,
                                "the tenant has " + MOST_SIGNING_KEYS + " signing keys; delete one first")
                        .refusal();
            }
            keys.add(registered);
            return entry.withSigningKeys(keys);
        });
        return !taken.get();
    }

    /** It admits nothing any more, and still verifies what it admitted. False if the tenant has no such key. */
    boolean deleteSigningKey(TenantId tenant, String kid) {
        Instant now = clock.instant();
        AtomicBoolean found = new AtomicBoolean();
        tenants.change(tenant, entry -> {
            if (entry.signingKeys().stream().noneMatch(k -> k.kid().equals(kid) && k.deletedAt() == null)) {
                return entry;
            }
            found.set(true);
            return entry.withSigningKeys(remembered(entry.signingKeys().stream()
                    .map(k -> k.kid().equals(kid)
                            ? new TenantEntry.OrgKey(k.kid(), k.alg(), k.jwk(), k.createdAt(), now)
                            : k)
                    .toList()));
        });
        return found.get();
    }

    private static boolean has(TenantEntry entry, TenantEntry.Key key) {
        return entry.apiKeys().stream().anyMatch(k -> k.id().equals(key.id()));
    }

    /** An entry must fit into an item of DynamoDB, also after each deletion: the dead are forgotten. */
    private List<TenantEntry.Key> living(TenantEntry entry) {
        Instant now = clock.instant();
        return entry.apiKeys().stream().filter(key -> key.isAlive(now)).toList();
    }

    /** The living, and of the deleted those that something on the log may still be signed with; changeable. */
    private List<TenantEntry.OrgKey> remembered(List<TenantEntry.OrgKey> keys) {
        Instant oldest = clock.instant().minus(REMEMBER_DELETED);
        Set<String> kids = keys.stream()
                .filter(key -> key.deletedAt() != null && key.deletedAt().isAfter(oldest))
                .sorted(Comparator.comparing(
                        TenantEntry.OrgKey::deletedAt, Comparator.nullsLast(Comparator.reverseOrder())))
                .limit(MOST_DELETED)
                .map(TenantEntry.OrgKey::kid)
                .collect(Collectors.toSet());
        return keys.stream()
                .filter(key -> key.deletedAt() == null || kids.contains(key.kid()))
                .collect(Collectors.toCollection(ArrayList::new));
    }

    private TenantEntry.Key key(ApiKey secret, String name, Set<String> scopes, @Nullable Instant expiresAt) {
        return new TenantEntry.Key(Ids.v7().toString(), name, secret.hash(), scopes, clock.instant(), expiresAt, null);
    }

    private static TenantEntry.Key ending(TenantEntry.Key key, Instant end) {
        Instant before = key.expiresAt();
        return new TenantEntry.Key(
                key.id(),
                key.name(),
                key.hash(),
                key.scopes(),
                key.createdAt(),
                before != null && before.isBefore(end) ? before : end,
                null);
    }

    private static List<TenantEntry.Key> with(List<TenantEntry.Key> living, TenantEntry.Key key) {
        if (living.size() >= MOST_API_KEYS) {
            throw Problem.of(ProblemType.CONFLICT, "the tenant has " + MOST_API_KEYS + " API keys; revoke one first")
                    .refusal();
        }
        List<TenantEntry.Key> all = new ArrayList<>(living);
        all.add(key);
        return all;
    }
}
