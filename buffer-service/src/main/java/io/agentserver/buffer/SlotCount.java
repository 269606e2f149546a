package io.agentserver.buffer;

import io.agentserver.service.metrics.TenantGauge;

import java.time.Duration;
import java.util.Map;
import java.util.function.Supplier;

/** Shows how many slots are kept, each second, on a virtual thread of its own: what expires makes no event. */
final class SlotCount implements AutoCloseable {
    private static final Duration EVERY = Duration.ofSeconds(1);

    private final Supplier<Map<String, Double>> slots;
    private final TenantGauge gauge;
    private final Thread thread = Thread.ofVirtual().name("slot-count").unstarted(this::run);

    SlotCount(Supplier<Map<String, Double>> slots, TenantGauge gauge) {
        this.slots = slots;
        this.gauge = gauge;
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
                gauge.show(slots.get());
                Thread.sleep(EVERY);
            }
        } catch (InterruptedException closed) {
            // that was the last word
        }
    }
}
