package io.agentserver.gateway.problems;

import jakarta.servlet.RequestDispatcher;
import jakarta.servlet.http.HttpServletRequest;
import org.springframework.boot.webmvc.error.ErrorController;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RestController;

/** What the servlet container itself refuses, before or outside any endpoint, in the shape of all other problems. */
@RestController
public final class ErrorEndpoint implements ErrorController {
    private final ProblemDocuments documents;

    public ErrorEndpoint(ProblemDocuments documents) {
        this.documents = documents;
    }

    @RequestMapping("/error")
    ResponseEntity<byte[]> error(HttpServletRequest request) {
        Object status = request.getAttribute(RequestDispatcher.ERROR_STATUS_CODE);
        Problem problem = switch (status instanceof Integer code ? code : 404) {
            case 400 -> Problem.of(ProblemType.INVALID_REQUEST, "the request is not understood");
            case 404 -> Problem.notFound();
            case 405 -> Problem.of(ProblemType.METHOD_NOT_ALLOWED, "this method is not allowed here");
            case 408 -> Problem.of(ProblemType.REQUEST_TIMEOUT, "send the whole body within seconds");
            case 413 -> Problem.of(ProblemType.TOO_LARGE, "the body is too large");
            default -> Problem.of(ProblemType.INTERNAL, "the failure is logged under the request_id");
        };
        return ProblemAdvice.answer(documents, problem, request);
    }
}
