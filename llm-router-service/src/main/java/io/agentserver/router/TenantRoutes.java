package io.agentserver.router;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.Scheduler;
import io.agentserver.envelope.TenantId;
import io.agentserver.tenancy.TenantEntry;
import io.agentserver.tenancy.TenantEntry.ProviderKey;
import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * The routes of now, as each tenant sees them. Where it has an own key of a provider, that provider is asked under it alone,
 * whatever the routes say and whether the key does or not, and costs it nothing here. A tenant without such keys has the table
 * that all have. A key is in effect as soon as the tenant's entry with it is here. Safe on any thread; does not block.
 */
final class TenantRoutes {
    /** Tenants whose tables and open keys are kept; of another one they are made again. */
    private static final int MOST = 1_000;

    private static final Duration UNUSED = Duration.ofHours(1);

    private final Supplier<RouteTable> shared;
    private final Function<TenantId, Optional<TenantEntry>> tenants;
    private final KeyOpener opener;
    private final Cache<TenantId, View> views;

    /** @param own keys by their providers */
    private record View(
            RouteTable shared, long revision, List<ProviderKey> keys, Map<String, OwnKey> own, RouteTable table) {
        /** By identity: the list is there for as long as its entry, and of a newer one key is compared with key. */
        @SuppressWarnings("ReferenceEquality")
        boolean isOf(RouteTable now, List<ProviderKey> current) {
            return shared == now && keys == current;
        }
    }

    TenantRoutes(Supplier<RouteTable> shared, Function<TenantId, Optional<TenantEntry>> tenants, KeyOpener opener) {
        this(shared, tenants, opener, MOST, UNUSED);
    }

    TenantRoutes(
            Supplier<RouteTable> shared,
            Function<TenantId, Optional<TenantEntry>> tenants,
            KeyOpener opener,
            int most,
            Duration unused) {
        this.shared = shared;
        this.tenants = tenants;
        this.opener = opener;
        this.views = Caffeine.newBuilder()
                .maximumSize(most)
                .expireAfterAccess(unused)
                .scheduler(Scheduler.systemScheduler()) // open keys leave the memory of a router that nobody asks, too
                .build();
    }

    RouteTable of(TenantId tenant) {
        RouteTable now = shared.get();
        Optional<TenantEntry> entry = tenants.apply(tenant);
        List<ProviderKey> keys = entry.isPresent() ? entry.get().providerKeys() : null;
        if (entry.isEmpty() || keys == null) {
            return now;
        }
        View known = views.getIfPresent(tenant);
        return known != null && known.isOf(now, keys) ? known.table() : renew(now, entry.get(), keys);
    }

    /** Its entry has changed: what is known of keys that it does not have any more is forgotten at once. */
    void changed(TenantEntry entry) {
        List<ProviderKey> keys = entry.providerKeys();
        views.asMap()
                .computeIfPresent(
                        entry.tenantId(),
                        (_, before) -> keys == null ? null : newer(before, before.shared(), entry, keys));
    }

    void forget(TenantId tenant) {
        views.invalidate(tenant);
    }

    /** Of how many tenants it keeps something. */
    long kept() {
        return views.estimatedSize();
    }

    private RouteTable renew(RouteTable now, TenantEntry entry, List<ProviderKey> keys) {
        View[] renewed = new View[1];
        views.asMap().compute(entry.tenantId(), (_, before) -> renewed[0] = newer(before, now, entry, keys));
        return renewed[0].table();
    }

    /** Who was slow, and comes with an entry from before, gets what there is. */
    private View newer(@Nullable View before, RouteTable now, TenantEntry entry, List<ProviderKey> keys) {
        return before != null && (before.revision() > entry.revision() || before.isOf(now, keys))
                ? before
                : view(before, now, entry, keys);
    }

    private View view(@Nullable View before, RouteTable now, TenantEntry entry, List<ProviderKey> keys) {
        Map<String, OwnKey> own = new LinkedHashMap<>();
        Map<String, Backend> backends = new LinkedHashMap<>();
        for (ProviderKey key : keys) {
            Servers servers = now.ownable().get(key.provider());
            if (servers != null && !servers.takesOwnKeys()) {
                backends.put(
                        key.provider(),
                        servers.under(
                                new KeyNotTaken(key.provider()), (_, limits) -> new Guard(limits, Guard.FEW_MODELS)));
            } else if (servers != null) {
                OwnKey known = before == null ? null : before.own().get(key.provider());
                OwnKey current = own(known, entry.tenantId(), key);
                own.put(key.provider(), current);
                backends.put(key.provider(), current.of(servers));
            }
        }
        return new View(now, entry.revision(), keys, own, backends.isEmpty() ? now : now.with(backends));
    }

    private OwnKey own(@Nullable OwnKey known, TenantId tenant, ProviderKey key) {
        if (known == null) {
            return new OwnKey(tenant, key, opener);
        }
        return known.isOf(key) ? known : known.replacedBy(key);
    }
}
