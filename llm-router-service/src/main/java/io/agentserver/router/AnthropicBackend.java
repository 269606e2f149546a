package io.agentserver.router;

import tools.jackson.databind.node.ObjectNode;

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpResponse;
import java.time.Clock;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * A server that speaks Anthropic's Messages API. Always asked to stream, as {@link OpenAiBackend} is and for the same
 * reasons; one that answers in one piece all the same is understood. It has no embeddings.
 */
final class AnthropicBackend implements Backend {
    private static final String VERSION = "2023-06-01"; // the only one there is

    private final String provider;
    private final URI messages;
    private final Credential key;
    private final ProviderHttp http;
    private final Clock clock;

    /** @param baseUrl without a slash at its end, e.g. {@code https://api.anthropic.com/v1} */
    AnthropicBackend(String provider, URI baseUrl, Credential key, HttpClient http, Clock clock) {
        this.provider = provider;
        this.messages = URI.create(baseUrl + "/messages");
        this.key = key;
        this.http = new ProviderHttp(http);
        this.clock = clock;
    }

    @Override
    public String provider() {
        return provider;
    }

    @Override
    public Optional<URI> address() {
        return Optional.of(messages);
    }

    @Override
    public boolean isTenants() {
        return key.isTenants();
    }

    @Override
    public Opening open(Request request) throws IOException, InterruptedException {
        if (request.chat().kind() == ChatRequest.Kind.EMBEDDINGS) {
            return new Opening.Refused(404, "it has no embeddings", Optional.empty());
        }
        return switch (ToAnthropic.of(request)) {
            case ToAnthropic.Translation.Impossible impossible ->
                new Opening.Refused(400, impossible.why(), Optional.empty());
            case ToAnthropic.Translation.Translated translated -> open(request, translated.body());
        };
    }

    private Opening open(Request request, ObjectNode body) throws IOException, InterruptedException {
        Map<String, String> headers = new HashMap<>();
        headers.put("Accept", "text/event-stream");
        headers.put("anthropic-version", VERSION);
        key.secret().ifPresent(secret -> headers.put("x-api-key", secret));
        request.chat()
                .anthropic()
                .filter(brought -> !brought.betas().isEmpty())
                .ifPresent(brought -> headers.put("anthropic-beta", String.join(",", brought.betas())));
        HttpResponse<InputStream> response = http.post(messages, headers, request, body);
        if (response.statusCode() != 200) {
            return ProviderHttp.refused(response);
        }
        FromAnthropic translation = new FromAnthropic(
                request.chat().anthropic().isPresent(), clock.instant().getEpochSecond());
        if (ProviderHttp.isStream(response)) {
            return new Opening.Opened(new AnthropicChunks(response.body(), translation));
        }
        ObjectNode message = ProviderHttp.whole(response.body());
        if (!message.path("content").isArray()
                || message.path("stop_reason").asString("").isEmpty()) {
            throw new UnusableAnswerException("an answer without content");
        }
        return new Opening.Opened(new ListedChunks(translation.whole(message)));
    }
}
