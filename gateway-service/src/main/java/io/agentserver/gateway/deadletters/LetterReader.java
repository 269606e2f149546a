package io.agentserver.gateway.deadletters;

import io.agentserver.envelope.Envelope;
import io.agentserver.envelope.EnvelopeDocument;
import io.agentserver.envelope.EnvelopeToken;
import io.agentserver.envelope.EnvelopeToken.Verification;
import io.agentserver.envelope.Meta;
import io.agentserver.envelope.TenantId;
import io.agentserver.log.RecordHeaders;
import io.agentserver.log.RecordMac;
import io.agentserver.log.Topics;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.regex.Pattern;

/**
 * Reads a record as a dead letter of one tenant. Among dead letters is also what the pump could not verify: it is believed here
 * no more than there. An envelope counts if it has the MAC that its message had, or a token that verifies under the keys of its
 * issuer (also deleted ones), is this tenant's, and stands under its own thread. Safe on any thread.
 */
public final class LetterReader {
    private static final Logger LOG = LoggerFactory.getLogger(LetterReader.class);
    /** A pump's reason may quote an exception: its words are for the tenant, its class is not. */
    private static final Pattern CLASS_NAME = Pattern.compile("(?:[a-z_][a-z0-9_]*+\\.){2,16}+[A-Z][\\w$]*+(?:: )?");
    /** The pump writes no longer one; what else wrote there must not cost more than it. */
    private static final int LONGEST_REASON = 500;

    private final RecordMac mac;
    private final EnvelopeToken tokens;
    private final EnvelopeToken.Keys keys;

    public LetterReader(RecordMac mac, EnvelopeToken tokens, EnvelopeToken.Keys keys) {
        this.mac = mac;
        this.tokens = tokens;
        this.keys = keys;
    }

    /** @param envelope null: none that can be believed */
    record Opened(DeadLetter letter, @Nullable Envelope envelope) {}

    Opened open(TenantId tenant, LoggedLetter logged) {
        Envelope envelope = believed(tenant, logged);
        DeadLetter letter = new DeadLetter(
                logged.id(),
                reason(logged.text(RecordHeaders.REASON)),
                attempts(logged.text(RecordHeaders.ATTEMPTS)),
                time(logged, RecordHeaders.FIRST_FAILURE),
                time(logged, RecordHeaders.LAST_FAILURE),
                place(logged.text(RecordHeaders.ORIGINAL_PARTITION)),
                place(logged.text(RecordHeaders.ORIGINAL_OFFSET)),
                envelope == null
                        ? null
                        : new DeadLetter.About(envelope.meta(), envelope.root().name()));
        return new Opened(letter, envelope);
    }

    private @Nullable Envelope believed(TenantId tenant, LoggedLetter logged) {
        try {
            String xml = new String(logged.value(), StandardCharsets.UTF_8);
            boolean ours = mac.verifies(
                    logged.bytes(RecordHeaders.MAC), Topics.messages(tenant), logged.key(), logged.value());
            Envelope envelope = ours ? EnvelopeDocument.readOwn(xml) : EnvelopeDocument.readAgain(xml);
            Meta meta = envelope.meta();
            boolean inPlace = meta.id() != null
                    && meta.thread() != null
                    && meta.requiredThread().toString().equals(logged.keyText());
            return inPlace && (ours || isSigned(tenant, envelope)) ? envelope : null;
        } catch (IllegalArgumentException e) {
            return null; // no envelope: that may be why it is here
        } catch (RuntimeException | StackOverflowError e) { // one record must not hide the others
            LOG.error("dead letter {} of tenant {} cannot be read", logged.id(), tenant, e);
            return null;
        }
    }

    private boolean isSigned(TenantId tenant, Envelope envelope) {
        return switch (tokens.verifyOnLog(envelope, keys)) {
            case Verification.Verified(TenantId signed, long _) -> signed.equals(tenant);
            case Verification.Refused _ -> false;
        };
    }

    private static String reason(String text) {
        String cut = text.substring(0, Math.min(LONGEST_REASON, text.length()));
        return CLASS_NAME.matcher(cut).replaceAll("");
    }

    private static long place(String text) {
        return text.matches("[0-9]{1,18}") ? Long.parseLong(text) : DeadLetter.UNKNOWN;
    }

    private static int attempts(String text) {
        return text.matches("[0-9]{1,9}") ? Integer.parseInt(text) : 1;
    }

    private static Instant time(LoggedLetter logged, String header) {
        try {
            return Instant.parse(logged.text(header));
        } catch (DateTimeParseException e) {
            return Instant.ofEpochMilli(logged.atMs()); // it has no such header
        }
    }
}
