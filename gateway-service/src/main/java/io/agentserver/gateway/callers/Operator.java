package io.agentserver.gateway.callers;

import io.agentserver.gateway.problems.Problem;
import org.jspecify.annotations.Nullable;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;

/** The operator, known by the one admin key. Without such a key there is no admin API at all. */
public final class Operator {
    private final byte[] key;

    /** @param key empty: no admin API */
    public Operator(String key) {
        this.key = key.getBytes(StandardCharsets.UTF_8);
    }

    /** @throws io.agentserver.gateway.problems.Refusal 401; 404 if there is no admin API */
    public void require(@Nullable String authorization) {
        if (key.length == 0) {
            throw Problem.notFound().refusal();
        }
        String token = Callers.bearer(authorization);
        // isEqual takes the same time wherever the two differ
        if (token == null || !MessageDigest.isEqual(key, token.getBytes(StandardCharsets.UTF_8))) {
            throw Problem.unauthenticated().refusal();
        }
    }
}
