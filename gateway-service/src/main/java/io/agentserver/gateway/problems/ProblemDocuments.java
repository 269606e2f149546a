package io.agentserver.gateway.problems;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import tools.jackson.databind.json.JsonMapper;

import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;

/**
 * Writes problems as RFC 9457 has them, and counts them in {@code agentserver_rejected_total{reason}}, which has every reason
 * from the start. Safe on any thread.
 */
public final class ProblemDocuments {
    private static final JsonMapper JSON = JsonMapper.builder().build();

    private final Map<ProblemType, Counter> rejected = new EnumMap<>(ProblemType.class);

    public ProblemDocuments(MeterRegistry metrics) {
        for (ProblemType type : ProblemType.values()) {
            rejected.put(
                    type,
                    Counter.builder("agentserver.rejected")
                            .description("requests that were refused")
                            .tag("reason", type.slug())
                            .register(metrics));
        }
    }

    byte[] write(Problem problem, String requestId) {
        Map<String, Object> document = part(problem);
        document.put("request_id", requestId);
        return JSON.writeValueAsBytes(document);
    }

    /** As part of an answer that says what came of several things. */
    public Map<String, Object> part(Problem problem) {
        Objects.requireNonNull(rejected.get(problem.type())).increment();
        Map<String, Object> document = new LinkedHashMap<>();
        document.put("type", problem.type().uri());
        document.put("title", problem.type().title());
        document.put("status", problem.type().status());
        document.put("detail", problem.detail());
        if (problem.pointer() != null) {
            document.put("pointer", problem.pointer());
        }
        if (!problem.errors().isEmpty()) {
            document.put("errors", problem.errors());
        }
        document.putAll(problem.more());
        return document;
    }
}
