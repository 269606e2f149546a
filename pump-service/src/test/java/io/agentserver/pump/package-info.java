/** Tests. */
@NullMarked
package io.agentserver.pump;

import org.jspecify.annotations.NullMarked;
