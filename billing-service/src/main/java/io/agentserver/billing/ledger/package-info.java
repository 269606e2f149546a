/** The double-entry ledger and its port to a store; plain Java. */
@NullMarked
package io.agentserver.billing.ledger;

import org.jspecify.annotations.NullMarked;
