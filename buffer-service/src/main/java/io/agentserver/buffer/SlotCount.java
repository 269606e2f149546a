package io.agentserver.buffer;

import io.agentserver.buffer.store.TenantBytes;
import io.agentserver.service.metrics.TenantGauge;

import java.time.Duration;
import java.util.Map;
import java.util.function.Supplier;

/** Shows how much of each tenant is kept, and shares it with other processes, each second, on a virtual thread of its own: what expires makes no event. */
final class SlotCount implements AutoCloseable {
    private static final Duration EVERY = Duration.ofSeconds(1);

    private final TenantBytes bytes;
    private final Map<TenantGauge, Supplier<Map<String, Double>>> gauges;
    private final Thread thread = Thread.ofVirtual().name("slot-count").unstarted(this::run);

    SlotCount(TenantBytes bytes, Map<TenantGauge, Supplier<Map<String, Double>>> gauges) {
        this.bytes = bytes;
        this.gauges = Map.copyOf(gauges);
    }

    SlotCount start() {
        thread.start();
        return this;
    }

    @Override
    public void close() {
        thread.interrupt();
    }

    private void run() {
        try {
            while (true) {
                bytes.share();
                gauges.forEach((gauge, amounts) -> gauge.show(amounts.get()));
                Thread.sleep(EVERY);
            }
        } catch (InterruptedException closed) {
            // that was the last word
        }
    }
}
