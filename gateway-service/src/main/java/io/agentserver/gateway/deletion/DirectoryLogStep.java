package io.agentserver.gateway.deletion;

import io.agentserver.envelope.TenantId;
import io.agentserver.gateway.log.TenantRecords;

import java.time.Duration;
import java.time.Instant;

/**
 * What the log still holds of the directory after all pods have forgotten it: a compacted topic keeps a record's bytes until its
 * segment is closed and cleaned. Waits for that, and finds out by reading the topic.
 */
final class DirectoryLogStep implements DeletionStep {
    private final TenantRecords records;

    DirectoryLogStep(TenantRecords records) {
        this.records = records;
    }

    @Override
    public String store() {
        return "directory-log";
    }

    @Override
    public Duration pause() {
        return Duration.ofSeconds(10);
    }

    @Override
    public Part work(TenantId tenant, String cursor, Instant requestedAt) {
        records.ensureCompaction();
        return Part.waiting(records.count(tenant), "");
    }
}
