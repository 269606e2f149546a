package io.agentserver.gateway.limits;

import io.agentserver.gateway.callers.Caller;
import io.agentserver.gateway.callers.Callers;
import io.agentserver.gateway.problems.Problem;
import io.agentserver.gateway.problems.ProblemAdvice;
import io.agentserver.gateway.problems.ProblemDocuments;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;
import org.springframework.http.HttpHeaders;
import org.springframework.http.ResponseEntity;
import org.springframework.util.function.SingletonSupplier;
import org.springframework.web.filter.OncePerRequestFilter;

import java.io.IOException;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Turns away what is over a limit before anything is done for it: too many requests open at once, or too many for an API key. Every
 * answer to a key says how much is left. Each request has its place and its share of the memory for bodies until it is over.
 */
@Order(Ordered.LOWEST_PRECEDENCE) // after the request has its id and its span
public final class LimitsFilter extends OncePerRequestFilter {
    /** Paths that are for anybody and count towards no limit. */
    public static final Set<String> OPEN = Set.of("/openapi.json", "/docs", "/healthz", "/.well-known/jwks.json");

    private final SingletonSupplier<Callers> callers;
    private final SingletonSupplier<RateLimits> limits;
    private final OpenRequests requests;
    private final BodyMemory memory;
    private final ProblemDocuments documents;

    /** Filters are made before everything else; what these need is opened in its own time, and looked for once. */
    public LimitsFilter(
            ObjectProvider<Callers> callers,
            ObjectProvider<RateLimits> limits,
            OpenRequests requests,
            BodyMemory memory,
            ProblemDocuments documents) {
        this.callers = SingletonSupplier.of(callers::getObject);
        this.limits = SingletonSupplier.of(limits::getObject);
        this.requests = requests;
        this.memory = memory;
        this.documents = documents;
    }

    /** What is for anybody costs no key anything. */
    @Override
    protected boolean shouldNotFilter(HttpServletRequest request) {
        return OPEN.contains(request.getRequestURI());
    }

    @Override
    protected void doFilterInternal(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
            throws ServletException, IOException {
        Optional<Caller> found = callers.obtain().find(request.getHeader(HttpHeaders.AUTHORIZATION));
        String owner = found.map(caller -> caller.tenant().id()).orElseGet(() -> withoutKey(request));
        try (OpenRequests.Place place = requests.enter(owner);
                BodyMemory.Share share = memory.share(owner)) {
            if (!place.isThere()) {
                refuse(OpenRequests.full(), request, response);
                return;
            }
            OpenRequests.set(request, place);
            BodyMemory.set(request, share);
            count(found.filter(caller -> caller.keyId() != null), request, response, chain);
        }
    }

    private static String withoutKey(HttpServletRequest request) {
        return Stream.of(BodyMemory.OPERATOR, BodyMemory.RESPONDERS)
                .filter(request.getRequestURI()::startsWith)
                .findFirst()
                .orElse(BodyMemory.STRANGERS);
    }

    private void count(
            Optional<Caller> caller, HttpServletRequest request, HttpServletResponse response, FilterChain chain)
            throws ServletException, IOException {
        if (caller.isEmpty()) {
            chain.doFilter(request, response); // signed envelopes are counted when it is known whose they are
            return;
        }
        Problem tooMany = limits.obtain().take(caller.get(), 1);
        limits.obtain().headers(caller.get().tenant(), caller.get().keyId()).forEach(response::setHeader);
        if (tooMany == null) {
            chain.doFilter(request, response);
        } else {
            refuse(tooMany, request, response);
        }
    }

    private void refuse(Problem problem, HttpServletRequest request, HttpServletResponse response) throws IOException {
        ResponseEntity<byte[]> answer = ProblemAdvice.answer(documents, problem, request);
        response.setStatus(answer.getStatusCode().value());
        answer.getHeaders().forEach((name, values) -> response.setHeader(name, values.getFirst()));
        byte[] body = answer.getBody();
        if (body != null) {
            response.setContentLength(body.length);
            response.getOutputStream().write(body);
        }
    }
}
