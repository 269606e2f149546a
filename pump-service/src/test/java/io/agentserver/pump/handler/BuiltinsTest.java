package io.agentserver.pump.handler;

import io.agentserver.organism.Listener;
import io.agentserver.organism.Organism;
import io.agentserver.pump.testing.Calls;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;

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
              - name: alarm
                description: Rings.
                handler: builtin:timer
                payload: {root: Alarm, fields: {At: {type: string, optional: true}, After: {type: string, optional: true}, Text: string}}
                response: {root: Ring, fields: {Text: string}}
              - name: later
                description: Comes back.
                handler: builtin:timer
                payload: {root: Delay, fields: {After: string}}
            """;

    private static final Instant NOW = Instant.parse("2026-01-01T00:00:00Z");

    private static final Organism ORGANISM = Calls.organism(TOOLS);
    private static final Handlers HANDLERS = new Handlers(
            _ -> HandlerResult.failed(SystemErrors.Code.HANDLER, "llm"),
            _ -> HandlerResult.failed(SystemErrors.Code.HANDLER, "http"),
            Clock.fixed(NOW, ZoneOffset.UTC));

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
    void a_timer_sleeps_until_its_time_and_answers_then() {
        assertThat(until("alarm", "<Alarm><After>90s</After><Text>up</Text></Alarm>"))
                .isEqualTo(NOW.plusSeconds(90));
        assertThat(until("alarm", "<Alarm><After>PT1M30S</After><Text>up</Text></Alarm>"))
                .isEqualTo(NOW.plusSeconds(90));
        assertThat(until("alarm", "<Alarm><At>2026-01-01T12:00:00Z</At><Text>up</Text></Alarm>"))
                .isEqualTo(Instant.parse("2026-01-01T12:00:00Z"));
        assertThat(until("alarm", "<Alarm><At>2020-01-01T12:00:00Z</At><Text>up</Text></Alarm>"))
                .as("what has passed is due now")
                .isEqualTo(NOW);
        assertThat(woken("alarm", "<Alarm><After>90s</After><Text>a &lt; b</Text></Alarm>"))
                .isEqualTo("<Ring xmlns=\"\"><Text>a &lt; b</Text></Ring>");
        assertThat(woken("later", "<Delay><After>1ms</After></Delay>")).isEqualTo("<Delay><After>1ms</After></Delay>");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "<At>tomorrow</At>",
                "<After>soon</After>",
                "<After>24h</After>",
                "<After>PT999999999999999H</After>",
                "<At>+1000000000-12-31T23:59:59Z</At>",
                "<At>2026-01-01T12:00:00Z</At><After>1s</After>"
            })
    void a_timer_without_one_time_within_a_day_fails(String fields) {
        assertThat(result("alarm", "<Alarm>" + fields + "<Text>up</Text></Alarm>"))
                .isInstanceOfSatisfying(
                        HandlerResult.Failed.class,
                        failed -> assertThat(failed.message()).startsWith("a timer "));
    }

    @Test
    void a_timer_waits_no_longer_than_its_conversation_is_kept() {
        HandlerCall call = Calls.call(ORGANISM, "alarm", "<Alarm><After>30h</After><Text>up</Text></Alarm>");
        assertThat(HANDLERS.of(call.listener().handler()).handle(with(call, Duration.ofDays(86), null)))
                .isInstanceOfSatisfying(
                        HandlerResult.Later.class,
                        later -> assertThat(later.until()).isEqualTo(NOW.plus(Duration.ofHours(30))));
        assertThat(refusal(with(call, Duration.ofHours(23), null))).isEqualTo("a timer waits 23 hours at most");
        assertThat(refusal(with(call, Duration.ofSeconds(3_450), null))).isEqualTo("a timer waits 57 minutes at most");
    }

    private static String refusal(HandlerCall call) {
        return ((HandlerResult.Failed) HANDLERS.of(call.listener().handler()).handle(call)).message();
    }

    private static HandlerCall with(HandlerCall call, Duration longestWait, @Nullable Instant waitedUntil) {
        return new HandlerCall(
                call.tenant(),
                call.conversation(),
                call.thread(),
                call.turn(),
                call.message(),
                call.listener(),
                call.organism(),
                call.caller(),
                call.history(),
                call.time(),
                call.version(),
                call.answerBy(),
                longestWait,
                waitedUntil);
    }

    private static Instant until(String listener, String payload) {
        return ((HandlerResult.Later) result(listener, payload)).until();
    }

    private static String woken(String listener, String payload) {
        HandlerCall call = Calls.call(ORGANISM, listener, payload);
        HandlerCall again = with(call, call.longestWait(), NOW);
        HandlerResult.Done done =
                (HandlerResult.Done) HANDLERS.of(call.listener().handler()).handle(again);
        return done.outputs().getFirst().payload();
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
