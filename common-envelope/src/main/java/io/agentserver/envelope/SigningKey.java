package io.agentserver.envelope;

import java.security.PrivateKey;

/** A private key with its {@code kid}. {@code toString} shows the kid alone. */
public record SigningKey(String kid, JwsAlgorithm algorithm, PrivateKey key) {
    @Override
    public String toString() {
        return "SigningKey[" + kid + ", " + algorithm + "]";
    }
}
