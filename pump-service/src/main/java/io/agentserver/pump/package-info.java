/** The service: its start, its settings, and how its parts are put together. */
@NullMarked
package io.agentserver.pump;

import org.jspecify.annotations.NullMarked;
