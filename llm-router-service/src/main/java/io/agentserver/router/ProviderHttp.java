package io.agentserver.router;

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
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;
import java.util.Map;
import java.util.Optional;

/** What is the same with every provider over HTTP, whatever it speaks. Safe on any thread. */
final class ProviderHttp {
    private static final int LONGEST_ERROR = 64 * 1024;

    private final HttpClient http;

    ProviderHttp(HttpClient http) {
        this.http = http;
    }

    /**
     * Posts JSON; blocks until the answer's head is there.
     *
     * @param headers the provider's own
     */
    HttpResponse<InputStream> post(URI uri, Map<String, String> headers, Backend.Request request, ObjectNode body)
            throws IOException, InterruptedException {
        HttpRequest.Builder builder = HttpRequest.newBuilder(uri)
                // Of HTTP/2 the JDK's client keeps one connection to a server, and fails calls beyond the streams that
                // it allows,
                // often a hundred; and an upgrade offered on plain HTTP confuses many small servers.
                .version(HttpClient.Version.HTTP_1_1)
                .header("Content-Type", "application/json")
                .POST(new ToldBody(Json.write(body), request.sent()));
        headers.forEach(builder::setHeader);
        request.trace().forEach(builder::setHeader);
        return send(builder.build());
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

    /** Of an answer with another status than 200; OpenAI and Anthropic write {@code error.message} alike. */
    static Backend.Opening.Refused refused(HttpResponse<InputStream> response) throws IOException {
        try (InputStream body = response.body()) {
            return new Backend.Opening.Refused(
                    response.statusCode(), errorMessage(body.readNBytes(LONGEST_ERROR)), retryAfter(response));
        }
    }

    static boolean isStream(HttpResponse<?> response) {
        return response.headers().firstValue("content-type").orElse("").startsWith("text/event-stream");
    }

    /** The answer in one piece. */
    static ObjectNode whole(InputStream body) throws IOException {
        byte[] json;
        try (body) {
            json = body.readNBytes(BoundedLines.MOST_BYTES + 1);
        }
        if (json.length > BoundedLines.MOST_BYTES) {
            throw new UnusableAnswerException("an answer of more than " + BoundedLines.MOST_BYTES + " bytes");
        }
        return object(new String(json, StandardCharsets.UTF_8));
    }

    static ObjectNode object(String json) throws IOException {
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

    /** RFC 9110, 10.2.3: seconds or a date; empty if it is neither. */
    private static Optional<Duration> retryAfter(HttpResponse<?> response) {
        String value = response.headers().firstValue("retry-after").orElse("").strip();
        if (value.matches("[0-9]{1,9}")) {
            return Optional.of(Duration.ofSeconds(Long.parseLong(value)));
        }
        try {
            Instant at = ZonedDateTime.parse(value, DateTimeFormatter.RFC_1123_DATE_TIME)
                    .toInstant();
            Instant now = response.headers()
                    .firstValue("date")
                    .map(date -> ZonedDateTime.parse(date, DateTimeFormatter.RFC_1123_DATE_TIME)
                            .toInstant())
                    .orElseGet(Instant::now); // by the provider's own clock where it tells it
            return Optional.of(Duration.between(now, at)).filter(Duration::isPositive);
        } catch (DateTimeParseException neither) {
            return Optional.empty();
        }
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
}
