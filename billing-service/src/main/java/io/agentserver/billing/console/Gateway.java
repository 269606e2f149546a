package io.agentserver.billing.console;

import io.agentserver.envelope.TenantId;
import io.agentserver.service.ServiceTokens;
import io.agentserver.tenancy.Scope;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Collection;
import java.util.EnumSet;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * The gateway's public REST API, asked for an org with a service token of just the scopes that the question needs. Blocks;
 * safe on any thread.
 */
public final class Gateway implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(15);
    private static final Pattern ID = Pattern.compile("[0-9A-Za-z-]{1,64}");
    private static final int MOST_BYTES = 16 * 1024 * 1024;

    private final HttpClient http = HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(Duration.ofSeconds(5))
            .build();
    private final URI gateway;
    private final ServiceTokens tokens;

    /**
     * What the gateway said.
     *
     * @param etag of an organism: its version in quotes; empty: none
     */
    public record Answer(int status, String body, String etag) {
        public boolean isOk() {
            return status / 100 == 2;
        }

        public JsonNode json() {
            try {
                return JsonMapper.shared().readTree(body);
            } catch (JacksonException e) {
                throw new Away("the gateway's answer is not JSON", e);
            }
        }

        /** For a person: what the problem document says. */
        public String reason() {
            return json().path("detail").asString("the gateway answered " + status);
        }
    }

    /** The gateway does not answer, or not in a way that is understood. */
    public static final class Away extends RuntimeException {
        private static final long serialVersionUID = 1L;

        Away(String message, @Nullable Throwable cause) {
            super(message, cause);
        }
    }

    /** @param gateway its base URL */
    public Gateway(URI gateway, ServiceTokens tokens) {
        this.gateway = gateway;
        this.tokens = tokens;
    }

    /** @param order by last activity: {@code desc}, newest first, or {@code asc} */
    public Answer conversations(TenantId tenant, int limit, String order, String cursor) {
        return get(
                tenant,
                Scope.THREADS_READ,
                "/v1/threads?limit=" + limit + "&order=" + order + "&cursor=" + encoded(cursor));
    }

    public Answer conversation(TenantId tenant, String id) {
        return get(tenant, Scope.THREADS_READ, "/v1/threads/" + id(id));
    }

    /** @param after the sequence number before the first */
    public Answer slots(TenantId tenant, String id, long after, int limit) {
        return get(
                tenant, Scope.THREADS_READ, "/v1/threads/" + id(id) + "/messages?after=" + after + "&limit=" + limit);
    }

    public Answer cancel(TenantId tenant, String id) {
        return send(request(tenant, EnumSet.of(Scope.MESSAGES_WRITE), "/v1/threads/" + id(id) + "/cancel")
                .POST(BodyPublishers.noBody()));
    }

    /**
     * Server-sent events until the conversation's turns have ended; the caller closes it. With another status the body is the
     * problem's.
     *
     * @param last the last sequence number that is known; null: from the first
     */
    public HttpResponse<InputStream> events(TenantId tenant, String id, @Nullable String last)
            throws InterruptedException {
        HttpRequest.Builder request = HttpRequest.newBuilder(gateway.resolve("/v1/threads/" + id(id) + "/events"))
                .header("Authorization", authorization(tenant, EnumSet.of(Scope.THREADS_READ)))
                .timeout(PATIENCE) // until the answer begins
                .header("Accept", "text/event-stream");
        if (last != null) {
            request.header("Last-Event-ID", last);
        }
        try {
            return http.send(request.build(), BodyHandlers.ofInputStream());
        } catch (IOException e) {
            throw new Away("the gateway does not answer", e);
        }
    }

    /** @param mayChange whoever may not is not shown the listeners' secrets */
    public Answer organism(TenantId tenant, boolean mayChange) {
        return get(tenant, mayChange ? Scope.ORGANISM_WRITE : Scope.THREADS_READ, "/v1/organism");
    }

    public Answer organismVersions(TenantId tenant, int limit) {
        return get(tenant, Scope.ORGANISM_WRITE, "/v1/organism/versions?limit=" + limit);
    }

    public Answer checkOrganism(TenantId tenant, String yaml) {
        return send(request(tenant, EnumSet.of(Scope.ORGANISM_WRITE), "/v1/organism?dry_run=true")
                .header("Content-Type", "application/yaml")
                .PUT(BodyPublishers.ofString(yaml)));
    }

    /** @param version that the change was made to; empty: there was none */
    public Answer saveOrganism(TenantId tenant, String yaml, String version) {
        HttpRequest.Builder request = request(tenant, EnumSet.of(Scope.ORGANISM_WRITE), "/v1/organism")
                .header("Content-Type", "application/yaml")
                .PUT(BodyPublishers.ofString(yaml));
        return send(version.isEmpty() ? request : request.header("If-Match", "\"" + version + "\""));
    }

    public Answer keys(TenantId tenant) {
        return get(tenant, Scope.KEYS_WRITE, "/v1/keys");
    }

    /** @param may what whoever asks may hand out: the gateway gives no key more than that */
    public Answer createKey(TenantId tenant, Set<Scope> may, String json) {
        return send(request(tenant, withKeys(may), "/v1/keys")
                .header("Content-Type", "application/json")
                .POST(BodyPublishers.ofString(json)));
    }

    public Answer rotateKey(TenantId tenant, Set<Scope> may, String id) {
        return send(
                request(tenant, withKeys(may), "/v1/keys/" + id(id) + "/rotate").POST(BodyPublishers.noBody()));
    }

    public Answer revokeKey(TenantId tenant, String id) {
        return send(request(tenant, EnumSet.of(Scope.KEYS_WRITE), "/v1/keys/" + id(id))
                .DELETE());
    }

    @Override
    public void close() {
        http.shutdownNow();
    }

    private Answer get(TenantId tenant, Scope scope, String path) {
        return send(request(tenant, EnumSet.of(scope), path).GET());
    }

    private HttpRequest.Builder request(TenantId tenant, Collection<Scope> scopes, String path) {
        return HttpRequest.newBuilder(gateway.resolve(path))
                .timeout(PATIENCE)
                .header("Authorization", authorization(tenant, scopes))
                .header("Accept", "application/json, application/yaml");
    }

    private String authorization(TenantId tenant, Collection<Scope> scopes) {
        return "Bearer "
                + tokens.issue(
                        tenant, scopes.stream().map(Scope::wireName).sorted().collect(Collectors.joining(" ")));
    }

    private Answer send(HttpRequest.Builder request) {
        try {
            HttpResponse<InputStream> answer = http.send(request.build(), BodyHandlers.ofInputStream());
            try (InputStream body = answer.body()) {
                byte[] bytes = body.readNBytes(MOST_BYTES + 1);
                if (bytes.length > MOST_BYTES) {
                    throw new Away("the gateway's answer is longer than " + MOST_BYTES + " bytes", null);
                }
                if (answer.statusCode() >= 500 || answer.statusCode() == 401) {
                    throw new Away("the gateway answered " + answer.statusCode(), null);
                }
                return new Answer(
                        answer.statusCode(),
                        new String(bytes, StandardCharsets.UTF_8),
                        answer.headers().firstValue("ETag").orElse(""));
            }
        } catch (IOException e) {
            throw new Away("the gateway does not answer", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new Away("the console is stopping", e);
        }
    }

    private static Set<Scope> withKeys(Set<Scope> may) {
        Set<Scope> scopes = EnumSet.of(Scope.KEYS_WRITE);
        scopes.addAll(may);
        return scopes;
    }

    /** An id of the gateway's; anything else would be another path. */
    private static String id(String text) {
        if (!ID.matcher(text).matches()) {
            throw new NotHere();
        }
        return text;
    }

    private static String encoded(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }
}
