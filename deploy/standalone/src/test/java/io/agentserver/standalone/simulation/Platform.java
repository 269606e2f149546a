package io.agentserver.standalone.simulation;

import io.agentserver.envelope.TenantId;
import io.agentserver.log.RecordMac;
import io.agentserver.pump.flow.Organisms;
import io.agentserver.service.PlatformKeys;
import io.agentserver.tenancy.TenantDirectory;

/** What all simulations share: keys, and the tenant with its organism. */
record Platform(PlatformKeys keys, TenantDirectory tenants, Organisms organisms, RecordMac mac) {
    static final TenantId TENANT = new TenantId("demo");
    static final String TOPIC = "messages.demo";
}
