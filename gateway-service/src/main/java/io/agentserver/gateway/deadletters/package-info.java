/** Messages that could not be handled: read from {@code dead-letters.{tenant}}, and sent again. */
@NullMarked
package io.agentserver.gateway.deadletters;

import org.jspecify.annotations.NullMarked;
