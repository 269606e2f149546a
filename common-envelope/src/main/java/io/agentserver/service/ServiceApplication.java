package io.agentserver.service;

import io.micrometer.tracing.exporter.SpanExportingPredicate;
import org.springframework.boot.Banner;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.boot.web.server.PortInUseException;
import org.springframework.context.ConfigurableApplicationContext;

import java.io.IOException;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * Starts one service: its own configuration file ({@code <name>.yml}, so that five of them live in one class path), its
 * settings checked, a failure to start told in one line.
 */
public final class ServiceApplication {
    /** Of a log line for people. */
    public static final String TEXT_PATTERN = "%d{HH:mm:ss.SSS} %-5level %-28.28logger{27} %msg"
            + "%replace(  [%X{tenant} %X{thread} %X{message} %X{traceId}]){'  \\[ +\\]', ''}%n%ex{8}";

    /** Spring's own property ({@code DefaultLifecycleProcessor.EXIT_PROPERTY_NAME}). */
    private static final String EXIT = "spring.context.exit";

    /** Probes and scrapes come every few seconds, and nobody looks for them among traces. */
    private static final SpanExportingPredicate WITHOUT_PROBES =
            span -> !String.valueOf(span.getName()).startsWith("http get /actuator");

    private ServiceApplication() {}

    /**
     * The {@code main} of a service: exits with 1 and one line on standard error if it cannot start, with 0 when it was told
     * to stop (SIGTERM, SIGINT) and has. With {@code -Dspring.context.exit=onRefresh}, which is how an AOT cache is
     * made, it opens no store and exits with 0 before it would listen.
     */
    public static void run(Class<?> application, String name, String[] args) {
        JvmDefaults.provide();
        // the first added is the last to run, when all is closed; a JVM of itself would exit with 143, as if killed
        SpringApplication.getShutdownHandlers().add(() -> Runtime.getRuntime().halt(0));
        try {
            SpringApplicationBuilder builder = builder(application, name, System.getenv());
            if ("onRefresh".equals(System.getProperty(EXIT))) {
                builder.lazyInitialization(true) // whatever would open a connection is not made
                        .properties("management.endpoint.health.validate-group-membership=false"); // nor by this
            }
            launch(builder, name, System.getenv(), args);
        } catch (RuntimeException e) {
            fail(System.err, name, e);
            Runtime.getRuntime().halt(1); // a half-started context has threads that would keep the process
        }
    }

    /** For the all-in-one and for tests: with these settings instead of the environment's. */
    public static ConfigurableApplicationContext start(
            Class<?> application, String name, Map<String, String> settings) {
        SpringApplicationBuilder builder = builder(application, name, settings)
                .properties(Map.copyOf(settings))
                .registerShutdownHook(false);
        return launch(builder, name, settings);
    }

    private static ConfigurableApplicationContext launch(
            SpringApplicationBuilder builder, String name, Map<String, String> settings, String... args) {
        requireKnownSettings(settings);
        requireBindable(settings);
        try {
            return builder.run(args);
        } catch (RuntimeException e) {
            for (Throwable t = e; t != null; t = t.getCause()) {
                if (t instanceof PortInUseException taken) {
                    throw new ConfigurationException(
                            portSetting(taken.getPort(), name, settings) + "=" + taken.getPort()
                                    + " is taken: stop what listens there, or give another port",
                            e);
                }
            }
            throw e;
        }
    }

    /** The service's setting that gives the port: {@code AGENTSERVER_LLM_PORT} for {@code llm-router}. */
    private static String portSetting(int port, String name, Map<String, String> settings) {
        String prefix = "AGENTSERVER_" + name.split("-", 2)[0].toUpperCase(Locale.ROOT);
        return Setting.ports().stream()
                .filter(s -> s.name().startsWith(prefix)
                        && settings.getOrDefault(s.name(), s.defaultPort()).equals(String.valueOf(port)))
                .findFirst()
                .map(Setting::name)
                .orElse("port");
    }

    private static SpringApplicationBuilder builder(Class<?> application, String name, Map<String, String> settings) {
        return new SpringApplicationBuilder(application)
                .bannerMode(Banner.Mode.OFF)
                .web(WebApplicationType.SERVLET)
                .initializers(context -> context.getBeanFactory().registerSingleton("withoutProbes", WITHOUT_PROBES))
                .initializers(_ -> LogFlood.keepBack())
                .properties(alike(name, settings));
    }

    /** What every service has alike, at the lowest precedence: a service's own file may say otherwise. */
    private static Map<String, Object> alike(String name, Map<String, String> settings) {
        Map<String, Object> alike = new HashMap<>();
        alike.put("spring.config.name", name);
        alike.put("spring.application.name", "agentserver-" + name);
        alike.put("spring.main.log-startup-info", false);
        alike.put("spring.threads.virtual.enabled", true);
        alike.put("spring.web.resources.add-mappings", false); // one class path may hold another service's files
        // it would log the paths that nobody answers, and a path may hold a token; who asked hears 404
        alike.put("logging.level.org.springframework.web.servlet.PageNotFound", "OFF");
        alike.put("server.shutdown", "graceful");
        alike.put("spring.lifecycle.timeout-per-shutdown-phase", "8s");
        alike.put("management.endpoints.web.exposure.include", "health,prometheus");
        alike.put("management.endpoint.health.probes.enabled", true);
        alike.put("management.endpoint.health.show-details", "never");
        alike.put("management.health.diskspace.enabled", false); // a full disk is its store's to tell
        alike.put("management.metrics.use-global-registry", false); // five services may share one process
        // a second timer for each request, of those that still run: nothing reads it
        alike.put("management.metrics.observations.ignored-meters", "long-task-timer");
        // a quantile needs buckets; these are few, for they are multiplied by each path, method and status
        alike.put(
                "management.metrics.distribution.slo.http.server.requests",
                "5ms,25ms,100ms,250ms,500ms,1s,2500ms,5s,10s,30s,60s");
        alike.put("management.logging.export.otlp.enabled", false);
        alike.put("management.otlp.metrics.export.enabled", false); // Prometheus scrapes
        // a failure to start is one line, written by us; these would tell it again, with stack traces
        alike.put("logging.level.org.springframework.boot.SpringApplication", "OFF");
        alike.put("logging.level.org.springframework.boot.diagnostics", "OFF");
        alike.put("logging.level.org.springframework.boot.autoconfigure.logging", "OFF");
        alike.put("logging.level.org.springframework.boot.web.server.servlet.context", "ERROR");
        alike.put("logging.level.org.springframework.boot.web.servlet", "WARN");
        alike.put("logging.level.org.springframework.boot.web.context", "WARN");
        alike.put("logging.level.org.springframework.boot.tomcat", "WARN");
        alike.put("logging.level.org.apache.catalina", "WARN");
        // at INFO it quotes the line of a header that it cannot read, and that may hold an API key
        alike.put("logging.level.org.apache.coyote", "WARN");
        alike.put("logging.level.org.apache.kafka", "WARN");
        alike.put("logging.level.io.opentelemetry.sdk", "WARN");
        alike.put("agentserver.metrics.tenants", tenantsInMetrics(settings));
        alike.putAll(TraceExport.properties(settings, System.getenv()));
        if (settings.getOrDefault(Setting.AGENTSERVER_LOG_FORMAT.name(), "json").equals("text")) {
            alike.put("logging.pattern.console", TEXT_PATTERN);
        } else {
            alike.put("logging.structured.format.console", "logstash");
        }
        return alike;
    }

    private static int tenantsInMetrics(Map<String, String> settings) {
        String text = settings.getOrDefault(Setting.AGENTSERVER_METRICS_TENANTS.name(), "200");
        if (text.matches("[1-9][0-9]{0,4}")) {
            return Integer.parseInt(text);
        }
        throw new ConfigurationException(
                Setting.AGENTSERVER_METRICS_TENANTS + "=" + text + " is not usable: give 1 to 99999");
    }

    /** @throws ConfigurationException naming the first unknown {@code AGENTSERVER_} variable and the nearest known one */
    static void requireKnownSettings(Map<String, String> environment) {
        for (String name : environment.keySet()) {
            if (name.startsWith("AGENTSERVER_") && Setting.of(name).isEmpty()) {
                throw new ConfigurationException(name + ": no such setting; the nearest known one is " + nearest(name)
                        + " (all: docs/configuration.md)");
            }
        }
    }

    /** @throws ConfigurationException if nobody can listen on the address that the settings name */
    static void requireBindable(Map<String, String> settings) {
        String address = settings.getOrDefault(Setting.AGENTSERVER_BIND.name(), "");
        if (address.isEmpty()) {
            return; // all interfaces
        }
        try (ServerSocket anyPort = new ServerSocket()) {
            anyPort.bind(new InetSocketAddress(InetAddress.getByName(address), 0));
        } catch (IOException e) {
            throw new ConfigurationException(
                    Setting.AGENTSERVER_BIND + "=" + address + " is no address of this machine (" + e.getMessage()
                            + "): give one of its own, or 0.0.0.0 for all",
                    e);
        }
    }

    /** One line for people; the stack trace is for the log at debug level only. */
    static void fail(PrintStream err, String name, Throwable failure) {
        err.println("agentserver " + name + " cannot start: " + reason(failure));
    }

    /** The reason closest to the user: a configuration error anywhere in the chain, else the root cause. */
    public static String reason(Throwable failure) {
        Throwable root = failure;
        for (Throwable t = failure; t != null; t = t.getCause()) {
            if (t instanceof ConfigurationException) {
                return oneLine(t);
            }
            root = t;
        }
        return oneLine(root);
    }

    private static String oneLine(Throwable t) {
        return Optional.ofNullable(t.getMessage())
                .map(m -> m.lines().map(String::strip).collect(Collectors.joining(" ")))
                .orElse(t.getClass().getSimpleName());
    }

    private static String nearest(String name) {
        return Arrays.stream(Setting.values())
                .map(Setting::name)
                .min(java.util.Comparator.comparingInt(known -> distance(known, name)))
                .orElseThrow();
    }

    /** Levenshtein's. */
    private static int distance(String a, String b) {
        int[] row = new int[b.length() + 1];
        for (int j = 0; j <= b.length(); j++) {
            row[j] = j;
        }
        for (int i = 1; i <= a.length(); i++) {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.length(); j++) {
                int above = row[j];
                int change = a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1;
                row[j] = Math.min(Math.min(row[j] + 1, row[j - 1] + 1), diagonal + change);
                diagonal = above;
            }
        }
        return row[b.length()];
    }
}
