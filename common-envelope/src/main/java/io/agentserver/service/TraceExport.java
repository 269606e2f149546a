package io.agentserver.service;

import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Where traces go: nowhere, unless a collector is named by {@code AGENTSERVER_OTLP_ENDPOINT} or by OpenTelemetry's own
 * variables, which Spring Boot understands ({@code OTEL_EXPORTER_OTLP_ENDPOINT}, {@code OTEL_TRACES_SAMPLER_ARG}, …). Without
 * one there is no SDK and no span, and a client's {@code traceparent} is handed on as it came.
 */
final class TraceExport {
    private static final List<String> COLLECTORS = List.of(
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
            "MANAGEMENT_OPENTELEMETRY_TRACING_EXPORT_OTLP_ENDPOINT");
    private static final String BOOT = "org.springframework.boot.";
    private static final List<String> MAKERS = List.of(
            BOOT + "micrometer.tracing.autoconfigure.MicrometerTracingAutoConfiguration",
            BOOT + "micrometer.tracing.autoconfigure.prometheus.PrometheusExemplarsAutoConfiguration",
            BOOT + "micrometer.tracing.opentelemetry.autoconfigure.OpenTelemetryTracingAutoConfiguration",
            BOOT + "micrometer.tracing.opentelemetry.autoconfigure.otlp.OtlpTracingAutoConfiguration",
            BOOT + "opentelemetry.autoconfigure.OpenTelemetrySdkAutoConfiguration",
            BOOT + "opentelemetry.autoconfigure.logging.OpenTelemetryLoggingAutoConfiguration",
            BOOT + "opentelemetry.autoconfigure.logging.otlp.OtlpLoggingAutoConfiguration");

    private TraceExport() {}

    static Map<String, Object> properties(Map<String, String> settings, Map<String, String> environment) {
        String collector = settings.getOrDefault(Setting.AGENTSERVER_OTLP_ENDPOINT.name(), "");
        boolean named = !collector.isEmpty()
                || COLLECTORS.stream()
                        .anyMatch(name -> !environment.getOrDefault(name, "").isEmpty());
        boolean off = environment.getOrDefault("OTEL_SDK_DISABLED", "").equalsIgnoreCase("true")
                || environment.getOrDefault("OTEL_TRACES_EXPORTER", "").equals("none");
        Map<String, Object> properties = new HashMap<>();
        if (!named || off) {
            properties.put("spring.autoconfigure.exclude", String.join(",", MAKERS));
            return properties;
        }
        properties.put("management.tracing.sampling.probability", "1.0"); // Boot's own default is a tenth
        // Every service decides alike by the trace's id. Boot's default obeys the flag that comes along, and a client's
        // traceparent would decide what is traced
        properties.put("management.opentelemetry.tracing.sampler", "trace_id_ratio");
        // a Prometheus before 2.43 takes none of a scrape that has exemplars elsewhere than in buckets and counters
        properties.put("management.tracing.exemplars.include", "none");
        if (!collector.isEmpty()) {
            properties.put("management.opentelemetry.tracing.export.otlp.endpoint", collector);
        }
        return properties;
    }
}
