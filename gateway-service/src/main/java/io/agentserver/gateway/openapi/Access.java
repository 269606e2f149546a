package io.agentserver.gateway.openapi;

/** Who may make a call. */
public enum Access {
    /** Anybody. */
    OPEN,
    /** A tenant, with one of its API keys. */
    KEY,
    /** A tenant, with an API key or by a signed body. */
    KEY_OR_SIGNATURE,
    /** Whoever has the token in the path. */
    TOKEN,
    /** The operator, with its own key. */
    OPERATOR
}
