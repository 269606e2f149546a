package io.agentserver.service;

import org.junit.jupiter.api.Test;

import java.util.Map;

import static org.assertj.core.api.Assertions.assertThat;

class TraceExportTest {
    private static final String EXCLUDE = "spring.autoconfigure.exclude";
    private static final String ENDPOINT = "management.opentelemetry.tracing.export.otlp.endpoint";

    @Test
    void without_a_collector_nothing_that_makes_spans_is_there() throws ClassNotFoundException {
        String excluded =
                String.valueOf(TraceExport.properties(Map.of(), Map.of()).get(EXCLUDE));

        assertThat(excluded).contains("OpenTelemetryTracingAutoConfiguration", "MicrometerTracingAutoConfiguration");
    }

    @Test
    void with_one_every_trace_is_exported_to_it() {
        assertThat(TraceExport.properties(
                        Map.of("AGENTSERVER_OTLP_ENDPOINT", "http://collector:4318/v1/traces"), Map.of()))
                .isEqualTo(Map.of(
                        ENDPOINT,
                        "http://collector:4318/v1/traces",
                        "management.tracing.sampling.probability",
                        "1.0",
                        "management.opentelemetry.tracing.sampler",
                        "trace_id_ratio",
                        "management.tracing.exemplars.include",
                        "none"));
    }

    /** Spring Boot takes the address and all the rest from them. */
    @Test
    void open_telemetry_s_own_variables_do_as_well() {
        assertThat(TraceExport.properties(Map.of(), Map.of("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318")))
                .doesNotContainKeys(EXCLUDE, ENDPOINT);
        assertThat(TraceExport.properties(
                        Map.of(),
                        Map.of("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318", "OTEL_SDK_DISABLED", "true")))
                .containsKey(EXCLUDE);
        assertThat(TraceExport.properties(
                        Map.of(),
                        Map.of("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318", "OTEL_TRACES_EXPORTER", "none")))
                .containsKey(EXCLUDE);
    }
}
