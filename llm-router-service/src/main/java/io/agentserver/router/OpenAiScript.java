package io.agentserver.router;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

import java.io.IOException;
import java.util.HashSet;
import java.util.Set;

/** OpenAI's chat completion chunks and {@code [DONE]}; a comment while the model is silent. Of one answer. */
final class OpenAiScript implements EventStream.Script {
    private final boolean includeUsage;
    private final Set<Integer> begun = new HashSet<>(); // by index

    OpenAiScript(boolean includeUsage) {
        this.includeUsage = includeUsage;
    }

    /** The usage goes out in one chunk of its own at the end, wherever the provider has put it. */
    @Override
    public void chunk(ObjectNode chunk, EventStream to) throws IOException {
        chunk.remove("usage");
        if (chunk.path("choices").isEmpty()) {
            return;
        }
        for (JsonNode choice : chunk.path("choices")) {
            if (choice.path("delta") instanceof ObjectNode delta
                    && begun.add(choice.path("index").asInt(0))
                    && !delta.has("role")) {
                delta.put("role", "assistant"); // some servers do not say it, and OpenAI's client wants it first
            }
        }
        to.event(null, chunk);
    }

    @Override
    public void quiet(EventStream to) throws IOException {
        to.line(": waiting");
    }

    @Override
    public void end(ObjectNode completion, EventStream to) throws IOException {
        if (includeUsage) {
            to.event(null, usage(completion));
        }
        to.line("data: [DONE]");
    }

    @Override
    public void broken(Refusal refusal, EventStream to) throws IOException {
        to.event("error", OpenAiErrors.body(refusal));
    }

    private static ObjectNode usage(ObjectNode completion) {
        ObjectNode chunk = Json.object();
        for (String member : new String[] {"id", "created", "model", "system_fingerprint"}) {
            if (completion.has(member)) {
                chunk.set(member, completion.path(member));
            }
        }
        chunk.put("object", "chat.completion.chunk").putArray("choices");
        chunk.set("usage", completion.path("usage"));
        chunk.set("agentserver", completion.path("agentserver"));
        return chunk;
    }
}
