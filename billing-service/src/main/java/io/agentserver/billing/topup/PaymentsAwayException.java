package io.agentserver.billing.topup;

/** Stripe did not answer, or not as it should: trying again is safe and may help. */
public final class PaymentsAwayException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public PaymentsAwayException(String message, Throwable cause) {
        super(message, cause);
    }
}
