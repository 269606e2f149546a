/** A tenant's organism: activated, read, and asked where a message goes. */
@NullMarked
package io.agentserver.gateway.organism;

import org.jspecify.annotations.NullMarked;
