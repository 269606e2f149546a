package io.agentserver.pump.log;

import io.agentserver.envelope.TenantId;
import io.agentserver.log.Topics;
import io.agentserver.service.metrics.TenantGauge;
import io.micrometer.core.instrument.MeterRegistry;

import java.time.Clock;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * {@code agentserver_queue_size}: by tenant, the messages on this pod's partitions that are not finished, those still in the
 * log included. {@code agentserver_queue_age_seconds}: how long ago the log took the oldest of those that were taken from it,
 * 0 or more, by this pod's clock; what waits in the log behind it is younger. A tenant without any is at 0; one that is deleted
 * has none.
 */
public final class QueueSizes {
    private final Clock clock;
    private final TenantGauge sizes;
    private final TenantGauge ages;
    private final Set<String> known = ConcurrentHashMap.newKeySet();

    /** @param tenants that have series of their own, at most */
    public QueueSizes(MeterRegistry registry, int tenants, Clock clock) {
        this.clock = clock;
        this.sizes = new TenantGauge(
                registry,
                tenants,
                new TenantGauge.Meaning(
                        "agentserver.queue.size",
                        "messages on this pod's partitions that are not finished",
                        null,
                        true,
                        Double::sum));
        this.ages = new TenantGauge(
                registry,
                tenants,
                new TenantGauge.Meaning(
                        "agentserver.queue.age",
                        "since the log took the oldest message that was taken from it and is not finished",
                        "seconds",
                        true,
                        Math::max));
    }

    /** From now on the tenant is there, at 0. */
    public void known(TenantId tenant) {
        known.add(tenant.value());
    }

    /** The tenant is deleted. */
    public void gone(TenantId tenant) {
        known.remove(tenant.value());
    }

    /**
     * @param unfinished of each topic's partitions here together
     * @param oldest of each topic that has any, when the log took it, in ms since 1970
     */
    void measured(Map<String, Long> unfinished, Map<String, Long> oldest) {
        Map<String, Double> size = new HashMap<>();
        known.forEach(tenant -> size.put(tenant, 0.0));
        Map<String, Double> age = new HashMap<>(size);
        long now = clock.millis();
        unfinished.forEach((topic, messages) -> Topics.tenantOfMessages(topic).ifPresent(tenant -> {
            size.merge(tenant.value(), (double) messages, Double::sum);
            age.putIfAbsent(tenant.value(), 0.0); // of nothing, unless something old is found
        }));
        oldest.forEach((topic, at) -> Topics.tenantOfMessages(topic)
                .ifPresent(tenant -> age.merge(tenant.value(), Math.max(0, now - at) / 1000.0, Math::max)));
        sizes.show(size);
        ages.show(age);
    }
}
