package io.agentserver.pump.handler;

import io.agentserver.envelope.TenantId;
import io.agentserver.organism.Organism;
import io.agentserver.pump.handler.SystemErrors.Code;
import io.agentserver.pump.testing.Calls;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import org.junit.jupiter.api.Test;

import java.time.Clock;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

class BreakerTest {
    private static final HandlerResult AWAY =
            new HandlerResult.Again(Code.HANDLER, "away", "the handler did not answer", Spent.NOTHING);
    private static final HandlerResult BUSY =
            new HandlerResult.Again(Code.HANDLER, "429", "the handler did not answer", Spent.NOTHING, true);
    private static final HandlerResult WELL = HandlerResult.respond("<ok/>");

    private static final Organism ORGANISM = Calls.organism("""
            organism: {name: test}
            listeners:
              - {name: service, description: Works., handler: http, url: 'https://example.com/x', secret: whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD, payload: {root: Job, fields: {Text: string}}}
            """);

    private final MovedClock clock = new MovedClock();
    private final SimpleMeterRegistry registry = new SimpleMeterRegistry();
    private HandlerResult answer = WELL;
    private int calls;
    private final Breaker breaker = new Breaker(
            _ -> {
                calls++;
                return answer;
            },
            "http",
            registry,
            clock);

    private static final class MovedClock extends Clock {
        private Instant now = Instant.EPOCH;

        @Override
        public Instant instant() {
            return now;
        }

        @Override
        public ZoneId getZone() {
            return ZoneOffset.UTC;
        }

        @Override
        public Clock withZone(ZoneId zone) {
            return this;
        }
    }

    @Test
    void whom_ten_calls_found_away_is_not_called_for_a_while() {
        open("acme");
        assertThat(called("acme"))
                .isInstanceOfSatisfying(
                        HandlerResult.Resting.class,
                        resting -> assertThat(resting.pause()).isBetween(Breaker.REST, Breaker.REST.multipliedBy(2)));
        assertThat(calls).isEqualTo(Breaker.CALLS);
        assertThat(registry.counter("agentserver.breaker.transitions", "kind", "http", "to", "open")
                        .count())
                .isOne();
    }

    @Test
    void after_its_rest_three_are_tried_and_if_they_are_answered_all_are() {
        open("acme");
        clock.now = clock.now.plus(Breaker.REST).plusMillis(1);
        answer = WELL;
        for (int i = 0; i < 20; i++) {
            assertThat(called("acme")).isEqualTo(WELL);
        }
    }

    @Test
    void after_its_rest_three_are_tried_and_if_they_fail_it_rests_again() {
        open("acme");
        clock.now = clock.now.plus(Breaker.REST).plusMillis(1);
        for (int i = 0; i < Breaker.PROBES; i++) {
            assertThat(called("acme")).isEqualTo(AWAY);
        }
        assertThat(called("acme")).isInstanceOf(HandlerResult.Resting.class);
        assertThat(calls).isEqualTo(Breaker.CALLS + Breaker.PROBES);
    }

    @Test
    void one_tenants_failures_are_not_held_against_another_with_the_same_service() {
        open("acme");
        answer = WELL;
        assertThat(called("other")).isEqualTo(WELL);
    }

    @Test
    void who_answers_no_or_not_now_is_well() {
        answer = BUSY;
        for (int i = 0; i < 30; i++) {
            assertThat(called("acme")).isEqualTo(BUSY);
        }
        HandlerResult refused = HandlerResult.failed(Code.HANDLER, "400");
        answer = refused;
        for (int i = 0; i < 30; i++) {
            assertThat(called("acme")).isEqualTo(refused);
        }
    }

    @Test
    void what_was_cut_short_by_us_says_nothing_about_the_target() {
        Breaker interrupting = new Breaker(
                _ -> {
                    Thread.currentThread().interrupt();
                    return AWAY;
                },
                "http",
                registry,
                clock);
        for (int i = 0; i < 30; i++) {
            assertThat(interrupting.handle(call("acme"))).isEqualTo(AWAY);
            assertThat(Thread.interrupted()).isTrue();
        }
    }

    @Test
    void what_was_interrupted_because_its_time_was_over_counts_against_the_target() {
        Breaker hanging = new Breaker(
                called -> {
                    clock.now = clock.now.plus(called.time()).minusMillis(20);
                    Thread.currentThread().interrupt();
                    return AWAY;
                },
                "http",
                registry,
                clock);
        for (int i = 0; i < Breaker.CALLS; i++) {
            assertThat(hanging.handle(call("acme"))).isEqualTo(AWAY);
            assertThat(Thread.interrupted()).isTrue();
        }
        assertThat(hanging.handle(call("acme"))).isInstanceOf(HandlerResult.Resting.class);
    }

    @Test
    void a_defect_says_nothing_about_the_target() {
        Breaker failing = new Breaker(
                _ -> {
                    throw new IllegalStateException("a defect");
                },
                "http",
                registry,
                clock);
        for (int i = 0; i < 30; i++) {
            assertThatIllegalStateException().isThrownBy(() -> failing.handle(call("acme")));
        }
    }

    @Test
    void remembers_so_many_targets_and_no_more() {
        for (int i = 0; i < Breaker.MOST_TARGETS + 500; i++) {
            breaker.handle(call("tenant-" + i));
        }
        assertThat(breaker.targets()).isLessThanOrEqualTo(Breaker.MOST_TARGETS);
    }

    private void open(String tenant) {
        answer = AWAY;
        for (int i = 0; i < Breaker.CALLS; i++) {
            assertThat(called(tenant)).isEqualTo(AWAY);
        }
    }

    private static HandlerCall call(String tenant) {
        HandlerCall call = Calls.call(ORGANISM, "service", "<Job><Text>x</Text></Job>");
        return new HandlerCall(
                new TenantId(tenant),
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
                call.longestWait(),
                null);
    }

    private HandlerResult called(String tenant) {
        return breaker.handle(call(tenant));
    }
}
