package io.agentserver.credit;

/** Redis did not answer: what was asked of it may have been done or not. */
public final class CreditUnavailableException extends RuntimeException {
    public CreditUnavailableException(Throwable cause) {
        super("Redis does not answer: credit can be neither asked nor changed", cause);
    }
}
