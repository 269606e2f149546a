package io.agentserver.router;

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

/** What goes wrong outside of a call's own flow, in OpenAI's shape and without anything of our insides. */
@RestControllerAdvice
class OpenAiErrorAdvice {
    private static final Logger LOG = LoggerFactory.getLogger(OpenAiErrorAdvice.class);

    private final RouterMetrics metrics;

    OpenAiErrorAdvice(RouterMetrics metrics) {
        this.metrics = metrics;
    }

    @ExceptionHandler({NoHandlerFoundException.class, HttpRequestMethodNotSupportedException.class})
    ResponseEntity<byte[]> noSuchCall(Exception unknown) {
        HttpStatusCode status = ((ErrorResponse) unknown).getStatusCode();
        return answer(Refusal.noSuchCall(status.value()));
    }

    @ExceptionHandler(SocketTimeoutException.class)
    ResponseEntity<byte[]> tooSlow(SocketTimeoutException late) {
        return answer(Refusal.tooSlow());
    }

    @ExceptionHandler(RuntimeException.class)
    ResponseEntity<byte[]> unexpected(RuntimeException failure) {
        LOG.error("a call failed unexpectedly", failure);
        return answer(Refusal.of(500, Refusal.Reason.INTERNAL, "the router failed; the failure is in its log"));
    }

    private ResponseEntity<byte[]> answer(Refusal refusal) {
        metrics.rejected(refusal.reason());
        return ResponseEntity.status(refusal.status())
                .contentType(MediaType.APPLICATION_JSON)
                .body(Json.write(OpenAiErrors.body(refusal)));
    }
}
