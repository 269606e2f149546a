/** The usage record: one per LLM call. */
@NullMarked
package io.agentserver.usage;

import org.jspecify.annotations.NullMarked;
