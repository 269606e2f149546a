/** What must be true of every conversation, whatever happened; knows nothing of the code that wrote it. */
@NullMarked
package io.agentserver.standalone.checker;

import org.jspecify.annotations.NullMarked;
