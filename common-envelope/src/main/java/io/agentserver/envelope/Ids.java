package io.agentserver.envelope;

import com.fasterxml.uuid.Generators;
import com.fasterxml.uuid.impl.TimeBasedEpochGenerator;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.OptionalLong;
import java.util.UUID;

/** UUIDs (RFC 9562): version 7 for what is new, version 5 for what is derived. Safe on any thread. */
public final class Ids {
    /** The name space of all our derived ids: UUIDv5(URL name space, the envelope's namespace). */
    private static final UUID ROOT =
            v5(UUID.fromString("6ba7b811-9dad-11d1-80b4-00c04fd430c8"), EnvelopeNames.ENVELOPE);

    private static final TimeBasedEpochGenerator V7 = Generators.timeBasedEpochGenerator();

    private Ids() {}

    public static UUID v7() {
        return V7.generate();
    }

    /** UUIDv5 in a tenant's own name space: the same name gives two tenants two ids. */
    public static UUID inTenant(TenantId tenant, String name) {
        return v5(v5(ROOT, tenant.value()), name);
    }

    // The library's name-based generator shares one MessageDigest and locks it; this runs several times for each
    // message.
    public static UUID v5(UUID namespace, String name) {
        try {
            MessageDigest sha1 = MessageDigest.getInstance("SHA-1");
            sha1.update(ByteBuffer.allocate(16)
                    .putLong(namespace.getMostSignificantBits())
                    .putLong(namespace.getLeastSignificantBits())
                    .flip());
            ByteBuffer hash = ByteBuffer.wrap(sha1.digest(name.getBytes(StandardCharsets.UTF_8)));
            long most = hash.getLong() & ~0xF000L | 0x5000L;
            long least = hash.getLong() & 0x3FFFFFFFFFFFFFFFL | 0x8000000000000000L;
            return new UUID(most, least);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-1", e);
        }
    }

    /** When an id of version 7 says that it was made, in ms since 1970: a client may have written anything. */
    public static OptionalLong createdAtMs(UUID id) {
        return id.version() == 7 ? OptionalLong.of(id.getMostSignificantBits() >>> 16) : OptionalLong.empty();
    }

    static UUID parse(String what, String text) {
        // UUID.fromString takes "1-1-1-1-1"; two spellings of one id must not be two ids
        if (!hasForm(text)) {
            throw new IllegalArgumentException(what + ": <" + abbreviate(text) + "> is not a UUID");
        }
        return UUID.fromString(text);
    }

    /** 8-4-4-4-12 hexadecimal digits; by hand, since several are read of each message. */
    private static boolean hasForm(String text) {
        if (text.length() != 36) {
            return false;
        }
        for (int i = 0; i < 36; i++) {
            char c = text.charAt(i);
            boolean dash = i == 8 || i == 13 || i == 18 || i == 23;
            if (dash ? c != '-' : !(c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F')) {
                return false;
            }
        }
        return true;
    }

    private static String abbreviate(String text) {
        return text.length() <= 64 ? text : text.substring(0, 64) + "…";
    }
}
