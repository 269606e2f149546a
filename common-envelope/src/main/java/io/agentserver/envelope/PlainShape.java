package io.agentserver.envelope;

import io.agentserver.envelope.Envelope.PayloadRoot;
import org.jspecify.annotations.Nullable;

import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;

/**
 * The parts of an envelope, cut out of its canonical text instead of being read and canonicalised again. It knows the shape
 * that almost all have: no prefix on what is ours, nothing foreign in {@code <meta>}, a payload root that declares the
 * default namespace itself. Of such a text the parts are substrings: the default namespace is the only declaration in scope
 * above the payload, so the payload's own canonical form differs from its place in the text in a first {@code xmlns=""} alone
 * (Exclusive XML Canonicalization 1.0, section 3). Everything else is no plain shape, and is for {@link EnvelopeDocument}.
 *
 * <p>It checks nothing but the shape: the text must be known to be the canonical form of an envelope.
 */
record PlainShape(Meta meta, PayloadRoot root, String xml, int metaEnd, int jwtStart, int jwtEnd, int payload) {
    private static final String START = "<message xmlns=\"" + EnvelopeNames.ENVELOPE + "\">";
    private static final String META = "<meta>";
    private static final String META_END = "</meta>";
    private static final String END = "</message>";
    private static final String XMLNS = " xmlns=\"";
    private static final String SECURE = XMLNS + EnvelopeNames.SECURITY + "\">";
    private static final String DELIVERED = XMLNS + EnvelopeNames.DELIVERY + "\">";

    private enum Part {
        FROM,
        TO,
        THREAD,
        JWT,
        ID,
        CONVERSATION,
        TURN,
        CAUSE
    }

    private static final Map<String, Part> PARTS = Map.of(
            "<from>",
            Part.FROM,
            "<to>",
            Part.TO,
            "<thread>",
            Part.THREAD,
            "<jwt" + SECURE,
            Part.JWT,
            "<id" + DELIVERED,
            Part.ID,
            "<conversation" + DELIVERED,
            Part.CONVERSATION,
            "<turn" + DELIVERED,
            Part.TURN,
            "<cause" + DELIVERED,
            Part.CAUSE);

    /** Null: not of this shape. */
    static @Nullable PlainShape of(String xml) {
        try {
            return xml.startsWith(START) && xml.endsWith(END) ? cut(xml) : null;
        } catch (IndexOutOfBoundsException | IllegalArgumentException e) {
            return null; // cut short, or a value that is none: the strict reader has the words for it
        }
    }

    private static @Nullable PlainShape cut(String xml) {
        int at = skipBlanks(xml, START.length());
        if (!xml.startsWith(META, at)) {
            return null;
        }
        at = skipBlanks(xml, at + META.length());
        Map<Part, String> values = new EnumMap<>(Part.class);
        int jwtStart = -1;
        int jwtEnd = -1;
        boolean othersSeen = false;
        while (!xml.startsWith(META_END, at)) {
            int open = xml.indexOf('>', at) + 1;
            Part part = PARTS.get(xml.substring(at, open));
            int close = xml.indexOf('<', open);
            int end = xml.indexOf('>', close) + 1;
            if (part == null
                    || values.containsKey(part)
                    || !isEndTag(xml, close, end, part)
                    || xml.substring(open, close).indexOf('&') >= 0) {
                return null;
            }
            boolean ours = part.compareTo(Part.THREAD) <= 0;
            if (ours && (othersSeen || laterSeen(values, part))) {
                return null;
            }
            othersSeen |= !ours;
            values.put(part, XmlBlanks.strip(xml.substring(open, close)));
            if (part == Part.JWT) {
                jwtStart = at;
                jwtEnd = end;
            }
            at = skipBlanks(xml, end);
        }
        int payload = skipBlanks(xml, at + META_END.length());
        PayloadRoot root = root(xml, payload);
        return root == null || !values.containsKey(Part.FROM)
                ? null
                : new PlainShape(meta(values), root, xml, at, jwtStart, jwtEnd, payload);
    }

    private static boolean isEndTag(String xml, int close, int end, Part part) {
        String name = part.name().toLowerCase(java.util.Locale.ROOT);
        return end - close == name.length() + 3 && xml.startsWith("</", close) && xml.startsWith(name, close + 2);
    }

    private static boolean laterSeen(Map<Part, String> values, Part part) {
        return values.keySet().stream().anyMatch(seen -> seen.compareTo(part) > 0);
    }

    /** Null: not a plain one, or several payloads (which no envelope has). */
    private static @Nullable PayloadRoot root(String xml, int start) {
        int nameEnd = start + 1;
        while (" />:".indexOf(xml.charAt(nameEnd)) < 0) {
            nameEnd++;
        }
        // namespace declarations come first in canonical form, the default one before all others
        if (xml.charAt(start) != '<' || !xml.startsWith(XMLNS, nameEnd)) {
            return null;
        }
        int value = nameEnd + XMLNS.length();
        String namespace = xml.substring(value, xml.indexOf('"', value));
        // a payload in the envelope's own namespace would not declare it
        return namespace.indexOf('&') >= 0 || namespace.equals(EnvelopeNames.ENVELOPE)
                ? null
                : new PayloadRoot(namespace, xml.substring(start + 1, nameEnd));
    }

    private static Meta meta(Map<Part, String> values) {
        return new Meta(
                Objects.requireNonNull(values.get(Part.FROM)),
                values.get(Part.TO),
                thread(values.get(Part.THREAD)),
                message(values.get(Part.ID)),
                values.get(Part.JWT),
                thread(values.get(Part.CONVERSATION)),
                message(values.get(Part.TURN)),
                message(values.get(Part.CAUSE)));
    }

    private static @Nullable ThreadId thread(@Nullable String value) {
        return value == null ? null : new ThreadId(uuid(value));
    }

    private static @Nullable MessageId message(@Nullable String value) {
        return value == null ? null : new MessageId(uuid(value));
    }

    private static UUID uuid(String value) {
        return Ids.parse("", value);
    }

    private static int skipBlanks(String xml, int from) {
        int at = from;
        while (" \n\t".indexOf(xml.charAt(at)) >= 0) {
            at++;
        }
        return at;
    }

    Envelope envelope() {
        int end = xml.length() - END.length();
        while (xml.charAt(end - 1) != '>') {
            end--; // blanks behind the payload
        }
        String signedForm = jwtStart < 0 ? xml : xml.substring(0, jwtStart) + xml.substring(jwtEnd);
        int declared = payload + 1 + root.name().length();
        String alone = root.namespace().isEmpty()
                ? xml.substring(payload, declared) + xml.substring(declared + XMLNS.length() + 1, end)
                : xml.substring(payload, end);
        return new Envelope(meta, root, xml, signedForm, alone);
    }

    /** The canonical text with a token as the last element of {@code <meta>}. */
    Envelope withToken(String token) {
        Envelope unsigned = envelope();
        String signed =
                xml.substring(0, metaEnd) + "<jwt" + SECURE + token + "</jwt>" + xml.substring(metaEnd, xml.length());
        return new Envelope(meta.withJwt(token), root, signed, unsigned.signedForm(), unsigned.payload());
    }
}
