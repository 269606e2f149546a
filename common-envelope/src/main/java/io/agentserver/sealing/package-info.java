/**
 * Sealing what is a tenant's under a data key of that tenant (CONTRACTS 9): whoever has the sealed bytes alone, a backup for one,
 * has nothing, and once the tenant's data key is destroyed nobody has.
 */
@NullMarked
package io.agentserver.sealing;

import org.jspecify.annotations.NullMarked;
