package io.agentserver.tenancy;

import io.agentserver.envelope.TenantId;

/** A version that is too old to be kept. */
public record RetiredOrganism(TenantId tenant, long version) {}
