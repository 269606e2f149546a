package io.agentserver.envelope;

import java.util.Arrays;
import java.util.Optional;

/** The signature algorithms that a token may have (CONTRACTS 2). The constants' names are JOSE's. */
@SuppressWarnings("MemberName") // JOSE's spelling is the wire's
public enum JwsAlgorithm {
    EdDSA("Ed25519"),
    ES256("SHA256withECDSAinP1363Format"),
    RS256("SHA256withRSA");

    private final String jcaName;

    JwsAlgorithm(String jcaName) {
        this.jcaName = jcaName;
    }

    String jcaName() {
        return jcaName;
    }

    public static Optional<JwsAlgorithm> of(String joseName) {
        return Arrays.stream(values()).filter(a -> a.name().equals(joseName)).findFirst();
    }
}
