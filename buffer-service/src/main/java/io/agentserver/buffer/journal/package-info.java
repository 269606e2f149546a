/** The core: what a conversation's commits mean, and which commit comes next. */
@NullMarked
package io.agentserver.buffer.journal;

import org.jspecify.annotations.NullMarked;
