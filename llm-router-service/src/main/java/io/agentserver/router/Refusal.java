package io.agentserver.router;

import org.jspecify.annotations.Nullable;

import java.time.Duration;

/**
 * Why a call gets no answer; written as the API that was called writes its errors.
 *
 * @param status the HTTP status
 * @param param the request's member that is wrong, if it is one
 * @param retryAfter when to come again, where that helps
 */
record Refusal(
        int status,
        Reason reason,
        String message,
        @Nullable String param,
        @Nullable Duration retryAfter) {
    static final Duration SOON = Duration.ofSeconds(5);

    /** The {@code reason} of {@code agentserver_rejected_total}, and OpenAI's {@code type} and {@code code}. */
    enum Reason {
        UNAUTHENTICATED("unauthenticated", "invalid_request_error", "invalid_api_key"),
        FORBIDDEN("forbidden", "invalid_request_error", "insufficient_scope"),
        INVALID("invalid-request", "invalid_request_error", null),
        TOO_LARGE("too-large", "invalid_request_error", "request_too_large"),
        UNSUPPORTED_TYPE("unsupported-type", "invalid_request_error", "unsupported_media_type"),
        TOO_SLOW("request-timeout", "invalid_request_error", "request_timeout"),
        NOT_FOUND("not-found", "invalid_request_error", "not_found"),
        UNKNOWN_MODEL("unknown-model", "invalid_request_error", "model_not_found"),
        IDEMPOTENCY_MISMATCH("idempotency-mismatch", "invalid_request_error", "idempotency-mismatch"),
        ANSWER_NOT_KEPT("answer-not-kept", "invalid_request_error", "answer_not_kept"),
        RATE_LIMITED("rate-limited", "rate_limit_error", "rate_limit_exceeded"),
        CREDIT_EXHAUSTED("credit-exhausted", "insufficient_quota", "credit_exhausted"),
        CREDIT_UNKNOWN("credit-unknown", "server_error", "unavailable"),
        PROVIDER_REFUSED("provider-refused", "invalid_request_error", "provider_refused"),
        PROVIDER_BROKEN("provider-broken", "server_error", "provider_broken"),
        CLIENT_GONE("client-gone", "invalid_request_error", "client_gone"),
        UNAVAILABLE("unavailable", "server_error", "unavailable"),
        INTERNAL("internal", "server_error", "internal");

        private final String label;
        private final String type;
        private final @Nullable String code;

        Reason(String label, String type, @Nullable String code) {
            this.label = label;
            this.type = type;
            this.code = code;
        }

        String label() {
            return label;
        }

        String type() {
            return type;
        }

        @Nullable
        String code() {
            return code;
        }
    }

    static Refusal invalid(String message, @Nullable String param) {
        return new Refusal(400, Reason.INVALID, message, param, null);
    }

    static Refusal noSuchCall(int status) {
        return of(
                status,
                Reason.NOT_FOUND,
                "no such call; known: POST /v1/chat/completions, /v1/embeddings, /v1/messages, GET /v1/models");
    }

    static Refusal tooSlow() {
        return of(408, Reason.TOO_SLOW, "send the whole request within seconds");
    }

    /** Nobody reads it. */
    static Refusal clientGone() {
        return of(499, Reason.CLIENT_GONE, "the client has hung up"); // nginx's status for it
    }

    static Refusal unavailable(String message) {
        return new Refusal(503, Reason.UNAVAILABLE, message, null, SOON);
    }

    static Refusal of(int status, Reason reason, String message) {
        return new Refusal(status, reason, message, null, null);
    }
}
