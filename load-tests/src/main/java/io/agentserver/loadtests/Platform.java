package io.agentserver.loadtests;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The running platform: where it is, the key for it, and its tenant's organism. */
final class Platform implements AutoCloseable {
    private static final Path DEV = Path.of(".agentserver", "dev.env");
    private static final Path ADMIN_KEY = Path.of(".agentserver", "admin-key");
    private static final Pattern API_KEY = Pattern.compile("\"api_key\":\"([^\"]+)\"");

    final URI gateway;
    final String key;
    private final HttpClient http = HttpClient.newHttpClient();

    private final String id;

    Platform(URI gateway, String key) {
        this(gateway, key, "");
    }

    private Platform(URI gateway, String key, String id) {
        this.id = id;
        this.gateway = gateway;
        this.key = key;
    }

    /** By {@code AGENTSERVER_URL} and {@code AGENTSERVER_API_KEY} of the environment, else of {@code .agentserver/dev.env}. */
    static Platform find() throws IOException {
        Map<String, String> settings = new HashMap<>();
        if (Files.exists(DEV)) {
            for (String line : Files.readAllLines(DEV)) {
                String[] parts = line.split("=", 2);
                if (parts.length == 2) {
                    settings.put(parts[0], parts[1]);
                }
            }
        }
        settings.putAll(System.getenv());
        String url = settings.get("AGENTSERVER_URL");
        String key = settings.get("AGENTSERVER_API_KEY");
        if (url == null || key == null) {
            throw new WrongArguments("no platform: start ./agentserver dev and run this in the same directory, or set"
                    + " AGENTSERVER_URL and AGENTSERVER_API_KEY");
        }
        URI gateway = URI.create(url);
        if (!"http".equals(gateway.getScheme()) || gateway.getPort() < 0) {
            throw new WrongArguments("AGENTSERVER_URL=" + url + ": the benchmark speaks http://host:port alone");
        }
        return new Platform(gateway, key);
    }

    /** Another tenant's, made by the operator's key: {@code AGENTSERVER_ADMIN_KEY}, else {@code .agentserver/admin-key}. */
    Platform newTenant() throws IOException, InterruptedException {
        String id = "bench-" + Long.toHexString(System.currentTimeMillis());
        return new Platform(gateway, newTenant(id, operatorsKey()), id);
    }

    private static String operatorsKey() throws IOException {
        String admin = System.getenv("AGENTSERVER_ADMIN_KEY");
        if (admin == null && !Files.exists(ADMIN_KEY)) {
            throw new WrongArguments("no operator's key: set AGENTSERVER_ADMIN_KEY");
        }
        return admin == null ? Files.readString(ADMIN_KEY).strip() : admin;
    }

    /** Of a tenant that {@link #newTenant()} made. */
    void limit(int requestsPerSecond) throws IOException, InterruptedException {
        HttpResponse<String> answer = send(HttpRequest.newBuilder(gateway.resolve("/admin/v1/tenants/" + id))
                .header("Authorization", "Bearer " + operatorsKey())
                .header("Content-Type", "application/json")
                .method(
                        "PATCH",
                        BodyPublishers.ofString("{\"rate_limit\":{\"per_second\":" + requestsPerSecond + "}}")));
        if (answer.statusCode() != 200) {
            throw new IOException("PATCH /admin/v1/tenants: " + answer.statusCode() + " " + answer.body());
        }
    }

    /**
     * Of a tenant that {@link #newTenant()} made.
     *
     * @return the path of the job
     */
    String delete() throws IOException, InterruptedException {
        HttpResponse<String> answer = send(HttpRequest.newBuilder(gateway.resolve("/admin/v1/tenants/" + id))
                .header("Authorization", "Bearer " + operatorsKey())
                .DELETE());
        if (answer.statusCode() != 202) {
            throw new IOException("DELETE /admin/v1/tenants: " + answer.statusCode() + " " + answer.body());
        }
        return answer.headers().firstValue("Location").orElseThrow();
    }

    /** What the operator reads at a path. */
    String operatorsGet(String path) throws IOException, InterruptedException {
        HttpResponse<String> answer = send(HttpRequest.newBuilder(gateway.resolve(path))
                .header("Authorization", "Bearer " + operatorsKey())
                .GET());
        if (answer.statusCode() != 200) {
            throw new IOException("GET " + path + ": " + answer.statusCode() + " " + answer.body());
        }
        return answer.body();
    }

    /**
     * Waits where the operator's calls are limited, for as long as the answer says.
     *
     * @return the new tenant's first key
     */
    String newTenant(String id, String admin) throws IOException, InterruptedException {
        HttpResponse<String> answer = tryNewTenant(id, admin);
        while (answer.statusCode() == 429) {
            Thread.sleep(Duration.ofSeconds(
                    answer.headers().firstValueAsLong("Retry-After").orElse(1)));
            answer = tryNewTenant(id, admin);
        }
        Matcher found = API_KEY.matcher(answer.body());
        if (answer.statusCode() != 201 || !found.find()) {
            throw new IOException("POST /admin/v1/tenants: " + answer.statusCode());
        }
        return found.group(1);
    }

    private HttpResponse<String> tryNewTenant(String id, String admin) throws IOException, InterruptedException {
        return send(HttpRequest.newBuilder(gateway.resolve("/admin/v1/tenants"))
                .header("Authorization", "Bearer " + admin)
                .header("Content-Type", "application/json")
                .POST(BodyPublishers.ofString("{\"id\":\"" + id + "\",\"name\":\"Benchmark\",\"plan\":\"dev\"}")));
    }

    /** The tenant's organism as it is now; empty if it has none. */
    Optional<String> organism() throws IOException, InterruptedException {
        HttpResponse<String> answer = send(request().GET());
        return switch (answer.statusCode()) {
            case 200 -> Optional.of(answer.body());
            case 404 -> Optional.empty();
            default -> throw new IOException("GET /v1/organism: " + answer.statusCode() + " " + answer.body());
        };
    }

    void activate(String organism) throws IOException, InterruptedException {
        HttpResponse<String> answer =
                send(request().header("Content-Type", "application/yaml").PUT(BodyPublishers.ofString(organism)));
        if (answer.statusCode() != 200) {
            throw new IOException("PUT /v1/organism: " + answer.statusCode() + " " + answer.body());
        }
    }

    /** The tenant's, if {@link #newTenant()} made it; else empty. */
    String id() {
        return id;
    }

    /** @param jwk public, with {@code kid} and {@code alg} */
    void registerSigningKey(String jwk) throws IOException, InterruptedException {
        HttpResponse<String> answer = send(HttpRequest.newBuilder(gateway.resolve("/v1/signing-keys"))
                .header("Authorization", "Bearer " + key)
                .header("Content-Type", "application/json")
                .POST(BodyPublishers.ofString(jwk)));
        if (answer.statusCode() != 201) {
            throw new IOException("POST /v1/signing-keys: " + answer.statusCode() + " " + answer.body());
        }
    }

    @Override
    public void close() {
        http.close();
    }

    private HttpRequest.Builder request() {
        return HttpRequest.newBuilder(gateway.resolve("/v1/organism")).header("Authorization", "Bearer " + key);
    }

    private HttpResponse<String> send(HttpRequest.Builder request) throws IOException, InterruptedException {
        return http.send(request.build(), BodyHandlers.ofString());
    }
}
