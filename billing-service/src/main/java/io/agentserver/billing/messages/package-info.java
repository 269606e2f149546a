/** How many messages each org's log has had, day by day. */
@NullMarked
package io.agentserver.billing.messages;

import org.jspecify.annotations.NullMarked;
