package io.agentserver.envelope;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

import static org.assertj.core.api.Assertions.assertThat;

class BatchReadingTest {
    private static final String NAMESPACE = "https://xml-pipeline.org/ns/envelope/v1";
    private static final String MESSAGE = "<message xmlns=\"" + NAMESPACE
            + "\"><meta><from>c</from></meta><Say xmlns=\"\"><Text>a &amp; b</Text></Say></message>";

    private static BatchReading read(String xml) {
        return BatchReading.of(xml.getBytes(StandardCharsets.UTF_8), XmlLimits.DEFAULT);
    }

    private static List<Reading> messages(String xml) {
        BatchReading reading = read(xml);
        assertThat(reading).isInstanceOf(BatchReading.Read.class);
        return ((BatchReading.Read) reading).messages();
    }

    private static String canonical(Reading reading) {
        assertThat(reading).isInstanceOf(Reading.Read.class);
        return ((Reading.Read) reading).document().toEnvelope().xml();
    }

    @Test
    void a_message_is_what_it_would_be_by_itself() {
        Reading alone = EnvelopeDocument.read(MESSAGE.getBytes(StandardCharsets.UTF_8), XmlLimits.DEFAULT);

        List<Reading> messages = messages("<batch>\n  " + MESSAGE + "<!-- and again -->\n" + MESSAGE + "</batch>");

        assertThat(messages).hasSize(2).allSatisfy(m -> assertThat(canonical(m)).isEqualTo(canonical(alone)));
    }

    @Test
    void a_message_may_use_the_namespaces_that_the_batch_declares() {
        String bare =
                "<message><meta><from>c</from></meta><p:Say><Text xmlns=\"\" p:tone=\"low\">a</Text></p:Say></message>";
        String batch =
                "<batch xmlns=\"" + NAMESPACE + "\" xmlns:p=\"urn:p\" xmlns:unused=\"urn:u\">" + bare + "</batch>";

        assertThat(canonical(messages(batch).getFirst()))
                .isEqualTo("<message xmlns=\"" + NAMESPACE + "\"><meta><from>c</from></meta>"
                        + "<p:Say xmlns:p=\"urn:p\"><Text xmlns=\"\" p:tone=\"low\">a</Text></p:Say></message>");
    }

    @Test
    void a_message_that_declares_a_prefix_anew_keeps_its_own() {
        String batch = "<batch xmlns=\"urn:other\" xmlns:p=\"urn:p\">"
                + MESSAGE.replace("<Say", "<Say xmlns:p=\"urn:q\" p:a=\"1\"") + "</batch>";
        assertThat(read(batch)).isEqualTo(new BatchReading.Invalid("/", "the root element is not <batch>"));
        String plain = batch.replace(" xmlns=\"urn:other\"", "");
        assertThat(canonical(messages(plain).getFirst()))
                .contains("xmlns:p=\"urn:q\"")
                .doesNotContain("urn:p\"");
    }

    @Test
    void a_message_that_is_no_envelope_is_its_own_fault_alone() {
        String without = MESSAGE.replace("<from>c</from>", "");

        List<Reading> messages = messages("<batch>" + MESSAGE + without + "<other/></batch>");

        assertThat(messages.get(0)).isInstanceOf(Reading.Read.class);
        assertThat(messages.get(1)).isEqualTo(new Reading.Invalid("/message/meta/from", "<from> is missing"));
        assertThat(messages.get(2)).isInstanceOf(Reading.Invalid.class);
    }

    @Test
    void a_message_over_the_limit_of_one_is_too_large_alone() {
        String large = MESSAGE.replace("a &amp; b", "x".repeat(XmlLimits.DEFAULT.bytes()));

        assertThat(messages("<batch>" + large + MESSAGE + "</batch>"))
                .satisfiesExactly(
                        m -> assertThat(m).isEqualTo(new Reading.TooLarge(XmlLimits.DEFAULT.bytes())),
                        m -> assertThat(m).isInstanceOf(Reading.Read.class));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "<batch><message></batch>",
                "<!DOCTYPE batch><batch/>",
                "<batch><?pi?></batch>",
                "<batch/><batch/>",
                "<batch>&lt;&other;</batch>",
                "",
            })
    void what_is_no_acceptable_xml_is_refused_whole(String xml) {
        assertThat(read(xml)).isInstanceOf(BatchReading.Malformed.class);
    }

    @Test
    void a_message_that_breaks_a_bound_of_the_parser_is_named() {
        String deep = "<a>".repeat(70) + "</a>".repeat(70);
        assertThat(read("<batch>" + MESSAGE + deep + "</batch>"))
                .isEqualTo(new BatchReading.Malformed("more than 64 levels deep, in message 2"));
    }

    @Test
    void elements_are_bounded_over_all_messages() {
        String wide = MESSAGE.replace("a &amp; b", "<x/>".repeat(4_000));
        assertThat(read("<batch>" + wide.repeat(17) + "</batch>"))
                .isEqualTo(new BatchReading.Malformed("more than 65536 elements"));
    }

    @Test
    void what_comes_after_one_message_too_many_is_not_read() {
        String declarations = IntStream.range(0, 60)
                .mapToObj(i -> " xmlns:p" + i + "=\"urn:" + "x".repeat(900) + i + "\"")
                .collect(Collectors.joining());
        assertThat(read("<batch" + declarations + ">" + "<x/>".repeat(60_000) + "</batch>"))
                .isEqualTo(new BatchReading.Invalid("/batch", "1 to 500 messages are taken; found more"));
    }

    @Test
    void namespaces_are_bounded_over_all_messages() {
        String declarations = IntStream.range(0, 60)
                .mapToObj(i -> " xmlns:p" + i + "=\"urn:" + "x".repeat(900) + i + "\"")
                .collect(Collectors.joining());
        String attributes =
                IntStream.range(0, 60).mapToObj(i -> " p" + i + ":a=\"\"").collect(Collectors.joining());
        String message = MESSAGE.replace("a &amp; b", ("<x" + attributes + "/>").repeat(15));
        assertThat(read("<batch" + declarations + ">" + message.repeat(30) + "</batch>"))
                .isEqualTo(new BatchReading.Malformed(
                        "its namespaces repeated where they are used take more than 16777216 characters"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"<batch/>", "<batch>text</batch>", "<batch a=\"1\"><message/></batch>", "<messages/>"})
    void what_is_no_batch_is_refused_whole(String xml) {
        assertThat(read(xml)).isInstanceOf(BatchReading.Invalid.class);
    }

    @Test
    void five_hundred_messages_are_taken_and_no_more() {
        assertThat(messages("<batch>" + MESSAGE.repeat(500) + "</batch>")).hasSize(500);
        assertThat(read("<batch>" + MESSAGE.repeat(501) + "</batch>"))
                .isEqualTo(new BatchReading.Invalid("/batch", "1 to 500 messages are taken; found more"));
    }
}
