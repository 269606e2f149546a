package io.agentserver.envelope;

import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/**
 * The right to answer one message later, handed to the service with the message: signed with the platform's key, so that
 * nobody keeps a table of them, and of a type of its own, so that it is of no use elsewhere. Whoever has it may answer: it
 * belongs in no log. Safe on any thread.
 */
public final class RespondToken {
    private static final String TYPE = "respond+jwt";
    private static final long SKEW_SECONDS = 60;

    private RespondToken() {}

    /**
     * The message that may be answered.
     *
     * @param listener whose answer it is
     * @param version of the organism that the message's turn is bound to
     * @param until when the wait for it ends, to the second
     */
    public record Asked(
            TenantId tenant,
            ThreadId conversation,
            ThreadId thread,
            MessageId message,
            String listener,
            long version,
            Instant until) {

        /** Nobody can be waiting any more. The journal, not our clock, decides about what is close. */
        public boolean isOver(Instant now) {
            return now.isAfter(until.plusSeconds(SKEW_SECONDS));
        }
    }

    public static String issue(SigningKey key, Asked asked) {
        Map<String, Object> claims = new LinkedHashMap<>();
        claims.put("iss", EnvelopeToken.PLATFORM);
        claims.put("aud", EnvelopeToken.PLATFORM);
        claims.put("tenant", asked.tenant().value());
        claims.put("conversation", asked.conversation().toString());
        claims.put("thread", asked.thread().toString());
        claims.put("jti", asked.message().toString());
        claims.put("sub", asked.listener());
        claims.put("version", asked.version());
        claims.put("exp", asked.until().getEpochSecond());
        return CompactJws.sign(key, TYPE, claims);
    }

    /** Empty for anything but such a token of the platform's; whether its time is over is the caller's to ask. */
    public static Optional<Asked> verify(String token, Function<String, Optional<VerificationKey>> platformKeys) {
        return CompactJws.parse(token)
                .filter(jws -> jws.type().equals(TYPE))
                .filter(jws ->
                        platformKeys.apply(jws.kid()).filter(jws::isSignedBy).isPresent())
                .filter(jws -> jws.text("iss").equals(EnvelopeToken.PLATFORM)
                        && jws.text("aud").equals(EnvelopeToken.PLATFORM)
                        && TenantId.isValid(jws.text("tenant"))
                        && jws.number("exp") > 0)
                .map(jws -> new Asked(
                        new TenantId(jws.text("tenant")),
                        ThreadId.parse(jws.text("conversation")),
                        ThreadId.parse(jws.text("thread")),
                        MessageId.parse(jws.text("jti")),
                        jws.text("sub"),
                        jws.number("version"),
                        Instant.ofEpochSecond(jws.number("exp"))));
    }
}
