package io.agentserver.billing.console;

import io.agentserver.envelope.TenantId;

import java.time.Instant;

/**
 * A person of an org.
 *
 * @param addedBy the e-mail of whoever let them in; their own if they claimed the org
 */
public record Member(TenantId tenant, String email, Role role, String addedBy, Instant since) {}
