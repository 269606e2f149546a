package io.agentserver.envelope;

import io.agentserver.envelope.EnvelopeToken.Verification;
import io.agentserver.envelope.Samples.Expect;
import io.agentserver.envelope.Samples.Sample;
import io.agentserver.organism.Listener;
import io.agentserver.organism.Organism;
import io.agentserver.organism.OrganismParser;
import io.agentserver.organism.Parsed;
import io.agentserver.organism.Problem;
import io.agentserver.organism.Route;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Clock;
import java.time.ZoneOffset;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

import static org.assertj.core.api.Assertions.assertThat;

/** Every sample message has the outcome that the index says, as far as this module decides it: in the gateway's order, without HTTP. */
class SamplesTest {
    private static final Samples SAMPLES = Samples.load();
    private static final Organism ORGANISM = organism();
    private static final Map<String, VerificationKey> KEYS = keys();

    private final EnvelopeToken tokens = new EnvelopeToken(Clock.fixed(SAMPLES.clock(), ZoneOffset.UTC));

    static List<Sample> samples() {
        return SAMPLES.samples();
    }

    @ParameterizedTest
    @MethodSource("samples")
    void each_has_its_outcome(Sample sample) {
        assertThat(outcome(sample)).isEqualTo(sample.expect());
    }

    @Test
    void there_are_good_and_bad_ones_of_every_kind() {
        Set<String> kinds = SAMPLES.samples().stream()
                .map(s -> (s.signed() ? "signed, " : "")
                        + (s.expect().isAccepted() ? "accepted" : s.expect().problem()))
                .collect(Collectors.toSet());
        assertThat(kinds)
                .containsExactlyInAnyOrder(
                        "accepted",
                        "signed, accepted",
                        "signed, invalid-signature",
                        "malformed-xml",
                        "too-large",
                        "invalid-envelope",
                        "unknown-listener",
                        "invalid-payload");
    }

    private Expect outcome(Sample sample) {
        return switch (EnvelopeDocument.read(sample.bytes(), XmlLimits.DEFAULT)) {
            case Reading.TooLarge _ -> refused(413, "too-large", null);
            case Reading.Malformed _ -> refused(400, "malformed-xml", null);
            // it is sent without an API key, and an envelope that breaks the form is signed by nobody
            case Reading.Invalid _ when sample.signed() -> refused(401, "invalid-signature", null);
            case Reading.Invalid invalid -> refused(422, "invalid-envelope", invalid.pointer());
            case Reading.Read(EnvelopeDocument document) -> outcome(document);
        };
    }

    private Expect outcome(EnvelopeDocument document) {
        if (document.meta().jwt() != null
                && tokens.verifyAtAdmission(document, SamplesTest::key) instanceof Verification.Refused) {
            return refused(401, "invalid-signature", null);
        }
        Meta meta = document.meta();
        if (!meta.isClients()) {
            String name = meta.conversation() != null ? "conversation" : meta.turn() != null ? "turn" : "cause";
            return refused(422, "invalid-envelope", "/message/meta/" + name);
        }
        if (EnvelopeNames.RESERVED.contains(meta.from())
                || ORGANISM.listener(meta.from()).isPresent()) {
            return refused(422, "invalid-envelope", "/message/meta/from");
        }
        Envelope envelope = document.toEnvelope();
        return switch (ORGANISM.route(
                meta.to(), envelope.root().name(), envelope.root().namespace())) {
            case Route.None _ -> refused(422, "unknown-listener", null);
            case Route.One(Listener listener) -> outcome(envelope, listener);
            case Route.Broadcast _ -> throw new AssertionError("no sample is broadcast");
        };
    }

    private static Expect outcome(Envelope envelope, Listener listener) {
        List<Problem> problems = listener.payload().validate(envelope.payload());
        return problems.isEmpty()
                ? new Expect("accepted", sha256(envelope.bytes()), null, null, null)
                : refused(
                        422, "invalid-payload", "/message" + problems.getFirst().pointer());
    }

    private static Expect refused(int status, String problem, @Nullable String pointer) {
        return new Expect("refused", null, status, problem, pointer);
    }

    private static Optional<VerificationKey> key(String issuer, String kid) {
        return issuer.equals(SAMPLES.tenant()) ? Optional.ofNullable(KEYS.get(kid)) : Optional.empty();
    }

    private static Map<String, VerificationKey> keys() {
        try {
            Map<String, VerificationKey> keys = new HashMap<>();
            for (String jwk : SAMPLES.registeredJwks()) {
                VerificationKey key = VerificationKey.ofJwk(jwk);
                keys.put(key.kid(), key);
            }
            return keys;
        } catch (VerificationKey.Unfit e) {
            throw new AssertionError(e);
        }
    }

    private static Organism organism() {
        return switch (new OrganismParser(Set.of("echo"), Set.of()).parse(SAMPLES.organismYaml())) {
            case Parsed.Valid(Organism organism) -> organism;
            case Parsed.Invalid(var errors) -> throw new AssertionError(errors);
        };
    }

    private static String sha256(byte[] bytes) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError(e);
        }
    }
}
