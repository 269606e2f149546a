package io.agentserver.envelope;

import java.util.List;

/** What came of reading bytes as a {@code <batch>} of envelopes (CONTRACTS 5). */
public sealed interface BatchReading {
    /** Of one batch. */
    int MOST_MESSAGES = 500;

    /** Of all envelopes of a batch together: what a reader may build of it has to stay small. */
    int MOST_ELEMENTS = 65_536;

    /** Of the namespaces of all envelopes, each time that a canonical form may have to declare one. */
    long MOST_NAMESPACE_CHARACTERS = 16L * 1024 * 1024;

    /** Each for itself, in order. */
    record Read(List<Reading> messages) implements BatchReading {
        public Read {
            messages = List.copyOf(messages);
        }
    }

    /** Not acceptable as XML, be it in one message alone: 400 {@code malformed-xml}. */
    record Malformed(String reason) implements BatchReading {}

    /** XML, but no batch: 422 {@code invalid-envelope}. */
    record Invalid(String pointer, String reason) implements BatchReading {}

    /**
     * {@code <batch>} is in no namespace, or in the envelope's, so that its messages need not declare it; it takes no attributes,
     * and nothing but messages. Does no I/O, throws nothing.
     *
     * @param limits of each envelope
     */
    static BatchReading of(byte[] bytes, XmlLimits limits) {
        StrictXml.Parts parts;
        try {
            parts = StrictXml.parseParts(
                    bytes, limits, new StrictXml.Most(MOST_MESSAGES, MOST_ELEMENTS, MOST_NAMESPACE_CHARACTERS));
        } catch (StrictXml.Refused e) {
            return new Malformed(e.reason());
        }
        String namespace = parts.root().getNamespaceURI();
        if (!parts.root().getLocalPart().equals("batch")
                || !namespace.isEmpty() && !namespace.equals(EnvelopeNames.ENVELOPE)) {
            return new Invalid("/", "the root element is not <batch>");
        }
        if (parts.hasMore()) {
            return new Invalid("/batch", "<batch> takes messages alone");
        }
        int count = parts.children().size();
        if (count == 0 || count > MOST_MESSAGES) {
            return new Invalid(
                    "/batch", "1 to " + MOST_MESSAGES + " messages are taken; found " + (count == 0 ? "none" : "more"));
        }
        return new Read(parts.children().stream()
                .map(part -> part.characters() > limits.bytes()
                        ? new Reading.TooLarge(limits.bytes())
                        : EnvelopeDocument.of(part.document()))
                .toList());
    }
}
