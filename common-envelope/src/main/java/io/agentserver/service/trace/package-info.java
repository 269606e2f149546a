/** What the services' traces have alike. */
@NullMarked
package io.agentserver.service.trace;

import org.jspecify.annotations.NullMarked;
