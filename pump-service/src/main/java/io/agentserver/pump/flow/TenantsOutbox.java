package io.agentserver.pump.flow;

import io.agentserver.log.Topics;
import io.agentserver.tenancy.TenantDirectory;
import io.agentserver.tenancy.TenantEntry;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.List;

/**
 * Gives up what is for a deleted tenant, when the log does not take it: its topics are gone or are about to go, and who would
 * wait for them would wait for ever. What is for others is waited for as before.
 */
final class TenantsOutbox implements Outbox {
    private static final Logger LOG = LoggerFactory.getLogger(TenantsOutbox.class);

    private final Outbox log;
    private final TenantDirectory tenants;

    TenantsOutbox(Outbox log, TenantDirectory tenants) {
        this.log = log;
        this.tenants = tenants;
    }

    @Override
    public void append(List<LogRecord> records) {
        try {
            log.append(records);
        } catch (UnavailableException e) {
            if (!records.stream().allMatch(record -> isDeleted(record.topic()))) {
                throw e;
            }
            LOG.info(
                    "{} records for {} are dropped: its tenant is deleted",
                    records.size(),
                    records.getFirst().topic());
        }
    }

    private boolean isDeleted(String topic) {
        return Topics.tenantOf(topic)
                .filter(tenant -> tenants.isGone(tenant)
                        || tenants.find(tenant).filter(TenantEntry::isDeleted).isPresent())
                .isPresent();
    }
}
