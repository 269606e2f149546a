/** The parts of knowing who calls that need no gateway. */
@NullMarked
package io.agentserver.gateway.callers;

import org.jspecify.annotations.NullMarked;
