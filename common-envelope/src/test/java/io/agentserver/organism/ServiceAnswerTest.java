package io.agentserver.organism;

import io.agentserver.envelope.Envelope;
import io.agentserver.organism.ServiceAnswer.Kind;
import io.agentserver.organism.ServiceAnswer.Output;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Set;

import static org.assertj.core.api.Assertions.assertThat;

class ServiceAnswerTest {
    private static final Listener LISTENER = organism("""
        organism: {name: team}
        listeners:
          - name: relay
            description: Relays.
            handler: http
            url: https://relay.example/
            secret: whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=
            payload: {root: Task, fields: {Text: string}}
            peers: [peer, {name: boss, hand_over: true}]
          - {name: peer, description: Works., handler: 'builtin:echo', payload: {root: A, fields: {Text: string}}}
          - {name: boss, description: Decides., handler: 'builtin:echo', payload: {root: B, fields: {Text: string}}}
        """).listener("relay").orElseThrow();

    /** The same payload alone, which is cut, and among others, which are parsed, is the same output. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "<A to='peer'/>",
                "<A to=\"peer\">text</A>",
                "<A b='1' to='peer' z='2'><to to='other'/></A>",
                "<A b='1&gt;2 to=&quot;x&quot;' to='peer'/>",
                "<A\n  to = 'peer'\n  a = '&amp;'  >&#13;</A>",
                "<p:A xmlns:p='urn:p' to='peer' p:to='other'><p:B/></p:A>",
                "<A xmlns='urn:a' xmlns:q='urn:q' q:to='other' to='peer'><B xmlns=''/></A>",
                "<to to='peer'/>",
                "<A xmlns:unused='urn:u' to='peer' xml:lang='en'>ümläut &lt;</A>"
            })
    void a_payload_for_a_peer_is_without_the_attribute(String payload) {
        ServiceAnswer alone = read(payload);
        ServiceAnswer amongOthers = read("<outputs>" + payload + "<Other to='peer'/></outputs>");

        assertThat(alone)
                .isInstanceOfSatisfying(
                        ServiceAnswer.Fit.class,
                        fit -> assertThat(fit.outputs())
                                .containsExactly(outputsOf(amongOthers).getFirst()));
        assertThat(outputsOf(alone)).singleElement().satisfies(forward -> {
            assertThat(forward.kind()).isEqualTo(Kind.FORWARD);
            assertThat(forward.to()).isEqualTo("peer");
            assertThat(forward.payload()).doesNotContain(" to=\"peer\"");
        });
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "<A/>",
                "<A><B to='peer'/></A>",
                "<A b=' to=\"peer\"'/>",
                "<A to=''/>",
                "<p:A xmlns:p='urn:p' p:to='peer'/>",
                "<outputs xmlns='urn:own'/>"
            })
    void without_that_attribute_it_responds(String payload) {
        assertThat(outputsOf(read(payload)))
                .singleElement()
                .extracting(Output::kind)
                .isEqualTo(Kind.RESPOND);
    }

    @Test
    void other_bytes_than_utf_8_are_refused_and_not_mended() {
        for (byte[] body : new byte[][] {
            "<A>caf\u00e9</A>".getBytes(StandardCharsets.ISO_8859_1),
            {'<', 'A', '>', (byte) 0xc3, '(', '<', '/', 'A', '>'}
        }) {
            assertThat(ServiceAnswer.read(body, LISTENER))
                    .isInstanceOfSatisfying(
                            ServiceAnswer.Unfit.class,
                            unfit -> assertThat(unfit.malformed()).isTrue());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"<A>", "<A/><B/>", "text", "<!DOCTYPE A><A/>", "<A to='p' to='q'/>", "</payload><A/>"})
    void what_is_no_element_is_refused_with_a_reason(String body) {
        assertThat(read(body))
                .isInstanceOfSatisfying(
                        ServiceAnswer.Unfit.class,
                        unfit -> assertThat(unfit.reason()).isNotBlank());
    }

    @Test
    void a_peer_that_takes_over_is_handed_the_thread() {
        assertThat(outputsOf(read("<B to='boss'/>")))
                .containsExactly(new Output(Kind.HAND_OVER, "boss", "<B></B>", new Envelope.PayloadRoot("", "B")));
    }

    @Test
    void a_byte_order_mark_is_no_text() {
        assertThat(outputsOf(read("\uFEFF<A/>")))
                .containsExactly(new Output(Kind.RESPOND, "", "<A></A>", new Envelope.PayloadRoot("", "A")));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                " \n",
                "<A to='peer'/>",
                "<p:A xmlns:p='urn:p' z='1' a='2'>&amp;<!-- no comment --></p:A>",
                "<outputs><A to='peer'/> <A  to='peer'>x</A></outputs>",
                "<outputs/>",
                "<?xml version='1.0'?>\n<A/>"
            })
    void its_content_read_again_is_the_same(String body) {
        ServiceAnswer.Fit once = (ServiceAnswer.Fit) read(body);
        assertThat(read(once.content())).isEqualTo(once);
    }

    private static Organism organism(String yaml) {
        return ((Parsed.Valid) new OrganismParser(Set.of("echo"), Set.of()).parse(yaml)).organism();
    }

    private static ServiceAnswer read(String body) {
        return ServiceAnswer.read(body.getBytes(StandardCharsets.UTF_8), LISTENER);
    }

    private static List<Output> outputsOf(ServiceAnswer answer) {
        return answer instanceof ServiceAnswer.Fit fit ? fit.outputs() : List.of();
    }
}
