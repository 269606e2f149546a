package io.agentserver.gateway.deletion;

import io.agentserver.envelope.TenantId;
import io.agentserver.gateway.tenants.DynamoTenantTable;
import io.agentserver.gateway.tenants.Tenants;
import io.agentserver.tenancy.TenantDirectory;
import org.jspecify.annotations.Nullable;

import java.time.Instant;

/** Name, keys and their last uses, all versions of the organism: in the table, and then on every pod, which from here on knows no such tenant. */
final class DirectoryStep implements DeletionStep {
    private final DynamoTenantTable table;
    private final Tenants tenants;
    private final TenantDirectory directory;

    DirectoryStep(DynamoTenantTable table, Tenants tenants, TenantDirectory directory) {
        this.table = table;
        this.tenants = tenants;
        this.directory = directory;
    }

    @Override
    public String store() {
        return "directory";
    }

    @Override
    public @Nullable String kept() {
        return "the tenant's id, which is never given out again, and this receipt";
    }

    @Override
    public Part work(TenantId tenant, String cursor, Instant requestedAt) {
        long entries =
                table.findAny(tenant).isPresent() || directory.find(tenant).isPresent() ? 1 : 0;
        // a version of the organism may be in one of the two alone
        long others = Math.max(
                table.removal().count(tenant), directory.versions(tenant).size());
        if (entries + others > 0) {
            tenants.forget(tenant);
        }
        return Part.of(entries + others, "");
    }
}
