package io.agentserver.router;

import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

import java.time.Clock;
import java.util.ArrayDeque;
import java.util.Queue;

/**
 * The provider that needs no key: the same messages always get the same text, by {@link SimulatedModel}. Its answers say
 * that they are simulated, in {@code model} and {@code system_fingerprint}. Its tokens are four characters long.
 */
final class SimulatedBackend implements Backend {
    static final String PROVIDER = "simulated";
    static final String MODEL = "default";

    private final Clock clock;

    SimulatedBackend(Clock clock) {
        this.clock = clock;
    }

    @Override
    public String provider() {
        return PROVIDER;
    }

    @Override
    public Opening open(Request request) {
        JsonNode messages = request.body().path("messages");
        String answer = SimulatedModel.answer(messages);
        Queue<ObjectNode> chunks = new ArrayDeque<>();
        for (String word : answer.splitWithDelimiters("\\s+", 0)) {
            if (!word.isEmpty()) {
                ObjectNode choice = choice(request, chunks);
                choice.putNull("finish_reason")
                        .putObject("delta")
                        .put("role", "assistant")
                        .put("content", word);
            }
        }
        choice(request, chunks).put("finish_reason", "stop").putObject("delta");
        ObjectNode usage = chunk(request);
        usage.putArray("choices");
        usage.set("usage", new Tokens(prompt(messages), 0, tokens(answer), false).toUsage());
        chunks.add(usage);
        return new Opening.Opened(new Simulated(chunks));
    }

    private ObjectNode choice(Request request, Queue<ObjectNode> chunks) {
        ObjectNode chunk = chunk(request);
        chunks.add(chunk);
        return chunk.putArray("choices").addObject().put("index", 0);
    }

    private ObjectNode chunk(Request request) {
        return Json.object()
                .put("id", "chatcmpl-" + request.receipt())
                .put("object", "chat.completion.chunk")
                .put("created", clock.instant().getEpochSecond())
                .put("model", PROVIDER + "/" + request.model())
                .put("system_fingerprint", PROVIDER);
    }

    private static long prompt(JsonNode messages) {
        long tokens = 0;
        for (JsonNode message : messages) {
            tokens += tokens(Json.contentText(message.path("content")));
        }
        return tokens;
    }

    private static long tokens(String text) {
        return Math.ceilDiv(text.length(), 4);
    }

    private record Simulated(Queue<ObjectNode> chunks) implements Chunks {
        @Override
        public @Nullable ObjectNode next() {
            return chunks.poll();
        }

        @Override
        public void close() {
            chunks.clear();
        }
    }
}
