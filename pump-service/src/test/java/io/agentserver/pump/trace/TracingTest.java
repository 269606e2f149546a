package io.agentserver.pump.trace;

import io.micrometer.tracing.otel.bridge.OtelCurrentTraceContext;
import io.micrometer.tracing.otel.bridge.OtelPropagator;
import io.micrometer.tracing.otel.bridge.OtelTracer;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.propagation.W3CTraceContextPropagator;
import io.opentelemetry.context.propagation.ContextPropagators;
import io.opentelemetry.sdk.common.CompletableResultCode;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.data.SpanData;
import io.opentelemetry.sdk.trace.export.SimpleSpanProcessor;
import io.opentelemetry.sdk.trace.export.SpanExporter;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class TracingTest {
    private static final String TRACE = "0af7651916cd43dd8448eb211c80319c";
    private static final String BROUGHT = "00-" + TRACE + "-b7ad6b7169203331-01";

    private final List<SpanData> ended = new CopyOnWriteArrayList<>();
    private final SdkTracerProvider provider = SdkTracerProvider.builder()
            .addSpanProcessor(SimpleSpanProcessor.create(new Ended()))
            .build();
    private final io.opentelemetry.api.trace.Tracer otel = provider.get("test");
    private final Tracing made = new Tracing(
            new OtelTracer(otel, new OtelCurrentTraceContext(), event -> {}),
            new OtelPropagator(ContextPropagators.create(W3CTraceContextPropagator.getInstance()), otel));

    @AfterEach
    void close() {
        provider.close();
    }

    @Test
    void where_none_are_made_what_was_brought_is_handed_on_as_it_came() throws InterruptedException {
        Tracing none = Tracing.none();
        Map<String, String> here = new HashMap<>();
        Map<String, String> elsewhere = new HashMap<>();
        List<Thread> others = new ArrayList<>();

        none.inMessage("messages.acme", 0, 7, BROUGHT, () -> {
            none.inject(here::put);
            others.add(Thread.ofVirtual().start(none.carry(() -> none.inject(elsewhere::put))));
        });
        others.getFirst().join();

        assertThat(here).isEqualTo(Map.of("traceparent", BROUGHT)).isEqualTo(elsewhere);
        assertThat(none.traceparent()).as("afterwards").isEmpty();
    }

    @Test
    void what_is_no_traceparent_is_not_handed_on() {
        Tracing none = Tracing.none();

        none.inMessage(
                "messages.acme",
                0,
                7,
                "\r\nX-Evil: 1",
                () -> assertThat(none.traceparent()).isEmpty());
    }

    @Test
    void a_handler_s_span_stands_in_its_message_s_which_continues_the_record_s() {
        made.inMessage("messages.acme", 3, 7, BROUGHT, () -> {
            Optional<String> ofMessage = made.traceparent();
            made.inHandler("llm", "greeter", result -> Optional.of("timeout"), () -> {
                assertThat(made.traceparent()).isNotEqualTo(ofMessage);
                return "a result that is a failure";
            });
            assertThat(made.traceparent())
                    .isEqualTo(ofMessage)
                    .hasValueSatisfying(text -> assertThat(text).startsWith("00-" + TRACE + "-"));
        });

        assertThat(ended).extracting(SpanData::getName).containsExactly("handle llm", "process messages.{tenant}");
        assertThat(ended.getFirst().getParentSpanId()).isEqualTo(ended.getLast().getSpanId());
        assertThat(ended.getLast().getParentSpanId()).isEqualTo("b7ad6b7169203331");
        assertThat(ended.getFirst().getStatus().getStatusCode()).isEqualTo(StatusCode.ERROR);
        assertThat(ended.getFirst().getAttributes().asMap().toString()).contains("error.type=timeout");
    }

    /** It may quote a payload. */
    @Test
    void an_exception_s_message_is_in_no_span() {
        assertThatThrownBy(() -> made.inMessage("messages.acme", 3, 7, BROUGHT, () -> {
                    throw new IllegalStateException("<Secret>4711</Secret>");
                }))
                .isInstanceOf(IllegalStateException.class);

        assertThat(ended).singleElement().satisfies(span -> {
            assertThat(span.toString()).doesNotContain("4711");
            assertThat(span.getEvents()).isEmpty();
            assertThat(span.getAttributes().asMap().toString())
                    .contains("error.type=java.lang.IllegalStateException", "messaging.kafka.offset=7");
        });
    }

    private final class Ended implements SpanExporter {
        @Override
        public CompletableResultCode export(Collection<SpanData> spans) {
            ended.addAll(spans);
            return CompletableResultCode.ofSuccess();
        }

        @Override
        public CompletableResultCode flush() {
            return CompletableResultCode.ofSuccess();
        }

        @Override
        public CompletableResultCode shutdown() {
            return CompletableResultCode.ofSuccess();
        }
    }
}
