package io.agentserver.pump.log;

import io.agentserver.envelope.TenantId;
import io.agentserver.log.Topics;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;

import java.time.Clock;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;

/**
 * {@code agentserver_queue_size}: by tenant, the messages on this pod's partitions that are not finished, those still in the
 * log included. {@code agentserver_queue_age_seconds}: how long ago the log took the oldest of those that were taken from it,
 * 0 or more, by this pod's clock; what waits in the log behind it is younger. A tenant without any is at 0; before there is a
 * tenant, the one without a name is.
 */
public final class QueueSizes {
    private final MeterRegistry registry;
    private final Clock clock;
    private final Map<String, Queue> queues = new ConcurrentHashMap<>();

    private record Queue(AtomicLong size, AtomicLong ageMs) {
        double ageSeconds() {
            return ageMs.get() / 1000.0;
        }
    }

    public QueueSizes(MeterRegistry registry, Clock clock) {
        this.registry = registry;
        this.clock = clock;
        gauges("");
    }

    /** Makes the tenant's gauges, at 0. */
    public void known(TenantId tenant) {
        gauges(tenant.value());
    }

    /**
     * @param sizes of each topic's partitions here together
     * @param oldest of each topic that has any, when the log took it, in ms since 1970
     */
    void measured(Map<String, Long> sizes, Map<String, Long> oldest) {
        Map<String, Long> sizeByTenant = new HashMap<>();
        Map<String, Long> oldestByTenant = new HashMap<>();
        sizes.forEach((topic, size) -> Topics.tenantOfMessages(topic)
                .ifPresent(tenant -> sizeByTenant.merge(tenant.value(), size, Long::sum)));
        oldest.forEach((topic, at) -> Topics.tenantOfMessages(topic)
                .ifPresent(tenant -> oldestByTenant.merge(tenant.value(), at, Math::min)));
        sizeByTenant.keySet().forEach(this::gauges);
        oldestByTenant.keySet().forEach(this::gauges);
        long now = clock.millis();
        queues.forEach((tenant, queue) -> {
            queue.size.set(sizeByTenant.getOrDefault(tenant, 0L));
            queue.ageMs.set(Math.max(0, now - oldestByTenant.getOrDefault(tenant, now)));
        });
    }

    private void gauges(String tenant) {
        queues.computeIfAbsent(tenant, name -> {
            Queue queue = new Queue(new AtomicLong(), new AtomicLong());
            Gauge.builder("agentserver.queue.size", queue, it -> it.size.get())
                    .tag("tenant", name)
                    .description("messages on this pod's partitions that are not finished")
                    .register(registry);
            Gauge.builder("agentserver.queue.age", queue, Queue::ageSeconds)
                    .tag("tenant", name)
                    .baseUnit("seconds")
                    .description("since the log took the oldest message that was taken from it and is not finished")
                    .register(registry);
            return queue;
        });
    }
}
