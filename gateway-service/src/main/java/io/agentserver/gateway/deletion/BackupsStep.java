package io.agentserver.gateway.deletion;

import io.agentserver.envelope.TenantId;
import io.agentserver.gateway.threads.ThreadBuffer;

import java.time.Instant;

/** What the backup has of the tenant's conversations, older versions of objects included; the buffer has the bucket. */
final class BackupsStep implements DeletionStep {
    private final ThreadBuffer buffer;

    BackupsStep(ThreadBuffer buffer) {
        this.buffer = buffer;
    }

    @Override
    public String store() {
        return "backups";
    }

    @Override
    public Part work(TenantId tenant, String cursor, Instant requestedAt) {
        return Part.of(buffer.eraseBackups(tenant).getFreed(), "");
    }
}
