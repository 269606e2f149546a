/** The parts of the dead-letter API that need no broker. */
@NullMarked
package io.agentserver.gateway.deadletters;

import org.jspecify.annotations.NullMarked;
