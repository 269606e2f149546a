package io.agentserver.router;

import io.agentserver.service.ServiceApplication;
import org.awaitility.Awaitility;
import org.springframework.context.ConfigurableApplicationContext;
import tools.jackson.databind.JsonNode;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.Map;

/** A router as its main would start it, and an HTTP client for it. */
final class RunningRouter implements AutoCloseable {
    final HttpClient http =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    private final ConfigurableApplicationContext context;

    private RunningRouter(ConfigurableApplicationContext context) {
        this.context = context;
    }

    /** Returns when the router is ready. */
    static RunningRouter start(Map<String, String> settings) {
        return start(LlmRouterApplication.class, settings);
    }

    /** Likewise; {@code application} may have beans in place of the router's own. */
    static RunningRouter start(Class<?> application, Map<String, String> settings) {
        RunningRouter router = new RunningRouter(ServiceApplication.start(application, "llm-router", settings));
        Awaitility.await()
                .atMost(Duration.ofSeconds(20))
                .until(() -> router.management("/actuator/health/readiness").statusCode() == 200);
        return router;
    }

    <T> T part(Class<T> type) {
        return context.getBean(type);
    }

    String url() {
        return "http://127.0.0.1:" + port("local.server.port");
    }

    HttpRequest.Builder request(String path) {
        return HttpRequest.newBuilder(URI.create(url() + path));
    }

    HttpRequest.Builder post(String path, String key, String body) {
        return request(path)
                .header("x-api-key", key)
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(body));
    }

    HttpRequest.Builder chat(String key, String body) {
        return request("/v1/chat/completions")
                .header("Authorization", "Bearer " + key)
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(body));
    }

    HttpResponse<String> send(HttpRequest.Builder request) throws IOException, InterruptedException {
        return http.send(request.timeout(Duration.ofSeconds(30)).build(), HttpResponse.BodyHandlers.ofString());
    }

    HttpResponse<String> management(String path) throws IOException, InterruptedException {
        URI uri = URI.create("http://127.0.0.1:" + port("local.management.port") + path);
        return http.send(HttpRequest.newBuilder(uri).build(), HttpResponse.BodyHandlers.ofString());
    }

    static JsonNode json(HttpResponse<String> response) {
        return Json.read(response.body());
    }

    /** A body that asks {@code model} something. */
    static String asking(String model) {
        return "{\"model\":\"" + model + "\",\"messages\":[{\"role\":\"user\",\"content\":\"How are you?\"}]}";
    }

    static String streaming(String model) {
        return asking(model).replace("{\"model\"", "{\"stream\":true,\"model\"");
    }

    @Override
    public void close() {
        http.shutdownNow();
        context.close();
    }

    private String port(String property) {
        return String.valueOf(context.getEnvironment().getProperty(property));
    }
}
