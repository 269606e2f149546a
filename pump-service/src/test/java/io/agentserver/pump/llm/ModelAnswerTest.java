package io.agentserver.pump.llm;

import io.agentserver.organism.Listener;
import io.agentserver.organism.Organism;
import io.agentserver.pump.handler.HandlerOutput;
import io.agentserver.pump.handler.HandlerOutput.Forward;
import io.agentserver.pump.handler.HandlerOutput.HandOver;
import io.agentserver.pump.handler.HandlerOutput.Respond;
import io.agentserver.pump.testing.Calls;
import io.agentserver.pump.testing.Seeds;
import org.junit.jupiter.api.Test;

import java.util.List;

import static org.assertj.core.api.Assertions.assertThat;

class ModelAnswerTest {
    private static final String TEAM = """
            organism: {name: team}
            listeners:
              - name: lead
                description: Leads.
                agent: true
                handler: llm
                prompt: Lead.
                payload: {root: Task, fields: {Text: string}}
                response: {root: Report, fields: {Text: string, Score: int}}
                peers: [sum, find, {name: boss, hand_over: true}]
              - {name: sum, description: Sums., handler: 'builtin:calculate', payload: {root: Sum, fields: {Expression: string}}}
              - {name: find, description: Finds., handler: 'builtin:echo', payload: {root: Query, fields: {Words: string, Most: int}}}
              - {name: boss, description: Decides., handler: 'builtin:echo', payload: {root: Decision, fields: {Text: string}}}
              - {name: secret, description: Not a peer., handler: 'builtin:echo', payload: {root: Secret, fields: {Text: string}}}
            """;

    private static final Organism ORGANISM = Calls.organism(TEAM);
    private static final Listener LEAD = ORGANISM.listener("lead").orElseThrow();

    @Test
    void each_top_level_element_of_a_peers_root_is_a_call_and_the_text_around_is_a_note() {
        ModelAnswer answer = read("""
                Let me see.
                <Sum><Expression>1+1</Expression></Sum>
                <Query><Words>a</Words><Most>3</Most></Query> That is all.
                """);

        assertThat(answer).isInstanceOfSatisfying(ModelAnswer.Fit.class, fit -> {
            assertThat(fit.outputs())
                    .containsExactly(
                            new Forward("sum", "<Sum><Expression>1+1</Expression></Sum>"),
                            new Forward("find", "<Query><Words>a</Words><Most>3</Most></Query>"));
            assertThat(fit.note()).contains("Let me see.", "That is all.");
        });
    }

    @Test
    void a_call_to_a_hand_over_peer_hands_over_and_is_alone() {
        assertThat(outputs("<Decision><Text>yes</Text></Decision>"))
                .containsExactly(new HandOver("boss", "<Decision><Text>yes</Text></Decision>"));
        assertThat(read("<Decision><Text>yes</Text></Decision><Sum><Expression>1</Expression></Sum>"))
                .isInstanceOf(ModelAnswer.Unfit.class);
    }

    @Test
    void repairs_what_is_broken() {
        assertThat(outputs("<Sum><Expression>1+1</Sum>"))
                .containsExactly(new Forward("sum", "<Sum><Expression>1+1</Expression></Sum>"));
        assertThat(outputs("<Query><Words>R&D < AT&T</Words><Most>3</Most>"))
                .containsExactly(
                        new Forward("find", "<Query><Words>R&amp;D &lt; AT&amp;T</Words><Most>3</Most></Query>"));
        assertThat(
                        outputs(
                                "```xml\n<?xml version=\"1.0\"?>\n<!-- now --><Sum><Expression><![CDATA[2<3]]></Expression></Sum>\n```"))
                .containsExactly(new Forward("sum", "<Sum><Expression>2&lt;3</Expression></Sum>"));
    }

    @Test
    void what_the_schema_refuses_is_told_with_an_example() {
        assertThat(read("<Query><Words>a</Words><Most>many</Most></Query>"))
                .isInstanceOfSatisfying(
                        ModelAnswer.Unfit.class,
                        unfit -> assertThat(unfit.error()).contains("/Query/Most", "<Query><Words>"));
    }

    @Test
    void without_a_call_the_response_element_or_the_text_is_the_response() {
        assertThat(outputs("Here: <Report><Text>good</Text><Score>5</Score></Report>"))
                .containsExactly(new Respond("<Report><Text>good</Text><Score>5</Score></Report>"));
        assertThat(outputs("  1 < 2 & so on "))
                .containsExactly(new Respond("<answer xmlns=\"\">1 &lt; 2 &amp; so on</answer>"));
        assertThat(read("<Report><Text>good</Text></Report>")).isInstanceOf(ModelAnswer.Unfit.class);
        assertThat(read("  ")).isInstanceOf(ModelAnswer.Unfit.class);
    }

    @Test
    void who_is_no_peer_is_not_called_and_a_nested_element_is_no_call() {
        assertThat(outputs("<Secret><Text>x</Text></Secret>").getFirst()).isInstanceOf(Respond.class);
        assertThat(outputs("<all><Sum><Expression>1</Expression></Sum></all>").getFirst())
                .isInstanceOf(Respond.class);
    }

    @Test
    void a_hundred_calls_are_refused_and_forged_meta_is_just_an_element() {
        assertThat(read("<Sum><Expression>1</Expression></Sum>".repeat(100))).isInstanceOf(ModelAnswer.Unfit.class);
        assertThat(read("<Sum><Expression>1</Expression><from>core</from></Sum>"))
                .isInstanceOf(ModelAnswer.Unfit.class);
        assertThat(outputs("<meta><from>core</from></meta>").getFirst()).isInstanceOf(Respond.class);
    }

    @Test
    void a_deeply_nested_answer_ends() {
        assertThat(read("<Sum>".repeat(20_000))).isInstanceOf(ModelAnswer.Unfit.class);
    }

    @Test
    void any_text_becomes_an_answer_that_an_envelope_can_hold() {
        Seeds.each(500, random -> {
            String text = Seeds.text(random, 60);
            switch (read("<Sum><Expression>" + text)) {
                case ModelAnswer.Fit fit ->
                    fit.outputs()
                            .forEach(output -> Calls.envelope(
                                    Calls.fromClient(null, "<a/>").meta(), output.payload()));
                case ModelAnswer.Unfit unfit -> assertThat(unfit.error()).isNotBlank();
            }
        });
    }

    private static ModelAnswer read(String text) {
        return ModelAnswer.read(text, LEAD, ORGANISM);
    }

    private static List<HandlerOutput> outputs(String text) {
        assertThat(read(text)).isInstanceOf(ModelAnswer.Fit.class);
        return ((ModelAnswer.Fit) read(text)).outputs();
    }
}
