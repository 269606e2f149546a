package io.agentserver.router;

import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

import java.io.IOException;
import java.io.InputStream;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpTimeoutException;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Queue;

/**
 * Any server that speaks OpenAI's chat completions: OpenAI, Groq, Anthropic's compatible endpoint, vLLM, Ollama, …
 *
 * <p>It is always asked to stream, also for a caller who does not: only so can a provider that thinks be told from one
 * that is dead, and what a broken answer has cost be counted. One that answers in one piece all the same is understood.
 */
final class OpenAiBackend implements Backend {
    private static final int LONGEST_ERROR = 64 * 1024;

    private final String provider;
    private final URI completions;
    private final Optional<String> key;
    private final Cap cap;
    private final HttpClient http;

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
    OpenAiBackend(String provider, URI baseUrl, Optional<String> key, Cap cap, HttpClient http) {
        this.provider = provider;
        this.cap = cap;
        this.completions = URI.create(baseUrl + "/chat/completions");
        this.key = key;
        this.http = http;
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
    public Opening open(Request request) throws IOException, InterruptedException {
        HttpResponse<InputStream> response = send(httpRequest(request));
        if (response.statusCode() != 200) {
            try (InputStream body = response.body()) {
                return new Opening.Refused(response.statusCode(), errorMessage(body.readNBytes(LONGEST_ERROR)));
            }
        }
        String type = response.headers().firstValue("content-type").orElse("");
        return new Opening.Opened(
                type.startsWith("text/event-stream") ? new Streamed(response.body()) : whole(response.body()));
    }

    private HttpRequest httpRequest(Request request) {
        ObjectNode body = request.body().deepCopy();
        body.put("model", request.model());
        body.remove(List.of("max_completion_tokens", "max_tokens")); // by both names a server could choose
        body.put(cap.member(), request.maxOutput());
        body.put("stream", true);
        ObjectNode options = body.path("stream_options") instanceof ObjectNode given ? given : Json.object();
        body.set("stream_options", options.put("include_usage", true));
        HttpRequest.Builder builder = HttpRequest.newBuilder(completions)
                // HTTP/2 where it is negotiated; an upgrade offered on plain HTTP confuses many small servers
                .version(
                        "https".equals(completions.getScheme())
                                ? HttpClient.Version.HTTP_2
                                : HttpClient.Version.HTTP_1_1)
                .header("Content-Type", "application/json")
                .header("Accept", "text/event-stream")
                .POST(HttpRequest.BodyPublishers.ofByteArray(Json.write(body)));
        key.ifPresent(secret -> builder.header("Authorization", "Bearer " + secret));
        request.trace().forEach(builder::setHeader);
        return builder.build();
    }

    /** A kept connection that the server has closed meanwhile fails on its next use: that is no failure of the server. */
    private HttpResponse<InputStream> send(HttpRequest request) throws IOException, InterruptedException {
        try {
            return http.send(request, HttpResponse.BodyHandlers.ofInputStream());
        } catch (ConnectException | HttpTimeoutException unreachable) {
            throw unreachable;
        } catch (IOException maybeStale) {
            return http.send(request, HttpResponse.BodyHandlers.ofInputStream());
        }
    }

    private static Chunks whole(InputStream body) throws IOException {
        byte[] json;
        try (body) {
            json = body.readNBytes(BoundedLines.MOST_BYTES + 1);
        }
        if (json.length > BoundedLines.MOST_BYTES) {
            throw new UnusableAnswerException("an answer of more than " + BoundedLines.MOST_BYTES + " bytes");
        }
        ObjectNode completion = object(new String(json, java.nio.charset.StandardCharsets.UTF_8));
        if (!completion.path("choices").isArray() || completion.path("choices").isEmpty()) {
            throw new UnusableAnswerException("an answer without choices");
        }
        Queue<ObjectNode> chunks = new ArrayDeque<>(Completion.toChunks(completion));
        return new Chunks() {
            @Override
            public @Nullable ObjectNode next() {
                return chunks.poll();
            }

            @Override
            public void close() {
                chunks.clear();
            }
        };
    }

    private static ObjectNode object(String json) throws IOException {
        try {
            if (Json.read(json) instanceof ObjectNode object) {
                if (object.has("error") && !object.path("error").isNull()) {
                    throw new UnusableAnswerException("an error in its answer");
                }
                return object;
            }
        } catch (JacksonException malformed) {
            throw new UnusableAnswerException("an answer that is not JSON");
        }
        throw new UnusableAnswerException("an answer that is no JSON object");
    }

    private static String errorMessage(byte[] body) {
        try {
            JsonNode error = Json.read(body).path("error");
            return error.isString()
                    ? error.stringValue()
                    : error.path("message").asString("");
        } catch (JacksonException notJson) {
            return "";
        }
    }

    /** Server-sent events (WHATWG HTML, 9.2) as OpenAI uses them: one line of data each, the last one {@code [DONE]}. */
    private static final class Streamed implements Chunks {
        private final InputStream in;
        private final BoundedLines lines;

        Streamed(InputStream in) {
            this.in = in;
            this.lines = new BoundedLines(in);
        }

        @Override
        public @Nullable ObjectNode next() throws IOException {
            for (String line = lines.next(); line != null; line = lines.next()) {
                if (line.startsWith("data:")) {
                    String data = line.substring("data:".length()).strip();
                    return data.equals("[DONE]") ? null : object(data);
                }
            }
            throw new UnusableAnswerException("a stream without its end mark");
        }

        @Override
        public void close() {
            try {
                in.close();
            } catch (IOException alreadyBroken) {
                // closed is what it is now
            }
        }
    }
}
