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
        Problem problem = ServerRefusals.problem(status instanceof Integer code ? code : 404);
        return ProblemAdvice.answer(documents, problem, request);
    }
}
