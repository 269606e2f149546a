/** Whether a tenant has credit, and an operator's gift of it. */
@NullMarked
package io.agentserver.gateway.credit;

import org.jspecify.annotations.NullMarked;
