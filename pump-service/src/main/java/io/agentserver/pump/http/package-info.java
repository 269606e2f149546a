/** Listeners that are a tenant's own web service. */
@NullMarked
package io.agentserver.pump.http;

import org.jspecify.annotations.NullMarked;
