package io.agentserver.gateway.problems;

/** Every reason that a request can be refused for (CONTRACTS 5); its slug is also the metric's {@code reason}. */
public enum ProblemType {
    MALFORMED_XML("malformed-xml", 400, "The body is not acceptable XML"),
    MALFORMED_JSON("malformed-json", 400, "The body is not acceptable JSON"),
    INVALID_REQUEST("invalid-request", 400, "The request is not understood"),
    UNAUTHENTICATED("unauthenticated", 401, "No valid credentials"),
    INVALID_SIGNATURE("invalid-signature", 401, "The envelope's signature is not valid"),
    CREDIT_EXHAUSTED("credit-exhausted", 402, "The credit is used up"),
    FORBIDDEN("forbidden", 403, "Not allowed"),
    NOT_FOUND("not-found", 404, "Not found"),
    METHOD_NOT_ALLOWED("method-not-allowed", 405, "Method not allowed"),
    REQUEST_TIMEOUT("request-timeout", 408, "The body came too slowly"),
    CONFLICT("conflict", 409, "Conflict"),
    GONE("gone", 410, "No longer there"),
    PRECONDITION_FAILED("precondition-failed", 412, "The resource has changed"),
    TOO_LARGE("too-large", 413, "The body is too large"),
    UNSUPPORTED_MEDIA_TYPE("unsupported-media-type", 415, "Unsupported media type"),
    INVALID_ENVELOPE("invalid-envelope", 422, "The envelope breaks a rule"),
    INVALID_PAYLOAD("invalid-payload", 422, "The payload does not fit its schema"),
    INVALID_ORGANISM("invalid-organism", 422, "The organism has errors"),
    INVALID_KEY("invalid-key", 422, "The key cannot be registered"),
    INVALID_FIELD("invalid-field", 422, "A member of the body has a wrong value"),
    UNKNOWN_FIELD("unknown-field", 422, "The body has an unknown member"),
    UNKNOWN_LISTENER("unknown-listener", 422, "No listener takes this message"),
    IDEMPOTENCY_MISMATCH("idempotency-mismatch", 422, "The same id with another content"),
    RATE_LIMITED("rate-limited", 429, "Too many requests"),
    HEADER_TOO_LARGE("header-too-large", 431, "The header is too large"),
    INTERNAL("internal", 500, "Something went wrong here"),
    UNAVAILABLE("unavailable", 503, "Temporarily unavailable");

    private static final String TYPES = "https://xml-pipeline.org/problems/";

    private final String slug;
    private final int status;
    private final String title;

    ProblemType(String slug, int status, String title) {
        this.slug = slug;
        this.status = status;
        this.title = title;
    }

    public String slug() {
        return slug;
    }

    /** The problem document's {@code type}. */
    public String uri() {
        return TYPES + slug;
    }

    public int status() {
        return status;
    }

    public String title() {
        return title;
    }
}
