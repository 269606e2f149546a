package io.agentserver.gateway.deletion;

import io.agentserver.envelope.TenantId;
import io.agentserver.gateway.organism.StaticDelivery;

import java.time.Instant;

/** Schemas and prompts that were put where clients fetch them. */
final class StaticFilesStep implements DeletionStep {
    private final StaticDelivery delivery;

    StaticFilesStep(StaticDelivery delivery) {
        this.delivery = delivery;
    }

    @Override
    public String store() {
        return "static-files";
    }

    @Override
    public Part work(TenantId tenant, String cursor, Instant requestedAt) {
        return Part.of(delivery.forget(tenant), "");
    }
}
