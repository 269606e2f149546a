/** The parts of organisms and what belongs to them that need no gateway. */
@NullMarked
package io.agentserver.gateway.organism;

import org.jspecify.annotations.NullMarked;
