/** Whether slots, usage records, the ledger and Stripe say the same. */
@NullMarked
package io.agentserver.billing.reconcile;

import org.jspecify.annotations.NullMarked;
