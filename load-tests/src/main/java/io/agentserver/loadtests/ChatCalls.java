package io.agentserver.loadtests;

import java.net.URI;
import java.util.HashMap;
import java.util.Map;
import java.util.function.LongFunction;

/** Chat completions, not streamed, at a router, another gateway or a model itself. */
final class ChatCalls extends HttpExchanges {
    private static final String PATH = "/v1/chat/completions";

    private final LongFunction<String> bodies;
    private final Map<String, String> headers;

    /**
     * @param bodies of the n-th call
     * @param headers besides those that each call has
     */
    ChatCalls(URI server, Map<String, String> headers, LongFunction<String> bodies) {
        super(server);
        this.bodies = bodies;
        this.headers = new HashMap<>(headers);
        this.headers.put("Content-Type", "application/json");
    }

    @Override
    Request request(long number) {
        return new Request(PATH, headers, bodies.apply(number), 200, "\"choices\"");
    }

    /** No two are the same. */
    static LongFunction<String> different(String model) {
        String run = Long.toHexString(System.nanoTime());
        return number -> body(model, false, "Question " + number + " of run " + run + ": what is the weather like?");
    }

    /** All are the same. */
    static LongFunction<String> same(String model) {
        String body = body(model, false, "Run " + Long.toHexString(System.nanoTime()) + ": what is the weather like?");
        return number -> body;
    }

    /** @param question without characters that JSON escapes */
    static String body(String model, boolean stream, String question) {
        return "{\"model\":\"" + model + "\",\"max_tokens\":400," + (stream ? "\"stream\":true," : "")
                + "\"messages\":[{\"role\":\"system\",\"content\":\"You are a friendly assistant. Keep it short.\"},"
                + "{\"role\":\"user\",\"content\":\"" + question + "\"}]}";
    }
}
