package io.agentserver.router;

import io.agentserver.service.trace.Spans;
import io.micrometer.tracing.Span;
import io.micrometer.tracing.Tracer;
import io.micrometer.tracing.propagation.Propagator;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

import java.net.URI;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * The span of one attempt at a provider, and its {@link GenAiMetrics}, by <a href="https://opentelemetry.io/docs/specs/semconv/gen-ai/">OpenTelemetry's
 * conventions for generative AI</a>: what was asked of which model, what it used, never what was said. Where no traces are
 * made there is no span, and what the caller brought is handed on. Used on one thread at a time; whatever is said after its end
 * has no effect.
 */
final class ModelSpan {
    private final Map<String, String> headers;
    private final GenAiMetrics.Attempt meters;
    private final @Nullable Tracer tracer;
    private @Nullable Span span;

    private ModelSpan(
            Map<String, String> headers, GenAiMetrics.Attempt meters, @Nullable Tracer tracer, @Nullable Span span) {
        this.headers = headers;
        this.meters = meters;
        this.tracer = tracer;
        this.span = span;
    }

    /** Where no traces are made. */
    static ModelSpan none(Map<String, String> brought, GenAiMetrics.Attempt meters) {
        return new ModelSpan(brought, meters, null, null);
    }

    /** Makes them. */
    static final class Maker {
        private final Tracer tracer;
        private final Propagator propagator;
        private final GenAiMetrics metrics;

        Maker(Tracer tracer, Propagator propagator, GenAiMetrics metrics) {
            this.metrics = metrics;
            this.tracer = tracer;
            this.propagator = propagator;
        }

        /** @param attempt from 1 */
        ModelSpan start(Call call, Route route, Route.Target target, int attempt) {
            GenAiMetrics.Attempt meters =
                    metrics.begin(call.request().kind(), target.backend().provider(), target.model());
            if (!Spans.areMade(tracer)) {
                return none(call.trace(), meters);
            }
            Span.Builder builder = tracer.spanBuilder();
            Span current = tracer.currentSpan();
            if (current != null) {
                builder.setParent(current.context());
            }
            Span span = builder.name(operation(call) + " " + target.model())
                    .kind(Span.Kind.CLIENT)
                    .start();
            Map<String, String> headers = new HashMap<>();
            propagator.inject(span.context(), headers, (carrier, name, value) -> headers.put(name, value));
            if (!span.isNoop()) {
                describe(span, call, route, target, attempt);
            }
            return new ModelSpan(headers, meters, tracer, span);
        }

        private static void describe(Span span, Call call, Route route, Route.Target target, int attempt) {
            span.tag("gen_ai.operation.name", operation(call));
            span.tag("gen_ai.provider.name", target.backend().provider());
            span.tag("gen_ai.request.model", target.model());
            JsonNode body = call.request().body();
            number(span, "gen_ai.request.max_tokens", body, "max_completion_tokens", "max_tokens");
            decimal(span, "gen_ai.request.temperature", body, "temperature");
            decimal(span, "gen_ai.request.top_p", body, "top_p");
            number(span, "gen_ai.request.choice.count", body, "n");
            target.backend().address().ifPresent(address -> at(span, address));
            span.tag("agentserver.route", route.name());
            span.tag("agentserver.attempt", attempt);
            if (target.backend().isTenants()) {
                span.tag("agentserver.own_key", true);
            }
            span.tag("agentserver.receipt", call.receipt().toString());
            span.tag(Spans.TENANT, call.tenant().value());
            Attribution of = call.attribution();
            of.conversation().ifPresent(id -> {
                span.tag(Spans.CONVERSATION, id.toString());
                span.tag("gen_ai.conversation.id", id.toString());
            });
            of.thread().ifPresent(id -> span.tag(Spans.THREAD, id.toString()));
            of.message().ifPresent(id -> span.tag(Spans.MESSAGE, id.toString()));
            of.listener().ifPresent(name -> span.tag(Spans.LISTENER, name));
        }

        private static String operation(Call call) {
            return call.request().kind().name().toLowerCase(Locale.ROOT);
        }

        private static void at(Span span, URI address) {
            boolean https = "https".equals(address.getScheme());
            span.tag("server.address", String.valueOf(address.getHost()));
            span.tag("server.port", address.getPort() > 0 ? address.getPort() : https ? 443 : 80);
        }

        private static void number(Span span, String attribute, JsonNode body, String... members) {
            for (String member : members) {
                if (body.path(member).isIntegralNumber()) {
                    span.tag(attribute, body.path(member).asLong(0));
                    return;
                }
            }
        }

        private static void decimal(Span span, String attribute, JsonNode body, String member) {
            if (body.path(member).isNumber()) {
                span.tag(attribute, body.path(member).asDouble(0));
            }
        }
    }

    /** For the provider. */
    Map<String, String> headers() {
        return headers;
    }

    void firstToken() {
        meters.firstToken();
        if (span != null) {
            span.event("first token");
        }
    }

    /** @param type a status, or a word for what went wrong */
    void fail(String type) {
        meters.end(type);
        Span failing = span;
        if (failing != null && tracer != null) {
            Spans.fail(tracer, failing, type);
            end(failing);
        }
    }

    /** @param completion as far as it came */
    void settle(Tokens tokens, long microusd, boolean complete, ObjectNode completion) {
        meters.used(tokens);
        meters.end(complete ? "" : "broken");
        Span ending = span;
        if (ending == null) {
            return;
        }
        ending.tag("gen_ai.usage.input_tokens", tokens.input());
        ending.tag("gen_ai.usage.output_tokens", tokens.output());
        ending.tag("gen_ai.usage.cache_read.input_tokens", tokens.cachedInput());
        ending.tag("gen_ai.usage.cache_creation.input_tokens", tokens.written());
        ending.tag("agentserver.estimated", tokens.estimated());
        ending.tag("agentserver.cost_microusd", microusd);
        text(ending, "gen_ai.response.model", completion.path("model"));
        text(ending, "gen_ai.response.id", completion.path("id"));
        List<String> reasons = new ArrayList<>();
        for (JsonNode choice : completion.path("choices")) {
            String reason = choice.path("finish_reason").asString("");
            if (!reason.isEmpty()) {
                reasons.add(reason);
            }
        }
        if (!reasons.isEmpty()) {
            ending.tagOfStrings("gen_ai.response.finish_reasons", reasons);
        }
        if (complete) {
            end(ending);
        } else {
            fail("broken");
        }
    }

    private static void text(Span span, String attribute, JsonNode value) {
        if (value.isString() && value.stringValue().length() <= 256) {
            span.tag(attribute, value.stringValue());
        }
    }

    private void end(Span ending) {
        span = null;
        ending.end();
    }
}
