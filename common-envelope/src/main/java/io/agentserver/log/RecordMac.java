package io.agentserver.log;

import org.jspecify.annotations.Nullable;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * The header {@code mac}: HMAC-SHA-256 under the platform's secret over topic, key and value of a record, set by whoever
 * has verified or made the envelope's signature, so that the next reader need not do it again. The topic is part of it
 * so that a record cannot be moved to another tenant's. Safe on any thread.
 */
public final class RecordMac {
    private static final String ALGORITHM = "HmacSHA256";

    private final SecretKeySpec secret;
    /** With the key set: to find an algorithm and to set a key costs as much as a short record's MAC. */
    private final Queue<Mac> idle = new ConcurrentLinkedQueue<>();

    /** @param secret at least 32 bytes */
    public RecordMac(byte[] secret) {
        if (secret.length < 32) {
            throw new IllegalArgumentException("the platform secret has " + secret.length + " bytes; 32 are the least");
        }
        this.secret = new SecretKeySpec(secret, ALGORITHM);
    }

    public byte[] of(String topic, byte[] key, byte[] value) {
        Mac mac = idle.poll();
        if (mac == null) {
            mac = keyed();
        }
        mac.update(topic.getBytes(StandardCharsets.UTF_8));
        mac.update((byte) 0);
        mac.update(key);
        mac.update((byte) 0);
        byte[] tag = mac.doFinal(value);
        idle.add(mac); // which is as new again; there are as many as were ever at work at once
        return tag;
    }

    private Mac keyed() {
        try {
            Mac mac = Mac.getInstance(ALGORITHM);
            mac.init(secret);
            return mac;
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every JDK has HmacSHA256", e);
        }
    }

    public boolean verifies(byte @Nullable [] mac, String topic, byte[] key, byte[] value) {
        return mac != null && MessageDigest.isEqual(mac, of(topic, key, value));
    }
}
