package io.agentserver.router;

import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.SplittableRandom;

/**
 * The provider that needs no key: the same messages always get the same text, by {@link SimulatedModel}, or the same calls,
 * by {@link SimulatedTools}; when and whether they get it, by a {@link Simulation}. Its answers say that they are simulated,
 * in {@code model} and {@code system_fingerprint}. Its tokens are four characters long.
 */
final class SimulatedBackend implements Backend {
    static final String PROVIDER = "simulated";
    static final String MODEL = "default";

    /** Characters of an answer. */
    static final int MOST_SAID = 256 * 1024;

    private static final Duration FOR_EVER = Duration.ofDays(1);

    private final String provider;
    private final Simulation simulation;
    private final Clock clock;
    private final Pause pause;

    /** Waits, as {@link Thread#sleep(Duration)} does. */
    interface Pause {
        void last(Duration time) throws InterruptedException;
    }

    SimulatedBackend(Clock clock) {
        this(PROVIDER, Simulation.PLAIN, clock);
    }

    SimulatedBackend(String provider, Simulation simulation, Clock clock) {
        this(provider, simulation, clock, Thread::sleep);
    }

    SimulatedBackend(String provider, Simulation simulation, Clock clock, Pause pause) {
        this.provider = provider;
        this.simulation = simulation;
        this.clock = clock;
        this.pause = pause;
    }

    @Override
    public String provider() {
        return provider;
    }

    @Override
    public Opening open(Request request) throws InterruptedException {
        request.sent().run();
        ObjectNode body = request.chat().body();
        SplittableRandom random = simulation.random(body);
        Simulation.Fate fate = simulation.fate(random);
        switch (fate) {
            case FAILED -> {
                return new Opening.Refused(500, "simulated: a failure", Optional.empty());
            }
            case RATE_LIMITED -> {
                return new Opening.Refused(429, "simulated: too many", Optional.of(Duration.ofSeconds(1)));
            }
            case HANGING -> pause.last(FOR_EVER);
            case ANSWERED, BROKEN -> pause.last(simulation.firstToken());
        }
        if (request.chat().kind() == ChatRequest.Kind.EMBEDDINGS) {
            if (SimulatedEmbeddings.isTooMuch(body)) {
                return new Opening.Refused(400, "simulated: too many inputs of so many dimensions", Optional.empty());
            }
            long tokens = tokens(Json.text(body.path("input")));
            return new Opening.Opened(new ListedChunks(
                    List.of(SimulatedEmbeddings.answer(request, model(request), simulation.seed(), tokens))));
        }
        Queue<ObjectNode> chunks = chunks(request, random);
        int last = fate == Simulation.Fate.BROKEN ? Math.ceilDiv(chunks.size(), 2) : Integer.MAX_VALUE;
        return new Opening.Opened(new Simulated(chunks, last));
    }

    private Queue<ObjectNode> chunks(Request request, SplittableRandom random) {
        JsonNode messages = request.chat().body().path("messages");
        ArrayNode calls = SimulatedTools.calls(request.chat().body(), random);
        Queue<ObjectNode> chunks = new ArrayDeque<>();
        String said = Json.text(calls);
        if (calls.isEmpty()) {
            said = cut(text(request.chat().body()));
            for (String word : said.splitWithDelimiters("\\s+", 0)) {
                if (!word.isEmpty()) {
                    ObjectNode choice = choice(request, chunks);
                    choice.putNull("finish_reason")
                            .putObject("delta")
                            .put("role", "assistant")
                            .put("content", word);
                }
            }
        }
        for (JsonNode call : calls) {
            ObjectNode choice = choice(request, chunks);
            choice.putNull("finish_reason")
                    .putObject("delta")
                    .put("role", "assistant")
                    .putArray("tool_calls")
                    .add(call);
        }
        choice(request, chunks)
                .put("finish_reason", calls.isEmpty() ? "stop" : "tool_calls")
                .putObject("delta");
        ObjectNode usage = chunk(request);
        usage.putArray("choices");
        long input = simulation.inputTokens() > 0 ? simulation.inputTokens() : prompt(messages);
        long output = simulation.outputTokens() > 0 ? simulation.outputTokens() : tokens(said);
        usage.set("usage", new Tokens(input, 0, output, false).toUsage());
        chunks.add(usage);
        return chunks;
    }

    /** Each word is a chunk: an echo of megabytes would take a hundred times as much. What the operator configured is as long as that. */
    private String cut(String said) {
        return simulation.outputTokens() > 0 || said.length() <= MOST_SAID ? said : said.substring(0, MOST_SAID);
    }

    private String text(ObjectNode body) {
        if (simulation.outputTokens() > 0) {
            return "simulated ".repeat(simulation.outputTokens()).strip();
        }
        List<String> answers = body.path("tools").isEmpty() ? List.of() : SimulatedTools.answers(body.path("messages"));
        return answers.isEmpty() ? SimulatedModel.answer(body.path("messages")) : String.join("\n", answers);
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
                .put("model", model(request))
                .put("system_fingerprint", PROVIDER);
    }

    private static String model(Request request) {
        return PROVIDER + "/" + request.model();
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

    /** One thread at a time. */
    private final class Simulated implements Chunks {
        private final Queue<ObjectNode> chunks;
        private int left;
        private boolean begun;

        /** @param left how many come before it breaks off */
        Simulated(Queue<ObjectNode> chunks, int left) {
            this.chunks = chunks;
            this.left = left;
        }

        @Override
        public @Nullable ObjectNode next() throws IOException {
            if (left-- == 0) {
                throw new IOException("simulated: a broken connection");
            }
            if (begun && simulation.perToken().isPositive()) {
                betweenTokens();
            }
            begun = true;
            return chunks.poll();
        }

        private void betweenTokens() throws IOException {
            try {
                pause.last(simulation.perToken());
            } catch (InterruptedException cancelled) {
                Thread.currentThread().interrupt();
                throw new InterruptedIOException("cancelled");
            }
        }

        @Override
        public void close() {
            chunks.clear();
        }
    }
}
