package io.agentserver.pump.log;

import io.agentserver.pump.log.Intake.Bound;

import java.util.function.ToIntFunction;

/**
 * How much a pod takes from the log before it is finished with some: of a partition, of a tenant, and in all (shared by
 * weight when that is reached, so at most twice as much).
 *
 * @param bytes of the records' values, in all; half of it a tenant, an eighth a partition
 */
public record PumpLimits(int partitionMessages, int tenantMessages, int messages, long bytes) {
    public PumpLimits {
        if (partitionMessages < 1 || tenantMessages < partitionMessages || messages < tenantMessages || bytes < 1) {
            throw new IllegalArgumentException("limits must be 1 or more and partition <= tenant <= all: "
                    + partitionMessages + ", " + tenantMessages + ", " + messages + ", bytes " + bytes);
        }
    }

    /** @param weights of the tenant of a topic */
    Intake intake(ToIntFunction<String> weights) {
        return new Intake(
                new Bound(partitionMessages, Math.max(1, bytes / 8)),
                new Bound(tenantMessages, Math.max(1, bytes / 2)),
                new Bound(messages, bytes),
                weights);
    }
}
