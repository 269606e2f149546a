package io.agentserver.envelope;

import java.nio.charset.StandardCharsets;

/**
 * Fuzz target: any bytes, read as an envelope and as a batch. Nothing is thrown; an envelope that was read has a canonical form within
 * the bounds, which reads back as itself, and whose parts are the same whether they are cut out or canonicalised.
 */
final class ReaderTarget {
    private ReaderTarget() {}

    public static void fuzzerTestOneInput(byte[] input) {
        if (EnvelopeDocument.read(input, XmlLimits.DEFAULT) instanceof Reading.Read(EnvelopeDocument document)) {
            Envelope envelope = document.toEnvelope();
            require(document.cutByCanonicalising(envelope.xml()).equals(envelope), "cut otherwise than canonicalised");
            Envelope again = EnvelopeDocument.readAgain(envelope.xml());
            require(again.equals(envelope), "the canonical form reads back as another envelope");
            require(EnvelopeDocument.readOwn(envelope.xml()).equals(envelope), "our own reading is another");
            require(
                    EnvelopeDocument.stamp(outputOf(envelope.meta()), envelope.payload())
                            .map(made -> made.payload().equals(envelope.payload()))
                            .orElse(true), // an output has room for fewer elements
                    "the payload alone is another");
            // as many bytes as the namespaces that may be repeated, the rest at most six times (a quotation mark)
            int bytes = envelope.xml().getBytes(StandardCharsets.UTF_8).length;
            require(
                    bytes <= 8L * input.length + XmlLimits.DEFAULT.namespaceCharacters(),
                    "the canonical form is too long: " + bytes);
        }
        if (BatchReading.of(input, XmlLimits.DEFAULT) instanceof BatchReading.Read(var messages)) {
            for (Reading message : messages) {
                if (message instanceof Reading.Read(EnvelopeDocument document)) {
                    Envelope envelope = document.toEnvelope();
                    require(
                            EnvelopeDocument.readAgain(envelope.xml()).equals(envelope),
                            "the canonical form of a message in a batch reads back as another");
                }
            }
        }
    }

    private static Meta outputOf(Meta meta) {
        return new Meta(meta.from(), null, null, null, null, null, null, null);
    }

    static void require(boolean holds, String otherwise) {
        if (!holds) {
            throw new AssertionError(otherwise);
        }
    }
}
