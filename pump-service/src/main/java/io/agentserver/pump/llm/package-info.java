/** Agents: the prompt from a thread's history, the model's answer read as calls or as the response. */
@NullMarked
package io.agentserver.pump.llm;

import org.jspecify.annotations.NullMarked;
