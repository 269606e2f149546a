package io.agentserver.billing.ledger;

import io.agentserver.envelope.TenantId;
import org.jspecify.annotations.Nullable;

/**
 * What stands in the ledger as a posting group and is none: its postings do not sum to 0, or something of it is missing.
 * Nothing of ours writes such a one; an audit has to list it.
 *
 * @param id as it is stored
 * @param tenant whose it says it is; null if it does not say so
 * @param reason for a person
 */
public record UnreadableGroup(String id, @Nullable TenantId tenant, String reason) {}
