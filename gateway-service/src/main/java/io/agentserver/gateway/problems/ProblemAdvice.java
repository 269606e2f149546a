package io.agentserver.gateway.problems;

import io.agentserver.envelope.Ids;
import jakarta.servlet.http.HttpServletRequest;
import org.apache.catalina.connector.ClientAbortException;
import org.apache.coyote.BadRequestException;
import org.apache.coyote.CloseNowException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.TypeMismatchException;
import org.springframework.http.HttpHeaders;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.ErrorResponse;
import org.springframework.web.HttpRequestMethodNotSupportedException;
import org.springframework.web.bind.annotation.ExceptionHandler;
import org.springframework.web.bind.annotation.RestControllerAdvice;
import org.springframework.web.context.request.async.AsyncRequestNotUsableException;
import org.springframework.web.servlet.NoHandlerFoundException;

import java.net.SocketTimeoutException;

/** The edge where everything that an endpoint throws becomes a problem document; what is nobody's fault but ours is logged. */
@RestControllerAdvice
public final class ProblemAdvice {
    private static final Logger LOG = LoggerFactory.getLogger(ProblemAdvice.class);

    private final ProblemDocuments documents;

    public ProblemAdvice(ProblemDocuments documents) {
        this.documents = documents;
    }

    @ExceptionHandler
    ResponseEntity<byte[]> refused(Refusal refusal, HttpServletRequest request) {
        return answer(refusal.problem(), request);
    }

    @ExceptionHandler
    ResponseEntity<byte[]> away(Unavailable e, HttpServletRequest request) {
        LOG.warn(
                "request {} could not be served: {} ({})",
                request.getAttribute(RequestFilter.REQUEST_ID),
                e.getMessage(),
                String.valueOf(e.getCause()));
        return answer(Problem.unavailable(String.valueOf(e.getMessage())), request);
    }

    @ExceptionHandler
    ResponseEntity<byte[]> noResource(NoHandlerFoundException e, HttpServletRequest request) {
        return answer(Problem.notFound(), request);
    }

    @ExceptionHandler
    ResponseEntity<byte[]> wrongMethod(HttpRequestMethodNotSupportedException e, HttpServletRequest request) {
        String[] allowed = e.getSupportedMethods();
        String methods = allowed == null ? "" : String.join(", ", allowed);
        ResponseEntity<byte[]> answer =
                answer(Problem.of(ProblemType.METHOD_NOT_ALLOWED, "allowed here: " + methods), request);
        return ResponseEntity.status(answer.getStatusCode())
                .headers(answer.getHeaders())
                .header(HttpHeaders.ALLOW, methods)
                .body(answer.getBody());
    }

    @ExceptionHandler
    @Nullable
    ResponseEntity<byte[]> clientGone(AsyncRequestNotUsableException e) {
        return null; // nobody is left to be answered
    }

    @ExceptionHandler
    @Nullable
    ResponseEntity<byte[]> clientGone(ClientAbortException e, HttpServletRequest request) {
        LOG.debug("the client of request {} has gone", request.getAttribute(RequestFilter.REQUEST_ID), e);
        return null; // nobody is left to be answered
    }

    /** Something broke when part of the answer had been sent: Tomcat closes the connection, so that nobody takes it for the whole. */
    @ExceptionHandler
    @SuppressWarnings("DoNotCallSuggester") // Spring alone calls it
    void cutOff(CloseNowException e) throws CloseNowException {
        throw e;
    }

    @ExceptionHandler
    ResponseEntity<byte[]> unreadable(BadRequestException e, HttpServletRequest request) {
        return answer(Problem.of(ProblemType.INVALID_REQUEST, "the body is not sent as HTTP says"), request);
    }

    @ExceptionHandler
    ResponseEntity<byte[]> wrongType(TypeMismatchException e, HttpServletRequest request) {
        return answer(Problem.of(ProblemType.INVALID_REQUEST, "a parameter or a header has a wrong value"), request);
    }

    @ExceptionHandler
    ResponseEntity<byte[]> tooSlow(SocketTimeoutException e, HttpServletRequest request) {
        return answer(Problem.of(ProblemType.REQUEST_TIMEOUT, "send the whole body within seconds"), request);
    }

    @ExceptionHandler
    ResponseEntity<byte[]> other(Exception e, HttpServletRequest request) {
        if (e instanceof ErrorResponse spring && spring.getStatusCode().is4xxClientError()) {
            return answer(
                    switch (spring.getStatusCode().value()) {
                        case 404 -> Problem.notFound();
                        case 413 -> Problem.of(ProblemType.TOO_LARGE, "the body is too large");
                        case 415 -> Problem.of(ProblemType.UNSUPPORTED_MEDIA_TYPE, "this media type is not taken here");
                        default ->
                            Problem.of(
                                    ProblemType.INVALID_REQUEST,
                                    "a parameter or a header is missing or has a wrong value");
                    },
                    request);
        }
        LOG.error("request {} failed", request.getAttribute(RequestFilter.REQUEST_ID), e);
        return answer(Problem.of(ProblemType.INTERNAL, "the failure is logged under the request_id"), request);
    }

    private ResponseEntity<byte[]> answer(Problem problem, HttpServletRequest request) {
        return answer(documents, problem, request);
    }

    /** What a request is answered that is refused for this. */
    public static ResponseEntity<byte[]> answer(
            ProblemDocuments documents, Problem problem, HttpServletRequest request) {
        ResponseEntity.BodyBuilder answer = ResponseEntity.status(problem.type().status())
                .contentType(MediaType.APPLICATION_PROBLEM_JSON)
                .header(HttpHeaders.CACHE_CONTROL, "no-store");
        if (problem.type().status() == 401) {
            answer.header(HttpHeaders.WWW_AUTHENTICATE, "Bearer realm=\"agentserver\"");
        }
        if (problem.type().status() == 503) {
            answer.header(HttpHeaders.RETRY_AFTER, String.valueOf(Problem.RETRY_AFTER));
        }
        Object seconds = problem.more().get(Problem.RETRY_AFTER_MEMBER);
        if (seconds != null) {
            answer.header(HttpHeaders.RETRY_AFTER, seconds.toString());
        }
        if (request.getAttribute(RequestFilter.REQUEST_ID) instanceof String requestId) {
            return answer.body(documents.write(problem, requestId));
        }
        String requestId = Ids.v7().toString(); // the server refused it before any filter saw it
        return answer.header("Request-Id", requestId).body(documents.write(problem, requestId));
    }
}
