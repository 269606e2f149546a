/** All five services in one process, with real stores of their own: {@code ./agentserver dev}. */
@NullMarked
package io.agentserver.standalone;

import org.jspecify.annotations.NullMarked;
