package io.agentserver.billing;

import io.agentserver.envelope.Ids;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.http.ProblemDetail;
import org.springframework.http.ResponseEntity;

import java.net.URI;

/** Refusals as problem documents (RFC 9457), each with its own {@code request_id} and counted by its reason. */
public final class Problems {
    private static final String TYPES = "https://xml-pipeline.org/problems/";

    private final MeterRegistry metrics;

    Problems(MeterRegistry metrics) {
        this.metrics = metrics;
        refused("unauthenticated", 0); // there from the start, at 0
        refused("invalid-webhook", 0);
    }

    /** @param detail for the caller; no stack trace, class name or path */
    public ResponseEntity<ProblemDetail> answer(HttpStatus status, String slug, String detail) {
        refused(slug, 1);
        String requestId = Ids.v7().toString();
        ProblemDetail problem = ProblemDetail.forStatusAndDetail(status, detail);
        problem.setType(URI.create(TYPES + slug));
        problem.setTitle(status.getReasonPhrase());
        problem.setProperty("request_id", requestId);
        ResponseEntity.BodyBuilder answer = ResponseEntity.status(status)
                .contentType(MediaType.APPLICATION_PROBLEM_JSON)
                .header("Request-Id", requestId);
        if (status == HttpStatus.UNAUTHORIZED) {
            answer.header(HttpHeaders.WWW_AUTHENTICATE, "Bearer");
        }
        if (status == HttpStatus.SERVICE_UNAVAILABLE) {
            answer.header(HttpHeaders.RETRY_AFTER, "1");
        }
        return answer.body(problem);
    }

    private void refused(String reason, int times) {
        Counter.builder("agentserver.rejected")
                .description("refused input, by reason")
                .tag("reason", reason)
                .register(metrics)
                .increment(times);
    }
}
