/** What billing does about a tenant that is deleted. */
@NullMarked
package io.agentserver.billing.deletion;

import org.jspecify.annotations.NullMarked;
