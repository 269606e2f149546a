/** A tenant's usage, asked of billing. */
@NullMarked
package io.agentserver.gateway.usage;

import org.jspecify.annotations.NullMarked;
