package io.agentserver.gateway.problems;

import io.agentserver.envelope.Ids;
import io.agentserver.service.trace.Spans;
import io.micrometer.tracing.Tracer;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import org.slf4j.MDC;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;
import org.springframework.web.filter.OncePerRequestFilter;

import java.io.IOException;
import java.util.List;

/** Gives each request its id, in the answer's {@code Request-Id} and in problem documents, a clean log context, and its ids to its span. */
@Order(Ordered.LOWEST_PRECEDENCE - 1) // before whatever may refuse the request
public final class RequestFilter extends OncePerRequestFilter {
    public static final String REQUEST_ID = RequestFilter.class.getName() + ".id";

    private static final List<String> LOG_KEYS = List.of("tenant", "conversation", "thread", "message");

    private final Tracer tracer;

    public RequestFilter(Tracer tracer) {
        this.tracer = tracer;
    }

    @Override
    protected void doFilterInternal(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
            throws ServletException, IOException {
        String id = Ids.v7().toString();
        request.setAttribute(REQUEST_ID, id);
        response.setHeader("Request-Id", id);
        response.setHeader("X-Content-Type-Options", "nosniff");
        try {
            chain.doFilter(request, response);
        } finally {
            if (Spans.areMade(tracer)) {
                Spans.tagWithIds(tracer.currentSpan());
            }
            LOG_KEYS.forEach(MDC::remove);
        }
    }
}
