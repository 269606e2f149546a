package io.agentserver.pump.log;

import io.agentserver.envelope.TenantId;
import io.agentserver.log.Topics;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;

/**
 * {@code agentserver_queue_size}: by tenant, the messages on this pod's partitions that are not finished, those still in the
 * log included. A tenant without any is at 0; before there is a tenant, the one without a name is.
 */
public final class QueueSizes {
    private final MeterRegistry registry;
    private final Map<String, AtomicLong> sizes = new ConcurrentHashMap<>();

    public QueueSizes(MeterRegistry registry) {
        this.registry = registry;
        gauge("");
    }

    /** Makes the tenant's gauge, at 0. */
    public void known(TenantId tenant) {
        gauge(tenant.value());
    }

    void measured(Map<String, Long> byTopic) {
        Map<String, Long> byTenant = new ConcurrentHashMap<>();
        byTopic.forEach((topic, size) ->
                Topics.tenantOfMessages(topic).ifPresent(tenant -> byTenant.merge(tenant.value(), size, Long::sum)));
        byTenant.keySet().forEach(this::gauge);
        sizes.forEach((tenant, size) -> size.set(byTenant.getOrDefault(tenant, 0L)));
    }

    private void gauge(String tenant) {
        sizes.computeIfAbsent(tenant, name -> {
            AtomicLong size = new AtomicLong();
            Gauge.builder("agentserver.queue.size", size, AtomicLong::get)
                    .tag("tenant", name)
                    .description("messages on this pod's partitions that are not finished")
                    .register(registry);
            return size;
        });
    }
}
