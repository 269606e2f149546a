package io.agentserver.envelope;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.UUID;

import static org.assertj.core.api.Assertions.assertThat;

class EnvelopeDocumentTest {
    private static final String NS = "xmlns=\"https://xml-pipeline.org/ns/envelope/v1\"";

    @Test
    void reads_the_contract_s_example() {
        Envelope envelope = read("""
                <message xmlns="https://xml-pipeline.org/ns/envelope/v1">
                  <meta>
                    <from>console</from>
                    <to>greeter</to>
                    <thread>0199c0de-7a11-7000-8000-000000000001</thread>
                    <id xmlns="https://xml-pipeline.org/ns/delivery/v1">0199c0de-7a11-7000-8000-000000000002</id>
                  </meta>
                  <Greeting xmlns=""><Name>World</Name></Greeting>
                </message>""").toEnvelope();
        assertThat(envelope.meta().from()).isEqualTo("console");
        assertThat(envelope.meta().to()).isEqualTo("greeter");
        assertThat(envelope.meta().requiredThread()).isEqualTo(ThreadId.parse("0199c0de-7a11-7000-8000-000000000001"));
        assertThat(envelope.meta().requiredId()).isEqualTo(MessageId.parse("0199c0de-7a11-7000-8000-000000000002"));
        assertThat(envelope.root().name()).isEqualTo("Greeting");
        assertThat(envelope.root().namespace()).isEmpty();
        assertThat(envelope.payload()).isEqualTo("<Greeting><Name>World</Name></Greeting>");
    }

    @Test
    void the_canonical_form_does_not_depend_on_spelling() {
        String one = read("<message " + NS + "><meta><from>a</from></meta><P xmlns=\"\" b=\"2\" a='1'/></message>")
                .toEnvelope()
                .xml();
        String other = read("\uFEFF<?xml version='1.0'?><message  " + NS
                        + " ><meta><from><![CDATA[a]]></from></meta><P a=\"1\" xmlns='' b=\"&#50;\"></P></message>")
                .toEnvelope()
                .xml();
        assertThat(other).isEqualTo(one).contains("<P xmlns=\"\" a=\"1\" b=\"2\"></P>");
    }

    @Test
    void utf_16_is_re_encoded() {
        String text = "<message " + NS + "><meta><from>a</from></meta><P xmlns=\"\">grüße</P></message>";
        Reading reading = EnvelopeDocument.read(text.getBytes(StandardCharsets.UTF_16), XmlLimits.DEFAULT);
        assertThat(reading)
                .isInstanceOfSatisfying(
                        Reading.Read.class,
                        r -> assertThat(r.document().toEnvelope().payload()).isEqualTo("<P>grüße</P>"));
    }

    @Test
    void fills_in_missing_ids_in_their_places() {
        EnvelopeDocument document =
                read("<e:message xmlns:e=\"https://xml-pipeline.org/ns/envelope/v1\"><e:meta><e:from>a</e:from>"
                        + "<e:to>b</e:to></e:meta><P/></e:message>");
        ThreadId thread = new ThreadId(new UUID(1, 2));
        MessageId id = new MessageId(new UUID(3, 4));
        document.fill(thread, id);
        Envelope again = EnvelopeDocument.readOwn(document.toEnvelope().xml());
        assertThat(again.meta().thread()).isEqualTo(thread);
        assertThat(again.meta().id()).isEqualTo(id);
        assertThat(again.xml()).isEqualTo(document.toEnvelope().xml());
        assertThat(again.payload()).isEqualTo("<P></P>");
    }

    @Test
    void what_the_platform_makes_reads_back_as_it_was_meant() {
        Meta meta = Meta.ofOutput(
                "greeter",
                "shouter",
                new ThreadId(new UUID(1, 1)),
                new MessageId(new UUID(2, 2)),
                new ThreadId(new UUID(3, 3)),
                new MessageId(new UUID(4, 4)),
                new MessageId(new UUID(5, 5)));
        for (String payload : new String[] {
            "<P><Q/></P>", "<P xmlns=\"urn:x\"/>", "<x:P xmlns:x=\"urn:x\"><y/></x:P>", "<P\n a=\"1>2\"/>", "<P/>"
        }) {
            Envelope made = ((Reading.Read) EnvelopeDocument.make(meta, payload))
                    .document()
                    .toEnvelope();
            assertThat(made.meta()).isEqualTo(meta);
            assertThat(EnvelopeDocument.readOwn(made.xml())).isEqualTo(made);
            assertThat(made.root().namespace()).isEqualTo(payload.contains("urn:x") ? "urn:x" : "");
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "<!DOCTYPE message><message/>",
                "<!DOCTYPE m [<!ENTITY a \"b\">]><message>&a;</message>",
                "<?php x?><message/>",
                "<message><?x y?></message>",
                "<message>&nbsp;</message>",
                "<message a='&nbsp;'/>",
                "<message",
                "<message></massage>",
                "<a:message/>",
                "<message a='1' a='2'/>",
                "<message xmlns='relative/uri'/>",
                "<message>\u0000</message>",
                "<?xml version='1.0' encoding='UTF-7'?><message/>",
                "<?xml version='1.1'?><message/>",
                "<message xmlns='https://xml-pipeline.org/ns/envelope/v1'><meta><!-- c --><from>a</from></meta><P/></message>",
                "",
                "not xml"
            })
    void refuses_what_is_not_acceptable_xml(String text) {
        assertThat(EnvelopeDocument.read(text.getBytes(StandardCharsets.UTF_8), XmlLimits.DEFAULT))
                .isInstanceOf(Reading.Malformed.class);
    }

    @ParameterizedTest
    @ValueSource(strings = {"\ud800", "\udc00", "\ud800x", "\ud83d\ude00\ude00", "\ud800\ud83d\ude00"})
    void makes_no_envelope_of_half_a_character(String text) {
        Meta meta = new Meta("c", null, null, null, null, null, null, null);
        assertThat(EnvelopeDocument.make(meta, "<a>" + text + "</a>")).isInstanceOf(Reading.Malformed.class);
        assertThat(EnvelopeDocument.make(meta, "<a>\ud83d\ude00</a>")).isInstanceOf(Reading.Read.class);
        assertThat(EnvelopeDocument.stamp(meta, "<a>" + text + "</a>")).isEmpty();
        assertThat(EnvelopeDocument.stamp(meta, "<a b=\"" + text + "\"/>")).isEmpty();
        assertThat(EnvelopeDocument.stamp(meta, "<a>\ud83d\ude00</a>")).isPresent();
    }

    @Test
    void refuses_utf_16_of_what_is_no_character() {
        for (String bad : new String[] {"\uFFFE", "\uFFFF", "\uD83D"}) {
            for (String text :
                    new String[] {"<P xmlns='urn:" + bad + "'/>", "<P a='" + bad + "'/>", "<P>" + bad + "</P>"}) {
                String xml = "\uFEFF<message " + NS + "><meta><from>a</from></meta>" + text + "</message>";
                ByteBuffer bytes = ByteBuffer.allocate(2 * xml.length());
                bytes.asCharBuffer().put(xml); // an encoder would replace half a surrogate pair
                assertThat(EnvelopeDocument.read(bytes.array(), XmlLimits.DEFAULT))
                        .as(text)
                        .isInstanceOf(Reading.Malformed.class);
            }
        }
    }

    @Test
    void refuses_what_is_over_a_limit() {
        assertThat(reading("<a>".repeat(65) + "</a>".repeat(65))).isInstanceOf(Reading.Malformed.class);
        assertThat(reading("<a>".repeat(50_000))).isInstanceOf(Reading.Malformed.class);
        assertThat(reading("<a>" + "<b/>".repeat(4096) + "</a>")).isInstanceOf(Reading.Malformed.class);
        assertThat(reading("<" + "a".repeat(1025) + "/>")).isInstanceOf(Reading.Malformed.class);
        StringBuilder attributes = new StringBuilder("<a");
        for (int i = 0; i < 65; i++) {
            attributes.append(" a").append(i).append("=''");
        }
        assertThat(reading(attributes + "/>")).isInstanceOf(Reading.Malformed.class);
        assertThat(reading("<a>" + "x".repeat(256 * 1024) + "</a>")).isInstanceOf(Reading.TooLarge.class);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "<meta><from>a</from></meta>",
                "<meta><from>a</from></meta><P/><Q/>",
                "<P/><meta><from>a</from></meta>",
                "<meta><to>a</to></meta><P/>",
                "<meta><from>a</from></meta><meta><from>a</from></meta>",
                "<meta><from>a</from><from>a</from></meta><P/>",
                "<meta><to>b</to><from>a</from></meta><P/>",
                "<meta><from>1a</from></meta><P/>",
                "<meta><from>a</from><thread>1-1-1-1-1</thread></meta><P/>",
                "<meta><from>a</from><id>0199c0de-7a11-7000-8000-000000000001</id></meta><P/>",
                "<meta><from>a</from><x xmlns='https://xml-pipeline.org/ns/delivery/v1'/></meta><P/>",
                "<meta><from>a<b/></from></meta><P/>",
                "<meta><from>a</from></meta>text<P/>",
                "<meta><from>a</from></meta>\u2003<P/>",
                "<meta><from>\u2003a</from></meta><P/>"
            })
    void points_at_what_is_wrong_in_an_envelope(String inner) {
        assertThat(reading("<message " + NS + ">" + inner + "</message>"))
                .isInstanceOfSatisfying(
                        Reading.Invalid.class, i -> assertThat(i.pointer()).startsWith("/message"));
    }

    @Test
    void foreign_elements_in_meta_are_kept() {
        String xml = read("<message " + NS
                        + "><meta><from>a</from><x xmlns=\"urn:trace\">1</x></meta><P xmlns=\"\"/></message>")
                .toEnvelope()
                .xml();
        assertThat(xml).contains("<x xmlns=\"urn:trace\">1</x>");
    }

    private static Reading reading(String text) {
        return EnvelopeDocument.read(text.getBytes(StandardCharsets.UTF_8), XmlLimits.DEFAULT);
    }

    private static EnvelopeDocument read(String text) {
        return ((Reading.Read) reading(text)).document();
    }

    @Test
    void refuses_namespaces_that_the_canonical_form_would_repeat_without_end() {
        StringBuilder xml = new StringBuilder("<message xmlns=\"https://xml-pipeline.org/ns/envelope/v1\"");
        for (int i = 0; i < 50; i++) {
            xml.append(" xmlns:n")
                    .append(i)
                    .append("=\"urn:")
                    .append("x".repeat(1_000))
                    .append(i)
                    .append('"');
        }
        xml.append("><meta><from>a</from></meta><P xmlns=\"\">");
        for (int i = 0; i < 400; i++) {
            xml.append("<a");
            for (int n = 0; n < 50; n++) {
                xml.append(" n").append(n).append(":x=\"\"");
            }
            xml.append("/>");
        }
        byte[] body = xml.append("</P></message>").toString().getBytes(StandardCharsets.UTF_8);
        assertThat(body.length).as("within the bound as it is").isLessThan(XmlLimits.DEFAULT.bytes());
        assertThat(EnvelopeDocument.read(body, XmlLimits.DEFAULT))
                .isInstanceOfSatisfying(
                        Reading.Malformed.class, m -> assertThat(m.reason()).contains("namespaces"));
    }

    @Test
    void takes_no_attributes_on_meta() {
        byte[] body = ("<message xmlns=\"https://xml-pipeline.org/ns/envelope/v1\"><meta a=\"1\"><from>a</from></meta>"
                        + "<P xmlns=\"\"/></message>")
                .getBytes(StandardCharsets.UTF_8);
        assertThat(EnvelopeDocument.read(body, XmlLimits.DEFAULT))
                .isInstanceOfSatisfying(
                        Reading.Invalid.class, i -> assertThat(i.pointer()).isEqualTo("/message/meta"));
    }

    @Test
    void what_was_within_the_bounds_can_be_read_again_wherever_its_declarations_have_moved() {
        StringBuilder declarations = new StringBuilder();
        StringBuilder attributes = new StringBuilder();
        for (int i = 0; i < 60; i++) {
            declarations
                    .append(" xmlns:a")
                    .append(i)
                    .append("=\"urn:")
                    .append(i)
                    .append('"');
            attributes.append(" a").append(i).append(":v=\"\"");
        }
        String xml = "<message xmlns=\"https://xml-pipeline.org/ns/envelope/v1\"" + declarations
                + "><meta><from>c</from></meta><x:P xmlns:x=\"urn:x\"" + attributes + "/></message>";
        if (!(EnvelopeDocument.read(xml.getBytes(StandardCharsets.UTF_8), XmlLimits.DEFAULT)
                instanceof Reading.Read(EnvelopeDocument document))) {
            throw new AssertionError("it is within the bounds");
        }
        Envelope admitted = document.toEnvelope();
        assertThat(EnvelopeDocument.readAgain(admitted.xml())).isEqualTo(admitted);
    }
}
