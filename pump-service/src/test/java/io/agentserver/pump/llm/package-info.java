/** Tests. */
@NullMarked
package io.agentserver.pump.llm;

import org.jspecify.annotations.NullMarked;
