package io.agentserver.pump.handler;

import io.agentserver.organism.Listener;
import io.agentserver.organism.Organism;
import io.agentserver.pump.testing.Calls;
import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

class BuiltinsTest {
    private static final String TOOLS = """
            organism: {name: tools}
            listeners:
              - {name: echo, description: Says it again., handler: 'builtin:echo', payload: {root: Note, fields: {Text: string}}}
              - {name: sum, description: Calculates., handler: 'builtin:calculate', payload: {root: Sum, fields: {Expression: string}}}
              - name: typed
                description: Calculates.
                handler: builtin:calculate
                payload: {root: Task, fields: {Expression: string}}
                response: {root: Total, fields: {Value: decimal}}
              - name: loud
                description: In capitals.
                handler: builtin:upper
                payload: {root: Letter, fields: {Text: {type: string, repeated: true}, Pages: int, From: string}}
                response: {root: Loud, fields: {Text: {type: string, repeated: true}, Pages: int}}
            """;

    private static final Organism ORGANISM = Calls.organism(TOOLS);
    private static final Handlers HANDLERS = new Handlers(
            _ -> HandlerResult.failed(SystemErrors.Code.HANDLER, "llm"),
            _ -> HandlerResult.failed(SystemErrors.Code.HANDLER, "http"));

    @Test
    void echo_answers_with_what_it_got() {
        assertThat(answer("echo", "<Note><Text>a &lt; b</Text></Note>"))
                .isEqualTo("<Note><Text>a &lt; b</Text></Note>");
    }

    @Test
    void upper_answers_with_the_responses_fields_in_capitals() {
        assertThat(
                        answer(
                                "loud",
                                "<Letter><Text>eins &amp; zwei</Text><Text>drei</Text><Pages>3</Pages><From>me</From></Letter>"))
                .isEqualTo("<Loud xmlns=\"\"><Text>EINS &amp; ZWEI</Text><Text>DREI</Text><Pages>3</Pages></Loud>");
    }

    @Test
    void calculate_answers_with_a_result_or_the_declared_response() {
        assertThat(answer("sum", "<Sum><Expression>6*7</Expression></Sum>"))
                .isEqualTo("<result xmlns=\"\">42</result>");
        assertThat(answer("typed", "<Task><Expression>1/4</Expression></Task>"))
                .isEqualTo("<Total xmlns=\"\"><Value>0.25</Value></Total>");
    }

    @Test
    void calculate_says_what_is_wrong() {
        HandlerResult result = result("sum", "<Sum><Expression>rm -rf</Expression></Sum>");

        assertThat(result).isInstanceOfSatisfying(HandlerResult.Failed.class, failed -> {
            assertThat(failed.code()).isEqualTo(SystemErrors.Code.VALIDATION);
            assertThat(failed.message()).contains("no arithmetic expression", "+ - * / ^ ( )");
        });
    }

    @Test
    void system_errors_escape_what_they_are_given() {
        assertThat(SystemErrors.systemError(SystemErrors.Code.HANDLER, "</message><x> & \u0000", false))
                .contains("&lt;/message&gt;&lt;x&gt; &amp; </message>");
        assertThat(SystemErrors.huh("a<b", "x".repeat(10_000)).length()).isLessThan(6_000);
    }

    private static String answer(String listener, String payload) {
        HandlerResult result = result(listener, payload);
        assertThat(result).isInstanceOf(HandlerResult.Done.class);
        return ((HandlerResult.Done) result).outputs().getFirst().payload();
    }

    private static HandlerResult result(String name, String payload) {
        Listener listener = ORGANISM.listener(name).orElseThrow();
        return HANDLERS.of(listener.handler()).handle(Calls.call(ORGANISM, name, payload));
    }
}
