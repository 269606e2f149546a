package io.agentserver.loadtests;

import com.amazon.corretto.crypto.provider.AmazonCorrettoCryptoProvider;
import com.ctc.wstx.stax.WstxInputFactory;
import com.fasterxml.aalto.stax.InputFactoryImpl;
import io.agentserver.envelope.Envelope;
import io.agentserver.envelope.EnvelopeDocument;
import io.agentserver.envelope.EnvelopeToken;
import io.agentserver.envelope.EnvelopeToken.Verification;
import io.agentserver.envelope.JwsAlgorithm;
import io.agentserver.envelope.MessageId;
import io.agentserver.envelope.Meta;
import io.agentserver.envelope.Reading;
import io.agentserver.envelope.SigningKey;
import io.agentserver.envelope.TenantId;
import io.agentserver.envelope.ThreadId;
import io.agentserver.envelope.VerificationKey;
import io.agentserver.envelope.XmlLimits;
import org.apache.xml.security.Init;
import org.apache.xml.security.c14n.implementations.Canonicalizer20010315ExclOmitComments;
import org.apache.xml.security.utils.UnsyncByteArrayOutputStream;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.xml.sax.SAXException;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.Signature;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Base64;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import javax.xml.parsers.DocumentBuilder;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.stream.XMLInputFactory;
import javax.xml.stream.XMLStreamException;
import javax.xml.stream.XMLStreamReader;
import javax.xml.transform.stax.StAXSource;
import javax.xml.validation.SchemaFactory;
import javax.xml.validation.Validator;

/**
 * What an envelope costs before it is admitted, on one thread, beside the least that it could cost: reading against a bare parse, a
 * signature against its bare verification. Run by {@link EnvelopeRatios}, whose process is JMH's.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
public class EnvelopeBench {
    /** With its ids, and a payload that makes it this long: bytes. */
    static final int BYTES = 600;

    private static final TenantId TENANT = new TenantId("bench");

    private final XMLInputFactory woodstox = factory(new WstxInputFactory());
    private final XMLInputFactory aalto = factory(new InputFactoryImpl());
    private final DocumentBuilder builder;
    private final Validator validator;
    private final EnvelopeToken tokens =
            new EnvelopeToken(Clock.fixed(Instant.now(), ZoneOffset.UTC)); // nothing expires
    private final VerificationKey key;
    private final Signature bare;
    private final Signature signer;
    private final PrivateKey loaded;
    private final PrivateKey providersOwn;
    private final byte[] signedContent;
    private final byte[] signature;
    private final byte[] unsigned;
    private final byte[] signed;

    /** Makes the messages, and a key. */
    public EnvelopeBench() {
        try {
            Init.init();
            builder = DocumentBuilderFactory.newDefaultNSInstance().newDocumentBuilder();
            validator = SchemaFactory.newDefaultInstance()
                    .newSchema(Objects.requireNonNull(Envelope.class.getResource("envelope.xsd")))
                    .newValidator();
            KeyPair pair = KeyPairGenerator.getInstance("Ed25519").generateKeyPair();
            loaded = pair.getPrivate();
            key = new VerificationKey("bench", JwsAlgorithm.EdDSA, pair.getPublic());
            Meta meta = new Meta(
                    "console",
                    "greeter",
                    ThreadId.parse("0199c0de-7a11-7000-8000-000000000001"),
                    MessageId.create(),
                    null,
                    null,
                    null,
                    null);
            EnvelopeDocument document = document(meta);
            unsigned = document.toEnvelope().bytes();
            Envelope envelope =
                    tokens.signAsOrg(document, TENANT, new SigningKey("bench", JwsAlgorithm.EdDSA, pair.getPrivate()));
            signed = envelope.bytes();
            String token = String.valueOf(envelope.meta().jwt());
            signedContent = token.substring(0, token.lastIndexOf('.')).getBytes(StandardCharsets.US_ASCII);
            signature = Base64.getUrlDecoder().decode(token.substring(token.lastIndexOf('.') + 1));
            bare = ed25519();
            signer = ed25519();
            bare.initVerify(pair.getPublic());
            providersOwn = bare.getProvider().getService("KeyFactory", "Ed25519") == null
                    ? loaded
                    : (PrivateKey) KeyFactory.getInstance("Ed25519", bare.getProvider())
                            .translateKey(loaded);
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    /** The provider that the platform takes. */
    private static Signature ed25519() throws GeneralSecurityException {
        AmazonCorrettoCryptoProvider fast = AmazonCorrettoCryptoProvider.INSTANCE;
        return fast.getLoadingError() == null
                ? Signature.getInstance("Ed25519", fast)
                : Signature.getInstance("Ed25519");
    }

    private static EnvelopeDocument document(Meta meta) {
        int around =
                made(meta, "<Greeting><Name></Name></Greeting>").toEnvelope().bytes().length;
        return made(
                meta, "<Greeting><Name>" + "World ".repeat(100).substring(0, BYTES - around) + "</Name></Greeting>");
    }

    private static EnvelopeDocument made(Meta meta, String payload) {
        return switch (EnvelopeDocument.make(meta, payload)) {
            case Reading.Read(EnvelopeDocument document) -> document;
            case Reading.Malformed other -> throw new IllegalStateException(other.toString());
            case Reading.Invalid other -> throw new IllegalStateException(other.toString());
            case Reading.TooLarge other -> throw new IllegalStateException(other.toString());
        };
    }

    private static XMLInputFactory factory(XMLInputFactory factory) {
        factory.setProperty(XMLInputFactory.IS_NAMESPACE_AWARE, true);
        factory.setProperty(XMLInputFactory.SUPPORT_DTD, false);
        return factory;
    }

    /** The floor: every event, looked at by nobody. */
    @Benchmark
    public int bareWoodstox() throws XMLStreamException {
        return events(woodstox);
    }

    @Benchmark
    public int bareAalto() throws XMLStreamException {
        return events(aalto);
    }

    private int events(XMLInputFactory factory) throws XMLStreamException {
        XMLStreamReader in = factory.createXMLStreamReader(new ByteArrayInputStream(unsigned));
        int sum = 0;
        while (in.hasNext()) {
            sum += in.next();
        }
        in.close();
        return sum;
    }

    /** What we do: read, canonical form, the envelope's rules. */
    @Benchmark
    public Envelope readAndCanonicalise() {
        return read(unsigned).toEnvelope();
    }

    /** What the canonical form alone costs in the plainest way. */
    @Benchmark
    public byte[] domAndSantuario() throws Exception {
        UnsyncByteArrayOutputStream out = new UnsyncByteArrayOutputStream(); // as the platform's
        new Canonicalizer20010315ExclOmitComments()
                .engineCanonicalizeSubTree(builder.parse(new ByteArrayInputStream(unsigned)), out);
        return out.toByteArray();
    }

    /** What the rules alone cost by a validator that is used again. */
    @Benchmark
    public Validator validatorOverWoodstox() throws XMLStreamException, SAXException, IOException {
        validator.validate(new StAXSource(woodstox.createXMLStreamReader(new ByteArrayInputStream(unsigned))));
        return validator;
    }

    /** The other floor: the signature, with nothing read. */
    @Benchmark
    public boolean bareEd25519() throws GeneralSecurityException {
        bare.update(signedContent);
        return bare.verify(signature);
    }

    /** What we do with a signed envelope until it is known to be one. */
    @Benchmark
    public Verification readAndVerify() {
        Verification verification = tokens.verifyAtAdmission(read(signed), (issuer, kid) -> Optional.of(key));
        if (verification instanceof Verification.Refused refused) {
            throw new IllegalStateException(refused.reason());
        }
        return verification;
    }

    /** One signature by a key that the provider has made its own, as the platform keeps it. */
    @Benchmark
    public byte[] sign() throws GeneralSecurityException {
        return sign(providersOwn);
    }

    /** By a key as the JDK has loaded it, which the provider reads anew for each. */
    @Benchmark
    public byte[] signWithLoadedKey() throws GeneralSecurityException {
        return sign(loaded);
    }

    private byte[] sign(PrivateKey by) throws GeneralSecurityException {
        signer.initSign(by);
        signer.update(signedContent);
        return signer.sign();
    }

    private static EnvelopeDocument read(byte[] bytes) {
        return switch (EnvelopeDocument.read(bytes, XmlLimits.DEFAULT)) {
            case Reading.Read(EnvelopeDocument document) -> document;
            case Reading.Malformed other -> throw new IllegalStateException(other.toString());
            case Reading.Invalid other -> throw new IllegalStateException(other.toString());
            case Reading.TooLarge other -> throw new IllegalStateException(other.toString());
        };
    }
}
