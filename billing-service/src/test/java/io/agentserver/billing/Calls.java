package io.agentserver.billing;

import io.agentserver.envelope.Ids;
import io.agentserver.envelope.TenantId;
import io.agentserver.usage.UsageRecord;
import org.jspecify.annotations.Nullable;

import java.time.Instant;
import java.util.UUID;

/** Usage records for tests: 100 tokens in, 10 of them cached, 20 out; cost 70, price 140. */
public final class Calls {
    public static final Instant NOON = Instant.parse("2026-03-14T12:00:00Z");

    private Calls() {}

    /** One that no other test has. */
    public static TenantId newTenant() {
        return new TenantId("t-" + Ids.v7().toString().replace("-", ""));
    }

    public static UsageRecord call(TenantId tenant, UUID receipt) {
        return call(tenant, receipt, NOON, "openai/gpt-x", "greeter");
    }

    public static UsageRecord call(TenantId tenant, UUID receipt, Instant at, String model, @Nullable String listener) {
        return new UsageRecord(
                receipt,
                tenant.value(),
                "0199c0de-7a11-7000-8000-000000000001",
                null,
                null,
                listener,
                "default",
                "openai",
                model,
                100,
                10,
                20,
                false,
                false,
                false,
                70,
                140,
                at);
    }
}
