package io.agentserver.gateway.problems;

import io.agentserver.envelope.Ids;
import io.agentserver.service.http.ServerRefusal;
import jakarta.servlet.http.HttpServletResponse;
import org.springframework.http.HttpHeaders;
import org.springframework.http.MediaType;

import java.io.IOException;

/** What the servlet container itself refuses, in the shape of all other problems and counted like them. */
public final class ServerRefusals implements ServerRefusal {
    private final ProblemDocuments documents;

    public ServerRefusals(ProblemDocuments documents) {
        this.documents = documents;
    }

    /** For a request that no filter has seen: it has no id yet. */
    @Override
    public void answer(int status, HttpServletResponse response) throws IOException {
        Problem problem = problem(status);
        String requestId = Ids.v7().toString();
        byte[] body = documents.write(problem, requestId);
        response.setStatus(problem.type().status());
        response.setHeader("Request-Id", requestId);
        response.setHeader("X-Content-Type-Options", "nosniff");
        response.setHeader(HttpHeaders.CACHE_CONTROL, "no-store");
        if (problem.type().status() == 503) {
            response.setHeader(HttpHeaders.RETRY_AFTER, String.valueOf(Problem.RETRY_AFTER));
        }
        response.setContentType(MediaType.APPLICATION_PROBLEM_JSON_VALUE);
        response.setContentLength(body.length);
        response.getOutputStream().write(body);
    }

    static Problem problem(int status) {
        return switch (status) {
            case 404 -> Problem.notFound();
            case 405 -> Problem.of(ProblemType.METHOD_NOT_ALLOWED, "this method is not allowed here");
            case 408 -> Problem.of(ProblemType.REQUEST_TIMEOUT, "send the whole request within seconds");
            case 413 -> Problem.of(ProblemType.TOO_LARGE, "the body is too large");
            case 431 -> Problem.of(ProblemType.HEADER_TOO_LARGE, "at most 16 KiB and 100 fields are taken");
            case 500 -> Problem.of(ProblemType.INTERNAL, "the failure is logged under the request_id");
            case 503 -> Problem.unavailable("this server is stopping; try again");
            default -> Problem.of(ProblemType.INVALID_REQUEST, "the request is not understood");
        };
    }
}
