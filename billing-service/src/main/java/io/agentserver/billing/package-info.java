/** Usage in, a ledger out: what each tenant's calls cost, posted once and kept for ever. */
@NullMarked
package io.agentserver.billing;

import org.jspecify.annotations.NullMarked;
