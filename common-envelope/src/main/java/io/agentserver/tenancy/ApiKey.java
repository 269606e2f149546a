package io.agentserver.tenancy;

import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.zip.CRC32;

/**
 * An API key: {@code as_live_} or {@code as_test_}, 32 random bytes in base62 (43 digits), and a checksum (CRC-32, 6
 * digits) that tells a mistyped or a made-up key without a look-up. Only its SHA-256 is ever stored. {@code toString}
 * shows the kind alone.
 */
public record ApiKey(String secret) {
    private static final String DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    private static final Pattern FORM = Pattern.compile("as_(live|test)_[0-9A-Za-z]{49}");
    private static final int CHECKSUM = 6;

    public static ApiKey create(boolean live, SecureRandom random) {
        byte[] bytes = new byte[32];
        random.nextBytes(bytes);
        String body = (live ? "as_live_" : "as_test_") + base62(new BigInteger(1, bytes), 43);
        return new ApiKey(body + checksum(body));
    }

    /** Empty if the text cannot be a key of ours. */
    public static Optional<ApiKey> parse(String text) {
        if (!FORM.matcher(text).matches()) {
            return Optional.empty();
        }
        String body = text.substring(0, text.length() - CHECKSUM);
        return checksum(body).equals(text.substring(body.length())) ? Optional.of(new ApiKey(text)) : Optional.empty();
    }

    /** SHA-256, in hex: what is stored, and what a key is found by. */
    public String hash() {
        try {
            byte[] hash = MessageDigest.getInstance("SHA-256").digest(secret.getBytes(StandardCharsets.US_ASCII));
            return java.util.HexFormat.of().formatHex(hash);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }

    @Override
    public String toString() {
        return secret.substring(0, 8) + "…";
    }

    private static String checksum(String body) {
        CRC32 crc = new CRC32();
        crc.update(body.getBytes(StandardCharsets.US_ASCII));
        char[] text = new char[CHECKSUM];
        long rest = crc.getValue();
        for (int i = CHECKSUM - 1; i >= 0; i--) {
            text[i] = DIGITS.charAt((int) (rest % DIGITS.length()));
            rest /= DIGITS.length();
        }
        return new String(text);
    }

    private static String base62(BigInteger number, int length) {
        char[] text = new char[length];
        BigInteger rest = number;
        for (int i = length - 1; i >= 0; i--) {
            BigInteger[] division = rest.divideAndRemainder(BigInteger.valueOf(62));
            text[i] = DIGITS.charAt(division[1].intValue());
            rest = division[0];
        }
        return new String(text);
    }
}
