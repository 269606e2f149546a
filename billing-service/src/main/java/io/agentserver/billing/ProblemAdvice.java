package io.agentserver.billing;

import io.agentserver.billing.topup.PaymentsAwayException;
import io.agentserver.credit.CreditUnavailableException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.http.HttpStatus;
import org.springframework.http.HttpStatusCode;
import org.springframework.http.ProblemDetail;
import org.springframework.http.ResponseEntity;
import org.springframework.web.ErrorResponse;
import org.springframework.web.bind.annotation.ExceptionHandler;
import org.springframework.web.bind.annotation.RestControllerAdvice;
import software.amazon.awssdk.core.exception.SdkException;

/** What no endpoint answers itself, as problem documents too; logged here, once. */
@RestControllerAdvice
final class ProblemAdvice {
    private static final Logger LOG = LoggerFactory.getLogger(ProblemAdvice.class);

    private final Problems problems;

    ProblemAdvice(Problems problems) {
        this.problems = problems;
    }

    @ExceptionHandler
    ResponseEntity<ProblemDetail> storeAway(SdkException e) {
        LOG.warn("the ledger cannot be read", e);
        return problems.answer(
                HttpStatus.SERVICE_UNAVAILABLE, "unavailable", "the ledger cannot be read now; try again");
    }

    @ExceptionHandler
    ResponseEntity<ProblemDetail> creditAway(CreditUnavailableException e) {
        LOG.warn("nothing is posted for the moment", e);
        return problems.answer(
                HttpStatus.SERVICE_UNAVAILABLE, "unavailable", "credit cannot be changed now; try again");
    }

    @ExceptionHandler
    ResponseEntity<ProblemDetail> stripeAway(PaymentsAwayException e) {
        LOG.warn("Stripe cannot be asked", e);
        return problems.answer(
                HttpStatus.SERVICE_UNAVAILABLE, "unavailable", "payments cannot be looked up now; try again");
    }

    @ExceptionHandler
    ResponseEntity<ProblemDetail> other(Exception e) {
        // Spring's own refusals (no such path, wrong method, …) say their status
        if (e instanceof ErrorResponse refusal) {
            HttpStatusCode code = refusal.getStatusCode();
            HttpStatus status = HttpStatus.resolve(code.value());
            if (status != null && status.is4xxClientError()) {
                return problems.answer(
                        status,
                        status == HttpStatus.NOT_FOUND ? "not-found" : "bad-request",
                        status == HttpStatus.NOT_FOUND ? "there is nothing here" : status.getReasonPhrase());
            }
        }
        LOG.error("a request failed", e);
        return problems.answer(HttpStatus.INTERNAL_SERVER_ERROR, "internal", "the request failed; it was logged");
    }
}
