/** The LLM router: one OpenAI-compatible door to every provider, with routes, stubs, receipts and usage records. */
@NullMarked
package io.agentserver.router;

import org.jspecify.annotations.NullMarked;
