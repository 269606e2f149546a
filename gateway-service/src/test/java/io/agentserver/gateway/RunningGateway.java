package io.agentserver.gateway;

import io.agentserver.envelope.TenantId;
import io.agentserver.gateway.callers.Payer;
import io.agentserver.localstores.LocalStores;
import io.agentserver.service.FairGate;
import io.agentserver.service.PlatformKeys;
import io.agentserver.service.ServiceApplication;
import io.agentserver.tenancy.TenantDirectory;
import io.agentserver.tenancy.TenantEntry;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.observation.Observation;
import io.micrometer.observation.ObservationHandler;
import io.micrometer.observation.ObservationRegistry;
import org.springframework.context.ConfigurableApplicationContext;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.stream.Collectors;

/** A gateway on its stores, and an HTTP client for it. */
final class RunningGateway implements AutoCloseable {
    static final String ADMIN_KEY = "the-operators-key-with-32-letters";
    static final byte[] SECRET = "a secret of the platform, 32 bytes or more".getBytes(StandardCharsets.UTF_8);
    static final JsonMapper JSON = JsonMapper.builder().build();

    private final HttpClient http = HttpClient.newHttpClient();
    private final ConfigurableApplicationContext context;
    private final ApiDescription description;

    RunningGateway(ConfigurableApplicationContext context) {
        this.context = context;
        this.description =
                new ApiDescription(exchange(request("/openapi.json").build()).body());
    }

    static LocalStores stores() {
        return LocalStores.inTemporaryDirectory();
    }

    static RunningGateway on(LocalStores stores) {
        return on(stores, Map.of());
    }

    static RunningGateway on(LocalStores stores, Map<String, String> changes) {
        return new RunningGateway(
                ServiceApplication.start(GatewayApplication.class, "gateway", settings(stores, changes)));
    }

    static Map<String, String> settings(LocalStores stores, Map<String, String> changes) {
        Path key = stores.directory().resolve("platform-key.json");
        try {
            Files.createDirectories(stores.directory());
            PlatformKeys.createIfAbsent(key);
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
        Map<String, String> settings = new HashMap<>(Map.of(
                "AGENTSERVER_KAFKA",
                stores.kafkaBootstrap(),
                "AGENTSERVER_DYNAMODB_URL",
                stores.dynamoEndpoint().toString(),
                "AGENTSERVER_PLATFORM_KEY",
                key.toString(),
                "AGENTSERVER_PLATFORM_SECRET",
                Base64.getEncoder().encodeToString(SECRET),
                "AGENTSERVER_ADMIN_KEY",
                ADMIN_KEY,
                "AGENTSERVER_GATEWAY_PORT",
                "0",
                "AGENTSERVER_GATEWAY_MANAGEMENT_PORT",
                "0",
                "AGENTSERVER_BIND",
                "127.0.0.1",
                "AGENTSERVER_BUFFER_ADDRESS",
                "127.0.0.1:1", // nobody listens there
                "AGENTSERVER_LOG_FORMAT",
                "text"));
        settings.put("AGENTSERVER_REDIS_URL", stores.redisUrl());
        settings.putAll(changes);
        return settings;
    }

    PlatformKeys platformKeys() {
        return context.getBean(PlatformKeys.class);
    }

    /** As the gateway itself knows it. */
    TenantEntry entry(String tenant) {
        return context.getBean(TenantDirectory.class).find(new TenantId(tenant)).orElseThrow();
    }

    @SuppressWarnings("unchecked")
    FairGate<Payer> processor() {
        return bean(FairGate.class);
    }

    <T> T bean(Class<T> type) {
        return context.getBean(type);
    }

    <T> T bean(String name, Class<T> type) {
        return context.getBean(name, type);
    }

    int port() {
        return Integer.parseInt(property("local.server.port"));
    }

    /** Hears of each request's span when it ends. */
    void onObservation(Consumer<Observation.Context> listener) {
        context.getBean(ObservationRegistry.class).observationConfig().observationHandler(new ObservationHandler<>() {
            @Override
            public void onStop(Observation.Context ended) {
                listener.accept(ended);
            }

            @Override
            public boolean supportsContext(Observation.Context any) {
                return true;
            }
        });
    }

    String metrics() {
        return send(managementRequest("/actuator/prometheus")).body();
    }

    /**
     * What the gateway has counted as refused so far, as {@code agentserver_rejected_total{reason}}.
     *
     * @param reason a problem's slug
     */
    double rejected(String reason) {
        return rejections().getOrDefault(reason, 0.0);
    }

    private Map<String, Double> rejections() {
        return bean(MeterRegistry.class).find("agentserver.rejected").counters().stream()
                .collect(Collectors.toMap(
                        counter -> String.valueOf(counter.getId().getTag("reason")), Counter::count));
    }

    /** @param counted by how much the count of each reason grew while it was asked for */
    record Answer(int status, String body, HttpResponse<String> raw, Map<String, Double> counted) {
        JsonNode json() {
            return JSON.readTree(body);
        }

        String problem() {
            return slug(json());
        }

        private static String slug(JsonNode problem) {
            return problem.path("type").asString("").replace("https://xml-pipeline.org/problems/", "");
        }

        /** Why it is refused, or each refused message of a batch. */
        List<String> reasons() {
            if (body.isEmpty()) { // as to HEAD
                return List.of();
            }
            if (header("Content-Type").startsWith("application/problem+json")) {
                return List.of(problem());
            }
            return status != 207
                    ? List.of()
                    : json().path("results").values().stream()
                            .filter(result -> result.has("problem"))
                            .map(result -> slug(result.path("problem")))
                            .toList();
        }

        double counted(String reason) {
            return counted.getOrDefault(reason, 0.0);
        }

        String header(String name) {
            return raw.headers().firstValue(name).orElse("");
        }
    }

    HttpRequest.Builder request(String path) {
        return HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + property("local.server.port") + path));
    }

    HttpRequest.Builder managementRequest(String path) {
        return HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + property("local.management.port") + path));
    }

    /** What the gateway says of itself; knows each answer that came by way of {@link #send}. */
    ApiDescription description() {
        return description;
    }

    /** Sends it, and holds the answer against the description of the API; each refusal in it must have been counted. */
    Answer send(HttpRequest.Builder builder) {
        HttpRequest request = builder.build();
        Map<String, Double> before = rejections();
        HttpResponse<String> response = exchange(request);
        Map<String, Double> counted = new HashMap<>(rejections());
        counted.replaceAll((reason, count) -> count - before.getOrDefault(reason, 0.0));
        Answer answer = new Answer(response.statusCode(), response.body(), response, counted);
        if (request.uri().getPort() == port()) { // and not the management's
            List<String> wrong = description.check(request, response);
            if (!wrong.isEmpty()) {
                throw new AssertionError("not as the API is described:\n" + String.join("\n", wrong));
            }
            requireCounted(answer);
        }
        return answer;
    }

    /** Or more: others may be refused at the same time. */
    private static void requireCounted(Answer answer) {
        List<String> reasons = answer.reasons();
        for (String reason : reasons) {
            long refusals = reasons.stream().filter(reason::equals).count();
            if (answer.counted(reason) < refusals) {
                throw new AssertionError("agentserver_rejected_total{reason=\"" + reason + "\"} grew by "
                        + answer.counted(reason) + " and not by " + refusals + ": " + answer.body());
            }
        }
    }

    private HttpResponse<String> exchange(HttpRequest request) {
        try {
            return http.send(request, HttpResponse.BodyHandlers.ofString());
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    Answer get(String path, String key) {
        return send(request(path).header("Authorization", "Bearer " + key));
    }

    Answer delete(String path, String key) {
        return send(request(path).header("Authorization", "Bearer " + key).DELETE());
    }

    Answer post(String path, String key, String contentType, String body) {
        return send(request(path)
                .header("Authorization", "Bearer " + key)
                .header("Content-Type", contentType)
                .POST(HttpRequest.BodyPublishers.ofString(body)));
    }

    Answer putOrganism(String key, String yaml) {
        return send(request("/v1/organism")
                .header("Authorization", "Bearer " + key)
                .header("Content-Type", "application/yaml")
                .PUT(HttpRequest.BodyPublishers.ofString(yaml)));
    }

    /** A new tenant. @return its first key */
    String createTenant(String id) {
        Answer answer = post(
                "/admin/v1/tenants",
                ADMIN_KEY,
                "application/json",
                "{\"id\":\"" + id + "\",\"name\":\"Tenant " + id + "\"}");
        if (answer.status() != 201) {
            throw new AssertionError(answer.toString());
        }
        return answer.json().path("api_key").asString();
    }

    @Override
    public void close() {
        context.close();
    }

    private String property(String name) {
        return Objects.requireNonNull(context.getEnvironment().getProperty(name), name);
    }
}
