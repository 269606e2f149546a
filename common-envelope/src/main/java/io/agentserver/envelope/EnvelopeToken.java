package io.agentserver.envelope;

import org.jspecify.annotations.Nullable;

import java.time.Clock;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;

/** Signs and verifies the token in an envelope (CONTRACTS 2). Safe on any thread. */
public final class EnvelopeToken {
    public static final String PLATFORM = "agentserver";
    private static final String TYPE = "envelope+jwt";
    private static final Duration LIFETIME = Duration.ofSeconds(300);
    private static final Duration SKEW = Duration.ofSeconds(60);
    private static final Set<String> INSIDE = Set.of("turn", "cause", "version");

    private final Clock clock;

    public EnvelopeToken(Clock clock) {
        this.clock = clock;
    }

    /** Where the public keys of an issuer are found. */
    @FunctionalInterface
    public interface Keys {
        /** @param issuer {@value PLATFORM} or a tenant's id, not checked further */
        Optional<VerificationKey> find(String issuer, String kid);
    }

    /** What may be said of a token that was refused inside the platform; a client is never told. */
    public sealed interface Verification {
        /** @param version the organism version of the turn; 0 for a client's message */
        record Verified(TenantId tenant, long version) implements Verification {}

        record Refused(String reason) implements Verification {}
    }

    /** Signs for an API-key caller. The document must have its ids; it gets its {@code <jwt>}. */
    public Envelope signForClient(EnvelopeDocument document, TenantId tenant, SigningKey key) {
        Envelope unsigned = document.toEnvelope();
        String token = CompactJws.sign(key, TYPE, claims(unsigned, PLATFORM, tenant));
        document.sign(token);
        PlainShape plain = PlainShape.of(unsigned.xml());
        return plain == null ? document.toEnvelope() : plain.withToken(token);
    }

    /** Signs an output of the platform, at the moment it is put on the log. */
    public Envelope signOutput(Envelope unsigned, TenantId tenant, SigningKey key, long organismVersion) {
        Meta meta = unsigned.meta();
        Map<String, Object> claims = claims(unsigned, PLATFORM, tenant);
        claims.put("turn", String.valueOf(meta.turn()));
        claims.put("cause", String.valueOf(meta.cause()));
        claims.put("version", organismVersion);
        return withToken(unsigned, CompactJws.sign(key, TYPE, claims));
    }

    /** As an org signs: with its own key, in its own name. For clients' libraries and tests. */
    public Envelope signAsOrg(EnvelopeDocument document, TenantId tenant, SigningKey key) {
        Envelope unsigned = document.toEnvelope();
        document.sign(CompactJws.sign(key, TYPE, claims(unsigned, tenant.value(), tenant)));
        return document.toEnvelope();
    }

    /**
     * At admission: signature, every claim, and the time; the digest last, so that a document is canonicalised for nobody who
     * has not signed.
     */
    public Verification verifyAtAdmission(EnvelopeDocument document, Keys keys) {
        return verify(document.meta(), document::toEnvelope, keys, true);
    }

    /** Of what stands on the log: all but the time and the revocation of keys, which were judged at admission. */
    public Verification verifyOnLog(Envelope envelope, Keys keys) {
        return verify(envelope.meta(), () -> envelope, keys, false);
    }

    private Verification verify(Meta meta, Supplier<Envelope> envelope, Keys keys, boolean admission) {
        CompactJws token =
                meta.jwt() == null ? null : CompactJws.parse(meta.jwt()).orElse(null);
        if (token == null || !TYPE.equals(token.type())) {
            return new Verification.Refused("no token, or none in the strict compact form");
        }
        String issuer = token.text("iss");
        VerificationKey key = keys.find(issuer, token.kid()).orElse(null);
        if (key == null || !token.isSignedBy(key)) {
            return new Verification.Refused("no registered key of the issuer made this signature");
        }
        String reason = contradiction(token, meta, issuer);
        if (reason == null && admission) {
            reason = lateOrEarly(token);
        }
        if (reason == null && admission && INSIDE.stream().anyMatch(token::has)) {
            reason = "claims of the platform's own in a client's token";
        }
        if (reason == null && !token.text("digest").equals(envelope.get().digestClaim())) {
            reason = "digest";
        }
        if (reason != null) {
            return new Verification.Refused(reason);
        }
        return new Verification.Verified(
                new TenantId(token.text("tenant")), token.has("version") ? token.number("version") : 0);
    }

    /** Which claim says something else than the envelope; null if none. */
    private static @Nullable String contradiction(CompactJws token, Meta meta, String issuer) {
        String tenant = token.text("tenant");
        if (!TenantId.isValid(tenant) || !(issuer.equals(PLATFORM) || issuer.equals(tenant))) {
            return "iss, tenant";
        }
        if (!token.text("aud").equals(PLATFORM)) {
            return "aud";
        }
        if (!token.text("sub").equals(meta.from())) {
            return "sub";
        }
        if (meta.id() == null || !token.text("jti").equals(meta.id().toString())) {
            return "jti";
        }
        if (meta.thread() == null || !token.text("thread").equals(meta.thread().toString())) {
            return "thread";
        }
        boolean inside = !meta.isClients();
        if (inside != token.has("turn")
                || inside && !issuer.equals(PLATFORM)
                || inside && !token.text("turn").equals(String.valueOf(meta.turn()))
                || inside && !token.text("cause").equals(String.valueOf(meta.cause()))) {
            return "turn, cause";
        }
        return null;
    }

    private @Nullable String lateOrEarly(CompactJws token) {
        long issued = token.number("iat");
        long expires = token.number("exp");
        long now = clock.instant().getEpochSecond();
        if (issued < 0 || expires < issued || expires - issued > LIFETIME.toSeconds()) {
            return "iat, exp: more than 300 s apart, or the wrong way round";
        }
        return expires + SKEW.toSeconds() < now || issued - SKEW.toSeconds() > now
                ? "expired, or from the future"
                : null;
    }

    private Map<String, Object> claims(Envelope envelope, String issuer, TenantId tenant) {
        Meta meta = envelope.meta();
        long now = clock.instant().getEpochSecond();
        Map<String, Object> claims = new LinkedHashMap<>();
        claims.put("iss", issuer);
        claims.put("tenant", tenant.value());
        claims.put("sub", meta.from());
        claims.put("aud", PLATFORM);
        claims.put("iat", now);
        claims.put("exp", now + LIFETIME.toSeconds());
        claims.put("jti", meta.requiredId().toString());
        claims.put("thread", meta.requiredThread().toString());
        claims.put("digest", envelope.digestClaim());
        return claims;
    }

    /** Puts the token at the end of {@code <meta>}. */
    private static Envelope withToken(Envelope unsigned, String token) {
        PlainShape plain = PlainShape.of(unsigned.xml());
        if (plain != null) {
            return plain.withToken(token);
        }
        return switch (EnvelopeDocument.read(unsigned.bytes(), XmlLimits.CANONICAL)) {
            case Reading.Read(EnvelopeDocument document) -> {
                document.sign(token);
                yield document.toEnvelope();
            }
            case Reading.Malformed _, Reading.Invalid _, Reading.TooLarge _ ->
                throw new IllegalArgumentException("no envelope of the platform's own making");
        };
    }
}
