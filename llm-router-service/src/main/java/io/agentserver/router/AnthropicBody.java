package io.agentserver.router;

import tools.jackson.databind.node.ObjectNode;

import java.util.List;

/**
 * A request as it came in Anthropic's shape, for a backend that speaks it too: so it gets all of it, also what has no
 * counterpart in OpenAI's.
 *
 * @param body never changed; who sends it on copies it
 * @param betas what the header {@code anthropic-beta} asked for
 */
record AnthropicBody(ObjectNode body, List<String> betas) {
    AnthropicBody {
        betas = List.copyOf(betas);
    }

    /** Whether the model is to think before it speaks. */
    boolean asksForThinking() {
        String type = body.path("thinking").path("type").asString("");
        return !type.isEmpty() && !type.equals("disabled");
    }
}
