/** A tenant's own data, all of it at once. */
@NullMarked
package io.agentserver.gateway.export;

import org.jspecify.annotations.NullMarked;
