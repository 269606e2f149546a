package io.agentserver.standalone;

import io.agentserver.billing.BillingApplication;
import io.agentserver.buffer.BufferApplication;
import io.agentserver.gateway.GatewayApplication;
import io.agentserver.localstores.LocalStore;
import io.agentserver.localstores.LocalStores;
import io.agentserver.pump.PumpApplication;
import io.agentserver.router.LlmRouterApplication;
import io.agentserver.service.ServiceApplication;
import io.agentserver.service.Setting;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.boot.Banner;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.ConfigurableApplicationContext;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/**
 * The whole platform in one process: three real stores, then five services that find each other by their ports, exactly as
 * five processes would. Nothing here is a shorter way than theirs.
 */
final class DevPlatform implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(DevPlatform.class);
    private static final Duration BUFFER_READY = Duration.ofSeconds(60);

    private final LocalStores stores;
    private final List<ConfigurableApplicationContext> services = new ArrayList<>();

    private DevPlatform(LocalStores stores) {
        this.stores = stores;
    }

    static DevPlatform start(Path directory, Map<String, String> environment, boolean fresh) {
        long begun = System.nanoTime();
        DevSettings settings = new DevSettings(environment);
        settings.requireFreePorts();
        DevHome home = DevHome.open(directory);
        if (fresh) {
            LocalStores.forget(home.stores());
            home.forget();
        }
        home.requireSecrets();
        initialiseLogging(environment);
        DevPlatform platform = new DevPlatform(LocalStores.start(home.stores(), storePorts(settings)));
        try {
            Map<String, String> ofServices = settings.forServices(home, platform.stores);
            platform.startServices(settings.inOneProcess(ofServices));
            String apiKey = new DemoTenant(settings.url(Setting.AGENTSERVER_GATEWAY_PORT), home).ensure();
            awaitBuffer(settings.url(Setting.AGENTSERVER_BUFFER_MANAGEMENT_PORT));
            announce(home, settings, ofServices, apiKey, Duration.ofNanos(System.nanoTime() - begun));
            return platform;
        } catch (RuntimeException e) {
            platform.close();
            throw e;
        }
    }

    @Override
    public void close() {
        // Side by side: each drains for itself, and what the pump takes no more from the log waits there. On platform
        // threads: closing loads classes, and virtual threads that do so hold their carriers while they wait for each
        // other.
        List<Thread> stopping = services.stream()
                .map(service -> Thread.ofPlatform().name("stop-service").start(service::close))
                .toList();
        try {
            for (Thread thread : stopping) {
                thread.join(Duration.ofSeconds(9));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        stores.close();
    }

    private static Map<LocalStore, Integer> storePorts(DevSettings settings) {
        return settings.hasOwnRedis()
                ? LocalStores.ALL_ON_FREE_PORTS
                : Map.of(LocalStore.KAFKA, 0, LocalStore.DYNAMODB, 0);
    }

    /** Logging is one for a process: an empty application sets it up before the stores say their first word. */
    private static void initialiseLogging(Map<String, String> environment) {
        SpringApplicationBuilder empty = new SpringApplicationBuilder(OnlyLogging.class)
                .web(WebApplicationType.NONE)
                .bannerMode(Banner.Mode.OFF)
                .registerShutdownHook(false);
        Map<String, Object> logging = new LinkedHashMap<>();
        logging.put("spring.config.name", "standalone");
        logging.put("spring.main.log-startup-info", false);
        logging.putAll(DevSettings.QUIET);
        if (environment
                .getOrDefault(Setting.AGENTSERVER_LOG_FORMAT.name(), "text")
                .equals("text")) {
            logging.put("logging.pattern.console", ServiceApplication.TEXT_PATTERN);
        } else {
            logging.put("logging.structured.format.console", "logstash");
        }
        empty.properties(logging).run();
    }

    /** The empty application's one bean. */
    static final class OnlyLogging {}

    private void startServices(Map<String, String> settings) {
        Map<String, Class<?>> applications = new LinkedHashMap<>();
        applications.put("buffer", BufferApplication.class);
        applications.put("gateway", GatewayApplication.class);
        applications.put("llm-router", LlmRouterApplication.class);
        applications.put("billing", BillingApplication.class);
        applications.put("pump", PumpApplication.class);
        try (ExecutorService threads = Executors.newFixedThreadPool(
                2, Thread.ofPlatform().name("start-service-", 0).factory())) {
            List<Future<ConfigurableApplicationContext>> starting = new ArrayList<>();
            applications.forEach((name, application) ->
                    starting.add(threads.submit(() -> ServiceApplication.start(application, name, settings))));
            RuntimeException failure = null;
            for (Future<ConfigurableApplicationContext> service : starting) {
                try {
                    services.add(service.get(120, TimeUnit.SECONDS));
                } catch (ExecutionException e) {
                    failure = new IllegalStateException("a service did not start", e.getCause());
                } catch (java.util.concurrent.TimeoutException e) {
                    failure = new IllegalStateException("a service did not start in 120 s", e);
                }
            }
            if (failure != null) {
                throw failure;
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while starting", e);
        }
    }

    /** It serves nobody before it has read the tenants, whose topic the gateway has made meanwhile. */
    private static void awaitBuffer(String management) {
        HttpRequest readiness = HttpRequest.newBuilder(URI.create(management + "/actuator/health/readiness"))
                .build();
        long deadline = System.nanoTime() + BUFFER_READY.toNanos();
        try (HttpClient http = HttpClient.newHttpClient()) {
            while (http.send(readiness, BodyHandlers.discarding()).statusCode() != 200) {
                if (System.nanoTime() > deadline) {
                    throw new IllegalStateException("the buffer was not ready in " + BUFFER_READY.toSeconds() + " s");
                }
                Thread.sleep(Duration.ofMillis(20));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while starting", e);
        }
    }

    private static void announce(
            DevHome home, DevSettings settings, Map<String, String> services, String apiKey, Duration took) {
        Map<String, String> variables = new LinkedHashMap<>();
        variables.put("AGENTSERVER_URL", settings.url(Setting.AGENTSERVER_GATEWAY_PORT));
        variables.put("AGENTSERVER_LLM_URL", settings.url(Setting.AGENTSERVER_LLM_PORT));
        variables.put("AGENTSERVER_CONSOLE_URL", settings.url(Setting.AGENTSERVER_BILLING_PORT) + "/console");
        variables.put("AGENTSERVER_API_KEY", apiKey);
        variables.put("AGENTSERVER_ADMIN_KEY", home.adminKey());
        for (String name : new String[] {
            "AGENTSERVER_KAFKA", "AGENTSERVER_REDIS_URL", "AGENTSERVER_DYNAMODB_URL", "AGENTSERVER_BUFFER_ADDRESS"
        }) {
            variables.put(name, services.getOrDefault(name, ""));
        }
        Path file = home.writeEnvironment(variables);
        LOG.debug("wrote {}", file);
        System.out.println("""

                gateway   %s
                router    %s/v1   (any OpenAI client)
                console   %s   (choose a role; no password)
                stores    Kafka %s   Redis %s   DynamoDB %s
                demo key  %s
                settings  %s   (source it for the lines below and in the README)

                curl -sS %s/v1/messages -H 'Authorization: Bearer %s' -H 'Content-Type: application/xml' -H 'Prefer: wait=10' --data-binary @examples/hello-world/greeting.xml

                agentserver is ready (%.1f s)""".formatted(
                        variables.get("AGENTSERVER_URL"),
                        variables.get("AGENTSERVER_LLM_URL"),
                        variables.get("AGENTSERVER_CONSOLE_URL"),
                        variables.get("AGENTSERVER_KAFKA"),
                        variables.get("AGENTSERVER_REDIS_URL"),
                        variables.get("AGENTSERVER_DYNAMODB_URL"),
                        apiKey,
                        file,
                        variables.get("AGENTSERVER_URL"),
                        apiKey,
                        took.toMillis() / 1000.0));
    }
}
