package io.agentserver.router;

import io.agentserver.envelope.Ids;
import jakarta.servlet.http.HttpServletRequest;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.http.HttpStatusCode;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.ErrorResponse;
import org.springframework.web.HttpRequestMethodNotSupportedException;
import org.springframework.web.bind.annotation.ExceptionHandler;
import org.springframework.web.bind.annotation.RestControllerAdvice;
import org.springframework.web.servlet.NoHandlerFoundException;

import java.net.SocketTimeoutException;

/** What goes wrong outside of a call's own flow, in the shape of the API that was called and without anything of our insides. */
@RestControllerAdvice
class ErrorAdvice {
    private static final Logger LOG = LoggerFactory.getLogger(ErrorAdvice.class);

    private final RouterMetrics metrics;

    ErrorAdvice(RouterMetrics metrics) {
        this.metrics = metrics;
    }

    @ExceptionHandler({NoHandlerFoundException.class, HttpRequestMethodNotSupportedException.class})
    ResponseEntity<byte[]> noSuchCall(Exception unknown, HttpServletRequest request) {
        HttpStatusCode status = ((ErrorResponse) unknown).getStatusCode();
        return answer(Refusal.noSuchCall(status.value()), request);
    }

    @ExceptionHandler(SocketTimeoutException.class)
    ResponseEntity<byte[]> tooSlow(SocketTimeoutException late, HttpServletRequest request) {
        return answer(Refusal.tooSlow(), request);
    }

    @ExceptionHandler(RuntimeException.class)
    ResponseEntity<byte[]> unexpected(RuntimeException failure, HttpServletRequest request) {
        LOG.error("a call failed unexpectedly", failure);
        return answer(
                Refusal.of(500, Refusal.Reason.INTERNAL, "the router failed; the failure is in its log"), request);
    }

    private ResponseEntity<byte[]> answer(Refusal refusal, HttpServletRequest request) {
        metrics.rejected(refusal.reason());
        String requestId = Ids.v7().toString();
        return ResponseEntity.status(refusal.status())
                .contentType(MediaType.APPLICATION_JSON)
                .header("Request-Id", requestId)
                .body(Json.write(Shape.ofPath(request.getRequestURI()).refusal(refusal, requestId)));
    }
}
