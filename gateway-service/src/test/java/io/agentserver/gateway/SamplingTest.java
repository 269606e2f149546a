package io.agentserver.gateway;

import io.agentserver.localstores.LocalStores;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanContext;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.TraceFlags;
import io.opentelemetry.api.trace.TraceState;
import io.opentelemetry.context.Context;
import io.opentelemetry.sdk.trace.samplers.Sampler;
import io.opentelemetry.sdk.trace.samplers.SamplingDecision;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.util.List;
import java.util.Map;

import static org.assertj.core.api.Assertions.assertThat;

@ExtendWith(GatewayExtension.class)
class SamplingTest {
    private static final String TRACE = "0af7651916cd43dd8448eb211c80319c";

    private final LocalStores stores;

    SamplingTest(RunningGateway gateway, LocalStores stores) {
        this.stores = stores;
    }

    /** Else whoever sets it could have everything traced, at the operator's cost, or hide what it does. */
    @ParameterizedTest
    @CsvSource({"0, true, DROP", "1, false, RECORD_AND_SAMPLE"})
    void the_flag_in_a_client_s_traceparent_does_not_decide(
            String probability, boolean flag, SamplingDecision decision) {
        Map<String, String> settings = Map.of(
                "AGENTSERVER_OTLP_ENDPOINT",
                "http://127.0.0.1:1/v1/traces",
                "management.tracing.sampling.probability",
                probability);
        try (RunningGateway gateway = RunningGateway.on(stores, settings)) {
            TraceFlags flags = flag ? TraceFlags.getSampled() : TraceFlags.getDefault();
            SpanContext client =
                    SpanContext.createFromRemoteParent(TRACE, "b7ad6b7169203331", flags, TraceState.getDefault());

            assertThat(gateway.bean(Sampler.class)
                            .shouldSample(
                                    Context.root().with(Span.wrap(client)),
                                    TRACE,
                                    "http post /v1/messages",
                                    SpanKind.SERVER,
                                    Attributes.empty(),
                                    List.of())
                            .getDecision())
                    .isEqualTo(decision);
        }
    }
}
