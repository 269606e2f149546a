package io.agentserver.envelope;

import org.junit.jupiter.api.Test;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.random.RandomGenerator;

import static org.assertj.core.api.Assertions.assertThat;

/** What is cut out of a canonical text is what reading and canonicalising each part anew gives. */
final class PlainShapeTest {
    private static final String ID = "0199c0de-7a11-7000-8000-00000000000";

    @Test
    void cuts_the_same_parts_as_the_canonicaliser() {
        int plain = 0;
        int tries = 4_000;
        for (int i = 0; i < tries; i++) {
            long seed = Long.getLong("seed", RandomGenerator.getDefault().nextLong());
            String xml = envelope(new Random(seed));
            if (!(EnvelopeDocument.read(xml.getBytes(StandardCharsets.UTF_8), XmlLimits.INSIDE)
                    instanceof Reading.Read(EnvelopeDocument document))) {
                throw new AssertionError("-Dseed=" + seed + " made no envelope: " + xml);
            }
            String canonical = CanonicalXml.of(CanonicalOf.document(xml));
            Envelope slow = document.cutByCanonicalising(canonical);
            assertThat(document.toEnvelope()).as("-Dseed=" + seed + ": " + xml).isEqualTo(slow);
            assertThat(EnvelopeDocument.readOwn(canonical))
                    .as("-Dseed=" + seed + ": " + xml)
                    .isEqualTo(slow);
            PlainShape shape = PlainShape.of(canonical);
            if (shape != null && slow.meta().jwt() == null) {
                plain++;
                document.sign("a.b-_c.d");
                assertThat(shape.withToken("a.b-_c.d"))
                        .as("-Dseed=" + seed + ": " + xml)
                        .isEqualTo(document.cutByCanonicalising(CanonicalXml.of(
                                CanonicalOf.document(document.toEnvelope().xml()))));
            }
        }
        assertThat(plain).as("texts of the plain shape among %s", tries).isBetween(tries / 20, tries - tries / 20);
    }

    @Test
    void stamps_what_reading_the_whole_would_give() {
        Meta meta = Meta.ofOutput(
                "a",
                "b",
                ThreadId.parse(ID + "1"),
                MessageId.parse(ID + "2"),
                ThreadId.parse(ID + "3"),
                MessageId.parse(ID + "4"),
                MessageId.parse(ID + "5"));
        for (int i = 0; i < 2_000; i++) {
            long seed = Long.getLong("seed", RandomGenerator.getDefault().nextLong());
            Random random = new Random(seed);
            StringBuilder payload = new StringBuilder(random.nextBoolean() ? "<?xml version='1.0'?><!-- c -->" : " ");
            payload(payload, random, 3, random.nextBoolean() ? "" : "none");
            if (random.nextInt(20) == 0) {
                payload.append("<second xmlns=''/>");
            }
            if (random.nextInt(20) == 0) {
                payload.insert(0, "<e xmlns='" + EnvelopeNames.ENVELOPE + "'>").append("</e>");
            }
            Optional<Envelope> whole =
                    EnvelopeDocument.make(meta, payload.toString()) instanceof Reading.Read(EnvelopeDocument document)
                            ? Optional.of(document.cutByCanonicalising(CanonicalXml.of(
                                    CanonicalOf.document(document.toEnvelope().xml()))))
                            : Optional.empty();
            assertThat(EnvelopeDocument.stamp(meta, payload.toString()))
                    .as("-Dseed=" + seed + ": " + payload)
                    .isEqualTo(whole);
        }
    }

    @Test
    void leaves_every_other_shape_to_the_reader() {
        String plain = "<message xmlns=\"" + EnvelopeNames.ENVELOPE + "\"><meta><from>a</from></meta>"
                + "<P xmlns=\"\">t</P></message>";
        assertThat(PlainShape.of(plain)).isNotNull();
        for (String other : List.of(
                plain.replace("<from>a</from>", "<from>a</from><from>b</from>"),
                plain.replace("<from>a</from>", "<to>b</to><from>a</from>"),
                plain.replace("<from>a</from>", "<from>a</from><x xmlns=\"urn:x\"></x>"),
                plain.replace("<from>a</from>", "<from>a<b></b></from>"),
                plain.replace("<from>a</from>", "<from>a</to>"),
                plain.replace("<from>a</from>", "<from>&amp;</from>"),
                plain.replace("<from>a</from>", "<from>0</from>"),
                plain.replace("<from>a</from>", ""),
                plain.replace("<from>a</from>", "<from>a</from><thread>0-0</thread>"),
                plain.replace("<P xmlns=\"\">t</P>", "<p:P xmlns:p=\"urn:x\"><Q xmlns=\"\"></Q></p:P>"),
                plain.replace("<P xmlns=\"\">t</P>", "<P>t</P>"),
                plain.replace("</message>", ""),
                plain.substring(0, 70),
                "")) {
            assertThat(PlainShape.of(other)).as(other).isNull();
        }
    }

    private static String envelope(Random random) {
        String e = random.nextInt(5) == 0 ? "e:" : "";
        StringBuilder xml = new StringBuilder("<" + e + "message ")
                .append(e.isEmpty() ? "xmlns" : "xmlns:e")
                .append("='" + EnvelopeNames.ENVELOPE + "'")
                .append(random.nextInt(6) == 0 ? " xmlns:u='urn:unused'" : "")
                .append(random.nextInt(6) == 0 ? " xmlns:q='urn:q'" : "")
                .append('>');
        xml.append(blank(random)).append("<" + e + "meta>").append(blank(random));
        xml.append("<" + e + "from>client</" + e + "from>").append(blank(random));
        if (random.nextBoolean()) {
            xml.append("<" + e + "to> greeter</" + e + "to>").append(blank(random));
        }
        if (random.nextBoolean()) {
            xml.append("<" + e + "thread>" + ID + "1</" + e + "thread>");
        }
        for (String name : List.of("id", "conversation", "turn", "cause")) {
            if (random.nextInt(3) == 0) {
                xml.append("<" + name + " xmlns='" + EnvelopeNames.DELIVERY + "'>" + ID + "2</" + name + ">");
            }
            if (random.nextInt(40) == 0) {
                xml.append("<x:f" + name + " xmlns:x='urn:f'><meta xmlns=''></meta></x:f" + name + ">");
            }
            if (name.equals("conversation") && random.nextInt(4) == 0) {
                xml.append("<s:jwt xmlns:s='" + EnvelopeNames.SECURITY + "'>a.b&amp;.c</s:jwt>");
            } else if (name.equals("turn") && xml.indexOf("jwt") < 0 && random.nextInt(4) == 0) {
                xml.append("<jwt xmlns='" + EnvelopeNames.SECURITY + "'>\n a.b.c </jwt>");
            }
        }
        xml.append(blank(random)).append("</" + e + "meta>").append(blank(random));
        payload(xml, random, 3, "");
        return xml.append(blank(random)).append("</" + e + "message>").toString();
    }

    private static void payload(StringBuilder xml, Random random, int depth, String inherited) {
        String prefix = random.nextInt(4) == 0 ? "p:" : "";
        String name = prefix + "Élt" + random.nextInt(3) + (random.nextInt(9) == 0 ? "meta" : "");
        xml.append('<').append(name);
        if (!prefix.isEmpty()) {
            xml.append(" xmlns:p='urn:").append(random.nextInt(2)).append('\'');
        }
        if (inherited.isEmpty() || random.nextInt(3) == 0) {
            // the root must not fall into the envelope's own namespace
            xml.append(random.nextBoolean() ? " xmlns=''" : " xmlns='urn:d?&amp;" + random.nextInt(2) + "'");
        }
        if (random.nextInt(3) == 0) {
            xml.append(" b='>&quot; xmlns=&quot;&#10;' a='</meta></message>'".replace("</", "&lt;/"));
        }
        xml.append('>');
        for (int i = random.nextInt(3); i > 0; i--) {
            switch (random.nextInt(4)) {
                case 0 -> xml.append("<![CDATA[</P></message>]]>");
                case 1 -> xml.append("t&#13;&gt; \u20ac\ud83d\ude00");
                case 2 -> xml.append("<!-- </message> -->");
                default -> {
                    if (depth > 0) {
                        payload(xml, random, depth - 1, "inside");
                    }
                }
            }
        }
        xml.append("</").append(name).append('>');
    }

    private static String blank(Random random) {
        return random.nextInt(3) == 0 ? "\n  " : random.nextInt(12) == 0 ? "&#13;" : "";
    }

    /** The document behind a text, for the canonicaliser alone. */
    private static final class CanonicalOf {
        static org.w3c.dom.Document document(String xml) {
            try {
                return StrictXml.parse(xml.getBytes(StandardCharsets.UTF_8), XmlLimits.INSIDE);
            } catch (StrictXml.Refused e) {
                throw new AssertionError(e);
            }
        }
    }
}
