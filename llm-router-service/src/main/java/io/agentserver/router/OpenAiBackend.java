package io.agentserver.router;

import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpResponse;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * Any server that speaks OpenAI's chat completions and embeddings: OpenAI, Groq, vLLM, Ollama, …
 *
 * <p>It is always asked to stream, also for a caller who does not: only so can a provider that thinks be told from one
 * that is dead, and what a broken answer has cost be counted. One that answers in one piece all the same is understood.
 */
final class OpenAiBackend implements Backend {
    private final String provider;
    private final URI completions;
    private final URI embeddings;
    private final Credential key;
    private final Cap cap;
    private final ProviderHttp http;

    /** The member that says how long an answer may be: OpenAI's own, or the older one that every other server knows. */
    enum Cap {
        MAX_COMPLETION_TOKENS,
        MAX_TOKENS;

        private String member() {
            return name().toLowerCase(Locale.ROOT);
        }

        static Cap of(URI url) {
            String host = String.valueOf(url.getHost());
            return host.endsWith(".openai.com") || host.endsWith(".openai.azure.com")
                    ? MAX_COMPLETION_TOKENS
                    : MAX_TOKENS;
        }
    }

    /** @param baseUrl without a slash at its end, e.g. {@code https://api.openai.com/v1} */
    OpenAiBackend(String provider, URI baseUrl, Credential key, Cap cap, HttpClient http) {
        this.provider = provider;
        this.cap = cap;
        this.completions = URI.create(baseUrl + "/chat/completions");
        this.embeddings = URI.create(baseUrl + "/embeddings");
        this.key = key;
        this.http = new ProviderHttp(http);
    }

    @Override
    public String provider() {
        return provider;
    }

    @Override
    public Optional<URI> address() {
        return Optional.of(completions);
    }

    @Override
    public boolean isTenants() {
        return key.isTenants();
    }

    @Override
    public Opening open(Request request) throws IOException, InterruptedException {
        boolean embeds = request.chat().kind() == ChatRequest.Kind.EMBEDDINGS;
        ObjectNode body = embeds ? request.chat().body().deepCopy().put("model", request.model()) : chat(request);
        Map<String, String> headers = new HashMap<>();
        headers.put("Accept", embeds ? "application/json" : "text/event-stream");
        key.secret().ifPresent(secret -> headers.put("Authorization", "Bearer " + secret));
        HttpResponse<InputStream> response = http.post(embeds ? embeddings : completions, headers, request, body);
        if (response.statusCode() != 200) {
            return ProviderHttp.refused(response);
        }
        if (embeds) {
            return new Opening.Opened(new ListedChunks(List.of(vectors(response.body(), request))));
        }
        return new Opening.Opened(
                ProviderHttp.isStream(response) ? new Streamed(response.body()) : whole(response.body()));
    }

    private ObjectNode chat(Request request) {
        ObjectNode body = request.chat().body().deepCopy();
        body.put("model", request.model());
        body.remove(List.of("max_completion_tokens", "max_tokens")); // by both names a server could choose
        body.put(cap.member(), request.maxOutput());
        body.put("stream", true);
        ObjectNode options = body.path("stream_options") instanceof ObjectNode given ? given : Json.object();
        body.set("stream_options", options.put("include_usage", true));
        if (cap == Cap.MAX_COMPLETION_TOKENS && request.chat().anthropic().isPresent()) {
            body.remove("top_k"); // Anthropic's, and of many pools; OpenAI refuses it
        }
        return body;
    }

    private static Chunks whole(InputStream body) throws IOException {
        ObjectNode completion = ProviderHttp.whole(body);
        if (!completion.path("choices").isArray() || completion.path("choices").isEmpty()) {
            throw new UnusableAnswerException("an answer without choices");
        }
        return new ListedChunks(Completion.toChunks(completion));
    }

    private static ObjectNode vectors(InputStream body, Request request) throws IOException {
        int inputs = EmbeddingsRequest.inputs(request.chat().body());
        ObjectNode answer = EmbeddingsAnswer.read(body, inputs);
        if (answer.path("data").size() != inputs) {
            throw new UnusableAnswerException("an answer with another number of embeddings than was asked for");
        }
        return answer;
    }

    /** The last event's data is {@code [DONE]}. */
    private static final class Streamed implements Chunks {
        private final ServerSentEvents events;

        Streamed(InputStream in) {
            this.events = new ServerSentEvents(in);
        }

        @Override
        public @Nullable ObjectNode next() throws IOException {
            String data = events.next();
            if (data == null) {
                throw new UnusableAnswerException("a stream without its end mark");
            }
            return data.equals("[DONE]") ? null : ProviderHttp.object(data);
        }

        @Override
        public void close() {
            events.close();
        }
    }
}
