package io.agentserver.gateway.keys;

import io.agentserver.envelope.TenantId;
import io.agentserver.gateway.problems.Problem;
import io.agentserver.gateway.problems.ProblemType;
import io.agentserver.gateway.problems.Refusal;
import io.agentserver.gateway.problems.Unavailable;
import io.agentserver.gateway.tenants.Tenants;
import io.agentserver.sealing.DynamoTenantKeys;
import io.agentserver.sealing.KeysUnavailableException;
import io.agentserver.sealing.TenantKey;
import io.agentserver.tenancy.TenantEntry;
import io.agentserver.tenancy.TenantEntry.ProviderKey;

import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * A tenant's own keys of LLM providers, as changes of its entry: the routers have them from there, sealed with a data key of the
 * tenant, which is made first. One that was made for an entry that was never written, or by a process that died, is used the next
 * time. Safe on any thread.
 */
public final class ProviderKeys {
    static final int MOST = 20;

    /** Of a shorter key nothing is shown: four characters of eight would be half of it. */
    private static final int SHOWN_FROM = 12;

    private static final int SHOWN = 4;

    private final Tenants tenants;
    private final DynamoTenantKeys dataKeys;
    private final Clock clock;

    public ProviderKeys(Tenants tenants, DynamoTenantKeys dataKeys, Clock clock) {
        this.tenants = tenants;
        this.dataKeys = dataKeys;
        this.clock = clock;
    }

    /** In the order of the providers' names. */
    static List<ProviderKey> of(TenantEntry entry) {
        return Objects.requireNonNullElse(entry.providerKeys(), List.<ProviderKey>of());
    }

    /**
     * In place of the one that the tenant has for that provider, if it has one.
     *
     * @return empty: there is no such tenant any more
     * @throws Refusal 409 if it has {@link #MOST} of other providers
     * @throws Unavailable if it cannot be sealed now
     */
    Optional<ProviderKey> put(TenantId tenant, String provider, String key) {
        Optional<TenantKey> dataKey = dataKey(tenant);
        if (dataKey.isEmpty()) {
            return Optional.empty();
        }
        byte[] sealed =
                dataKey.get().seal(key.getBytes(StandardCharsets.US_ASCII), ProviderKey.associated(tenant, provider));
        ProviderKey put = new ProviderKey(
                provider,
                dataKey.get().id(),
                Base64.getUrlEncoder().withoutPadding().encodeToString(sealed),
                key.length() < SHOWN_FROM ? "" : key.substring(key.length() - SHOWN),
                clock.instant());
        return tenants.change(tenant, entry -> {
                    if (of(entry).contains(put)) {
                        return entry; // by a try whose answer was lost
                    }
                    List<ProviderKey> keys = without(entry, provider);
                    if (keys.size() >= MOST) {
                        throw Problem.of(
                                        ProblemType.CONFLICT,
                                        "the tenant has keys of " + MOST + " providers; delete one first")
                                .refusal();
                    }
                    keys.add(put);
                    keys.sort(Comparator.comparing(ProviderKey::provider));
                    return entry.withProviderKeys(keys);
                })
                .map(_ -> put);
    }

    /** False if the tenant has none of that provider. */
    boolean delete(TenantId tenant, String provider) {
        AtomicBoolean found = new AtomicBoolean();
        tenants.change(tenant, entry -> {
            if (entry.providerKey(provider).isEmpty()) {
                return entry;
            }
            found.set(true);
            return entry.withProviderKeys(without(entry, provider));
        });
        return found.get();
    }

    private Optional<TenantKey> dataKey(TenantId tenant) {
        try {
            return dataKeys.current(tenant);
        } catch (KeysUnavailableException e) {
            throw new Unavailable("the key cannot be sealed at the moment, and was not taken; try again", e);
        }
    }

    private static List<ProviderKey> without(TenantEntry entry, String provider) {
        List<ProviderKey> others = new ArrayList<>(of(entry));
        others.removeIf(key -> key.provider().equals(provider));
        return others;
    }
}
