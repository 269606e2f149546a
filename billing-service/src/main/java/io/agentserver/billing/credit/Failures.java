package io.agentserver.billing.credit;

import io.agentserver.envelope.TenantId;
import io.agentserver.service.OutOfMemory;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.LinkedHashMap;
import java.util.Map;

/** Of one look: one line in the log, however many tenants meet the same. For one thread. */
final class Failures {
    private static final Logger LOG = LoggerFactory.getLogger(Failures.class);

    private final String what;
    private final Map<TenantId, RuntimeException> failed = new LinkedHashMap<>();

    /** @param what their credit could not be */
    Failures(String what) {
        this.what = what;
    }

    void add(TenantId tenant, RuntimeException failure) {
        OutOfMemory.endsTheProcess(failure);
        failed.put(tenant, failure);
    }

    void log() {
        if (!failed.isEmpty()) {
            Map.Entry<TenantId, RuntimeException> first =
                    failed.entrySet().iterator().next();
            LOG.warn(
                    "credit of {} tenants could not be {}; again in a second. The first, {}:",
                    failed.size(),
                    what,
                    first.getKey(),
                    first.getValue());
        }
    }
}
