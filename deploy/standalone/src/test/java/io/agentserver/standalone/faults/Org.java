package io.agentserver.standalone.faults;

import io.agentserver.envelope.TenantId;

/**
 * A tenant of the fault runs.
 *
 * @param key with which its clients come
 * @param canary a word that is in everything that its clients say, and in the name of one of its listeners
 */
record Org(TenantId tenant, String key, String canary) {}
