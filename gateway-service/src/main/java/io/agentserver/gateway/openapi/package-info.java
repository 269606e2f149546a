/** The description of the API: {@code /openapi.json}, and {@code /docs} to read it. */
@NullMarked
package io.agentserver.gateway.openapi;

import org.jspecify.annotations.NullMarked;
