/** Conversations in a bucket beside the stores: how they get there, come back, and are forgotten there too. */
@NullMarked
package io.agentserver.buffer.backup;

import org.jspecify.annotations.NullMarked;
