@NullMarked
package io.agentserver.gateway.limits;

import org.jspecify.annotations.NullMarked;
