package io.agentserver.service.metrics;

import io.agentserver.envelope.TenantId;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongSupplier;

/**
 * Counters with the label {@code tenant}, of whom there may be a hundred thousand: those who come first have series of their
 * own, a bounded number of them, and all others count as {@value TenantGauge#OTHER}. Who counts nothing for an hour gives up
 * its place to who has none; a deleted tenant's series go. Safe on any thread.
 */
public final class TenantCounters {
    private static final Duration IDLE = Duration.ofHours(1);
    private static final Duration BETWEEN_LOOKS = Duration.ofMinutes(1);

    private final MeterRegistry registry;
    private final int most;
    private final LongSupplier nanoTime;
    private final Map<String, Place> places = new ConcurrentHashMap<>();
    private final Set<String> names = ConcurrentHashMap.newKeySet();
    private @Nullable Long lastLook;

    private static final class Place {
        private volatile long used;
    }

    /** @param most tenants that have series of their own, 1 or more */
    public TenantCounters(MeterRegistry registry, int most) {
        this(registry, most, System::nanoTime);
    }

    TenantCounters(MeterRegistry registry, int most, LongSupplier nanoTime) {
        this.registry = registry;
        this.most = most;
        this.nanoTime = nanoTime;
    }

    /**
     * Counts.
     *
     * @param name as Micrometer writes names, with dots
     * @param tags besides the tenant: name, value, name, value, …; the same names each time
     */
    public void add(TenantId tenant, String name, String description, double amount, String... tags) {
        if (!names.contains(name)) { // to add what is there takes a lock
            names.add(name);
        }
        String label = label(tenant.value());
        Counter.builder(name)
                .description(description)
                .tag("tenant", label)
                .tags(tags)
                .register(registry)
                .increment(amount);
        if (!label.equals(TenantGauge.OTHER) && !places.containsKey(label)) {
            removeWithoutPlace(label);
        }
    }

    /** It lost its place after it had been asked for, so whoever took the place may have looked before the series was there. */
    private synchronized void removeWithoutPlace(String tenant) {
        if (!places.containsKey(tenant)) {
            remove(tenant);
        }
    }

    /** For a tenant that is deleted. */
    public synchronized void forget(TenantId tenant) {
        if (places.remove(tenant.value()) != null) {
            remove(tenant.value());
        }
    }

    private String label(String tenant) {
        Place place = places.get(tenant);
        if (place == null) {
            place = newPlace(tenant);
        }
        if (place == null) {
            return TenantGauge.OTHER;
        }
        place.used = nanoTime.getAsLong();
        return tenant;
    }

    private synchronized @Nullable Place newPlace(String tenant) {
        if (places.size() >= most) {
            freeIdle();
        }
        if (places.size() >= most && !places.containsKey(tenant)) {
            return null;
        }
        return places.computeIfAbsent(tenant, added -> {
            Place place = new Place();
            place.used = nanoTime.getAsLong();
            return place;
        });
    }

    private void freeIdle() {
        long now = nanoTime.getAsLong();
        if (lastLook != null && now - lastLook < BETWEEN_LOOKS.toNanos()) {
            return;
        }
        lastLook = now;
        places.entrySet().removeIf(entry -> {
            boolean idle = now - entry.getValue().used > IDLE.toNanos();
            if (idle) {
                remove(entry.getKey());
            }
            return idle;
        });
    }

    private void remove(String tenant) {
        for (Meter meter : registry.getMeters()) {
            if (names.contains(meter.getId().getName())
                    && tenant.equals(meter.getId().getTag("tenant"))) {
                registry.remove(meter);
            }
        }
    }
}
