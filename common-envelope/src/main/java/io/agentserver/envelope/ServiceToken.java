package io.agentserver.envelope;

import java.time.Clock;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/**
 * The short-lived token of calls between services: the platform's key, a tenant and a scope. Whom it was verified for is
 * what a service believes, not what the request's body says. Safe on any thread.
 */
public final class ServiceToken {
    /** How long one is good; callers take a new one well before. */
    public static final Duration LIFETIME = Duration.ofSeconds(120);

    private static final String TYPE = "service+jwt";
    private static final Duration SKEW = Duration.ofSeconds(60);

    private ServiceToken() {}

    /** @param scope what is called, e.g. {@code buffer} or {@code llm:call}; several with a space between (RFC 8693, 4.2) */
    public record Caller(TenantId tenant, String scope) {}

    public static String issue(SigningKey key, TenantId tenant, String scope, Clock clock) {
        long now = clock.instant().getEpochSecond();
        Map<String, Object> claims = new LinkedHashMap<>();
        claims.put("iss", EnvelopeToken.PLATFORM);
        claims.put("aud", EnvelopeToken.PLATFORM);
        claims.put("tenant", tenant.value());
        claims.put("scope", scope);
        claims.put("iat", now);
        claims.put("exp", now + LIFETIME.toSeconds());
        return CompactJws.sign(key, TYPE, claims);
    }

    /** Empty for anything but a living token of the platform's for exactly this scope. */
    public static Optional<Caller> verify(
            String token, Function<String, Optional<VerificationKey>> platformKeys, String scope, Clock clock) {
        return read(token, platformKeys, clock).filter(caller -> caller.scope().equals(scope));
    }

    /** Empty for anything but a living token of the platform's; its scope is the caller's to judge. */
    public static Optional<Caller> read(
            String token, Function<String, Optional<VerificationKey>> platformKeys, Clock clock) {
        long now = clock.instant().getEpochSecond();
        return CompactJws.parse(token)
                .filter(jws -> jws.type().equals(TYPE))
                .filter(jws ->
                        platformKeys.apply(jws.kid()).filter(jws::isSignedBy).isPresent())
                .filter(jws -> jws.text("iss").equals(EnvelopeToken.PLATFORM)
                        && jws.text("aud").equals(EnvelopeToken.PLATFORM)
                        && TenantId.isValid(jws.text("tenant"))
                        && jws.number("iat") - SKEW.toSeconds() <= now
                        && jws.number("exp") + SKEW.toSeconds() >= now)
                .map(jws -> new Caller(new TenantId(jws.text("tenant")), jws.text("scope")));
    }
}
