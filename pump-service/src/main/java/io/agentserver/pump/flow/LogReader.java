package io.agentserver.pump.flow;

import io.agentserver.envelope.Envelope;
import io.agentserver.envelope.EnvelopeDocument;
import io.agentserver.envelope.EnvelopeToken;
import io.agentserver.envelope.EnvelopeToken.Verification;
import io.agentserver.envelope.TenantId;
import io.agentserver.log.RecordMac;
import io.agentserver.log.Topics;
import io.agentserver.service.PlatformKeys;
import io.agentserver.tenancy.TenantDirectory;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Optional;

/**
 * Believes nothing on the log that was not admitted: each record has a platform MAC, or a token that verifies under the keys of
 * its issuer (also deleted ones), and is of the tenant whose topic it is on, under its own thread. Safe on any thread.
 */
final class LogReader {
    private static final JsonMapper JSON = JsonMapper.builder().build();

    private final RecordMac mac;
    private final EnvelopeToken tokens;
    private final EnvelopeToken.Keys keys;

    LogReader(RecordMac mac, EnvelopeToken tokens, EnvelopeToken.Keys keys) {
        this.mac = mac;
        this.tokens = tokens;
        this.keys = keys;
    }

    /**
     * The platform's keys for the platform, a tenant's registered keys for the tenant. An unknown key of a tenant is
     * unavailable until all tenants have been read: it may be among those to come.
     */
    static EnvelopeToken.Keys keys(PlatformKeys platform, TenantDirectory tenants) {
        return (issuer, kid) -> {
            if (issuer.equals(EnvelopeToken.PLATFORM)) {
                return platform.find(kid);
            }
            if (!TenantId.isValid(issuer)) {
                return Optional.empty();
            }
            boolean allRead = tenants.isCaughtUp(); // before the look-up, or what was read between would be missed
            return tenants.signingKey(new TenantId(issuer), kid, true).or(() -> {
                if (!allRead) {
                    throw new UnavailableException("the tenants are not read yet");
                }
                return Optional.empty();
            });
        };
    }

    sealed interface Opened {
        /** @param version the organism version that the message is bound to; 0 for a client's */
        record Trusted(TenantId tenant, Envelope envelope, long version) implements Opened {}

        record Untrusted(String reason) implements Opened {}
    }

    /** @throws UnavailableException while it cannot be known whose key has signed it */
    Opened open(LogMessage message) {
        TenantId tenant = Topics.tenantOfMessages(message.topic()).orElse(null);
        if (tenant == null) {
            return new Opened.Untrusted("the topic is no tenant's");
        }
        if (message.keyId() != null) { // whoever seals must not begin before all pumps open what is sealed
            return new Opened.Untrusted(
                    "sealed with the data key " + message.keyId() + ", and this version opens nothing that is sealed");
        }
        boolean ours = mac.verifies(message.mac(), message.topic(), message.key(), message.value());
        Envelope envelope;
        try {
            String text = new String(message.value(), StandardCharsets.UTF_8);
            envelope = ours ? EnvelopeDocument.readOwn(text) : EnvelopeDocument.readAgain(text);
        } catch (IllegalArgumentException e) {
            return new Opened.Untrusted(String.valueOf(e.getMessage()));
        }
        if (envelope.meta().id() == null || envelope.meta().thread() == null) {
            return new Opened.Untrusted("the envelope has no id or no thread");
        }
        String thread = envelope.meta().requiredThread().toString();
        if (!thread.equals(new String(message.key(), StandardCharsets.UTF_8))) {
            return new Opened.Untrusted("the record's key is not its thread");
        }
        if (!ours) {
            return verified(tenant, envelope);
        }
        if (envelope.meta().isClients()) {
            return new Opened.Trusted(tenant, envelope, 0);
        }
        return version(envelope.meta().jwt())
                .<Opened>map(version -> new Opened.Trusted(tenant, envelope, version))
                .orElseGet(() -> new Opened.Untrusted("an output without a version in its token"));
    }

    private Opened verified(TenantId tenant, Envelope envelope) {
        return switch (tokens.verifyOnLog(envelope, keys)) {
            case Verification.Verified(TenantId signed, long version) ->
                signed.equals(tenant)
                        ? new Opened.Trusted(tenant, envelope, version)
                        : new Opened.Untrusted("the token is another tenant's");
            case Verification.Refused(String reason) -> new Opened.Untrusted("the token: " + reason);
        };
    }

    /** The claim alone: the MAC has vouched for the token. */
    private static Optional<Long> version(@Nullable String jwt) {
        String[] parts = jwt == null ? new String[0] : jwt.split("\\.", -1);
        if (parts.length != 3) {
            return Optional.empty();
        }
        try {
            JsonNode version =
                    JSON.readTree(Base64.getUrlDecoder().decode(parts[1])).path("version");
            return version.isIntegralNumber() ? Optional.of(version.longValue()) : Optional.empty();
        } catch (JacksonException | IllegalArgumentException e) {
            return Optional.empty(); // every unreadable token is the same: none
        }
    }
}
