package io.agentserver.standalone;

import io.agentserver.tenancy.ApiKey;
import tools.jackson.databind.json.JsonMapper;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;

/**
 * The tenant {@code demo} with the organism of {@code examples/hello-world}, made through the public API as an operator
 * would. A second start finds both and changes neither; a key that an earlier run could not keep is replaced by another.
 */
final class DemoTenant {
    private static final String ORGANISM = "/examples/hello-world/organism.yaml";

    private final String gateway;
    private final DevHome home;

    DemoTenant(String gateway, DevHome home) {
        this.gateway = gateway;
        this.home = home;
    }

    /** Returns the demo key. */
    String ensure() {
        try (HttpClient http =
                HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(5)).build()) {
            String key = key(http);
            HttpResponse<String> organism =
                    send(http, request("/v1/organism", key).GET());
            if (organism.statusCode() == 404) {
                HttpResponse<String> put = send(
                        http,
                        request("/v1/organism", key)
                                .header("Content-Type", "application/yaml")
                                .PUT(BodyPublishers.ofString(organism())));
                require(put, 200);
            } else {
                require(organism, 200);
            }
            return key;
        }
    }

    private String key(HttpClient http) {
        HttpResponse<String> created =
                asOperator(http, "/admin/v1/tenants", "{\"id\":\"demo\",\"name\":\"Demo\",\"plan\":\"dev\"}");
        if (created.statusCode() != 409) {
            return kept(created, "api_key");
        }
        return home.demoKey()
                .filter(key -> ApiKey.parse(key).isPresent() && isHonoured(http, key))
                .orElseGet(() -> kept(asOperator(http, "/admin/v1/tenants/demo/keys", "{\"name\":\"dev\"}"), "secret"));
    }

    private HttpResponse<String> asOperator(HttpClient http, String path, String json) {
        return send(
                http,
                request(path, home.adminKey())
                        .header("Content-Type", "application/json")
                        .POST(BodyPublishers.ofString(json)));
    }

    private boolean isHonoured(HttpClient http, String key) {
        return send(http, request("/v1/organism", key).GET()).statusCode() != 401;
    }

    private String kept(HttpResponse<String> created, String member) {
        require(created, 201);
        String key = JsonMapper.shared().readTree(created.body()).path(member).stringValue();
        home.keepDemoKey(key);
        return key;
    }

    private HttpRequest.Builder request(String path, String key) {
        return HttpRequest.newBuilder(URI.create(gateway + path))
                .timeout(Duration.ofSeconds(60))
                .header("Authorization", "Bearer " + key);
    }

    private static HttpResponse<String> send(HttpClient http, HttpRequest.Builder request) {
        try {
            return http.send(request.build(), BodyHandlers.ofString());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", e);
        }
    }

    private static void require(HttpResponse<String> response, int status) {
        if (response.statusCode() != status) {
            throw new IllegalStateException("the gateway answered " + response.statusCode() + " to "
                    + response.request().method() + " " + response.uri() + ": " + response.body());
        }
    }

    private static String organism() {
        try (InputStream in = DemoTenant.class.getResourceAsStream(ORGANISM)) {
            if (in == null) {
                throw new IllegalStateException(ORGANISM + " is missing from this jar");
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
