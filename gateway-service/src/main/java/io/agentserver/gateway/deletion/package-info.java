/** Deleting a tenant: a job that any gateway goes on with, one store after the other. */
@NullMarked
package io.agentserver.gateway.deletion;

import org.jspecify.annotations.NullMarked;
