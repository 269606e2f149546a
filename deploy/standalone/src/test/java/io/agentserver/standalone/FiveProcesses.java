package io.agentserver.standalone;

import io.agentserver.localstores.FreePorts;
import io.agentserver.localstores.LocalStores;
import org.awaitility.Awaitility;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import static java.util.Objects.requireNonNull;

/** The five services as they run in production: {@code java -jar} each, told everything by environment variables. */
final class FiveProcesses implements Platform {
    private static final Map<String, String> MODULES = new LinkedHashMap<>();

    static {
        MODULES.put("buffer-service", "BUFFER_MANAGEMENT");
        MODULES.put("gateway-service", "GATEWAY_MANAGEMENT");
        MODULES.put("llm-router-service", "LLM_MANAGEMENT");
        MODULES.put("billing-service", "BILLING_MANAGEMENT");
        MODULES.put("pump-service", "PUMP_MANAGEMENT");
    }

    private final Path home;
    private final LocalStores stores;
    private final Map<String, String> settings;
    private final Map<String, Child> processes = new LinkedHashMap<>(); // by module
    private final Map<String, String> environment = new LinkedHashMap<>();
    private boolean closed;

    private FiveProcesses(Path home, Map<String, String> extra) {
        this.home = home;
        this.stores = LocalStores.start(home.resolve("stores"), LocalStores.ALL_ON_FREE_PORTS);
        DevHome secrets = DevHome.open(home.resolve("secrets"));
        this.settings = settings(secrets, stores);
        settings.putAll(extra);
        start();
        String gateway = "http://127.0.0.1:" + settings.get("AGENTSERVER_GATEWAY_PORT");
        environment.put("AGENTSERVER_URL", gateway);
        environment.put("AGENTSERVER_API_KEY", new DemoTenant(gateway, secrets).ensure());
        for (String name : new String[] {
            "AGENTSERVER_ADMIN_KEY",
            "AGENTSERVER_KAFKA",
            "AGENTSERVER_REDIS_URL",
            "AGENTSERVER_DYNAMODB_URL",
            "AGENTSERVER_LLM_URL",
            "AGENTSERVER_CONSOLE_URL"
        }) {
            environment.put(name, settings.getOrDefault(name, ""));
        }
    }

    static FiveProcesses start(Path home, Map<String, String> extra) {
        return new FiveProcesses(home, extra);
    }

    /** For all five, on free ports. */
    static Map<String, String> settings(DevHome secrets, LocalStores stores) {
        Map<String, String> ports = new HashMap<>();
        String[] names = {
            "GATEWAY",
            "LLM",
            "BUFFER",
            "BILLING",
            "GATEWAY_MANAGEMENT",
            "LLM_MANAGEMENT",
            "BUFFER_MANAGEMENT",
            "PUMP_MANAGEMENT",
            "BILLING_MANAGEMENT"
        };
        int[] free = FreePorts.take(names.length);
        for (int i = 0; i < names.length; i++) {
            ports.put("AGENTSERVER_" + names[i] + "_PORT", String.valueOf(free[i]));
        }
        Map<String, String> settings = new DevSettings(ports).forServices(secrets, stores);
        settings.put("AGENTSERVER_LOG_FORMAT", "json");
        for (String service : new String[] {"llm-router", "buffer", "pump"}) {
            settings.put(
                    "agentserver." + service + ".start-patience",
                    "60s"); // other tests may start their own five beside these
        }
        return settings;
    }

    @Override
    public Map<String, String> environment() {
        return environment;
    }

    @Override
    public void kill() {
        processes.values().forEach(Child::kill);
        processes.clear();
    }

    @Override
    public void restart() {
        start();
    }

    /** kill -9 of one of them, which comes back at once. */
    void restart(String module) {
        restart(List.of(module), () -> {});
    }

    /** @param meanwhile when they are dead, before they come back */
    void restart(List<String> modules, Runnable meanwhile) {
        modules.forEach(module -> requireNonNull(processes.get(module)).kill());
        meanwhile.run();
        modules.forEach(this::start);
        try (HttpClient http = HttpClient.newHttpClient()) {
            modules.forEach(module -> awaitReady(http, module, requireNonNull(MODULES.get(module))));
        }
    }

    /** Where the stores' files are, a directory each; they stay when the platform is closed. */
    Path stores() {
        return stores.directory();
    }

    @Override
    public Child.Ended reconcile() {
        return Child.run("billing-service", home.resolve("reconcile.log"), settings, "reconcile");
    }

    /** Runs the command {@code backup} over its stores. */
    Child.Ended backup(String... words) {
        String[] arguments = new String[words.length + 1];
        arguments[0] = "backup";
        System.arraycopy(words, 0, arguments, 1, words.length);
        return Child.run("buffer-service", home.resolve("backup-" + words[0] + ".log"), settings, arguments);
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        try {
            processes.values().forEach(Child::stop);
        } finally {
            stores.close();
        }
    }

    private void start() {
        MODULES.keySet().forEach(this::start);
        try (HttpClient http = HttpClient.newHttpClient()) {
            MODULES.forEach((module, port) -> awaitReady(http, module, port));
        } catch (RuntimeException | Error e) {
            kill(); // nobody else would: the test has not got them yet
            throw e;
        }
    }

    private void start(String module) {
        processes.put(module, Child.start(module, home.resolve(module + ".log"), settings));
    }

    private void awaitReady(HttpClient http, String module, String port) {
        URI readiness = URI.create(
                "http://127.0.0.1:" + settings.get("AGENTSERVER_" + port + "_PORT") + "/actuator/health/readiness");
        Awaitility.await(module + " is ready")
                .atMost(Duration.ofSeconds(180))
                .pollInterval(Duration.ofMillis(250))
                .until(() -> {
                    for (Child child : processes.values()) {
                        if (!child.isAlive()) {
                            throw new AssertionError("a service ended: " + child.tail());
                        }
                    }
                    try {
                        return http.send(
                                                HttpRequest.newBuilder(readiness)
                                                        .build(),
                                                HttpResponse.BodyHandlers.discarding())
                                        .statusCode()
                                == 200;
                    } catch (IOException e) {
                        return false; // not listening yet
                    }
                });
    }
}
