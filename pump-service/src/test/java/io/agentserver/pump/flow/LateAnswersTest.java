package io.agentserver.pump.flow;

import io.agentserver.buffer.v1.BeginReply;
import io.agentserver.buffer.v1.BeginRequest;
import io.agentserver.buffer.v1.Kind;
import io.agentserver.buffer.v1.LateAnswer;
import io.agentserver.buffer.v1.Outcome;
import io.agentserver.buffer.v1.ParkReply;
import io.agentserver.buffer.v1.ParkRequest;
import io.agentserver.buffer.v1.Parking;
import io.agentserver.log.RecordHeaders;
import io.agentserver.pump.handler.HandlerCall;
import io.agentserver.pump.handler.HandlerOutput;
import io.agentserver.pump.handler.HandlerResult;
import org.junit.jupiter.api.Test;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

import static org.assertj.core.api.Assertions.assertThat;

/** A service that answers 202, and what it says, or does not say, afterwards. */
class LateAnswersTest extends FlowFixture {
    private static final String JOB = "<Job><Text>x</Text></Job>";
    private static final String ASK = "<Ask><Text>x</Text></Ask>";

    private final AtomicInteger calls = new AtomicInteger();
    private final List<HandlerCall> called = new ArrayList<>();

    LateAnswersTest() {
        http = call -> {
            calls.incrementAndGet();
            called.add(call);
            return new HandlerResult.Awaiting(call.answerBy());
        };
    }

    @Test
    void a_message_whose_service_answers_later_sleeps_and_its_offset_is_finished() {
        step(client("service", JOB));
        assertThat(journal.completed).isEmpty();
        Parking parking = journal.parked.getFirst().getParking();
        assertThat(parking.getAwaitsAnswer()).isTrue();
        assertThat(parking.getWaits()).as("it is no time of the turn's").isTrue();
        assertThat(parking.getAttempts()).isEqualTo(1);
        assertThat(parking.getUntilMs()).isEqualTo(called.getFirst().answerBy().toEpochMilli());
    }

    @Test
    void without_a_timeout_of_its_listener_it_waits_as_long_as_its_conversation_is_kept() {
        journal.keepsUntilMs = Clock.systemUTC().millis() + Duration.ofHours(5).toMillis();
        step(client("service", JOB));
        assertThat(journal.parked.getFirst().getParking().getUntilMs()).isEqualTo(journal.keepsUntilMs);
    }

    @Test
    void with_a_timeout_it_waits_for_that_and_never_longer_than_its_conversation_is_kept() {
        Instant before = Instant.now();
        step(client("timed", "<Timed><Text>x</Text></Timed>"));
        Instant until =
                Instant.ofEpochMilli(journal.parked.getFirst().getParking().getUntilMs());
        assertThat(until)
                .isBetween(
                        before.plus(Duration.ofHours(2)).minusMillis(1),
                        Instant.now().plus(Duration.ofHours(2)));

        journal.keepsUntilMs = before.plus(Duration.ofHours(1)).toEpochMilli();
        step(client("timed", "<Timed><Text>x</Text></Timed>"));
        assertThat(journal.parked.getLast().getParking().getUntilMs()).isEqualTo(journal.keepsUntilMs);
    }

    @Test
    void its_answer_completes_it_and_the_service_is_not_asked_again() {
        step(client("service", JOB));
        journal.parking = journal.parked.getFirst().getParking();
        answered("<outputs><GreetingResponse to=\"shouter\"><Message>a</Message></GreetingResponse></outputs>");
        step(client("service", JOB));
        assertThat(calls).hasValue(1);
        assertThat(last().getSawAnswer()).isTrue();
        assertThat(last().getOutputs(0).getKind()).isEqualTo(Kind.FORWARD);
        assertThat(last().getOutputs(0).getTo()).isEqualTo("shouter");
    }

    @Test
    void an_answer_without_a_payload_ends_the_chain() {
        journal.parking =
                Parking.newBuilder().setAwaitsAnswer(true).setWaits(true).build();
        answered("");
        step(client("service", JOB));
        assertThat(last().getOutputsList()).isEmpty();
    }

    @Test
    void an_answer_that_may_not_be_is_an_error_as_it_is_at_once() {
        for (String unfit : List.of(
                "<GreetingResponse to=\"greeter\"><Message>a</Message></GreetingResponse>", // no peer of its
                "<GreetingResponse to=\"shouter\"><Wrong/></GreetingResponse>",
                "<SystemError><code>budget</code></SystemError>",
                "<a><b>")) {
            journal.forget();
            answered(unfit);
            step(client("service", JOB));
            assertThat(last().getOutputs(0).getEnvelope()).as(unfit).contains("<SystemError");
        }
        assertThat(calls).hasValue(0);
    }

    @Test
    void at_the_end_of_its_time_the_caller_gets_a_timeout_and_the_service_is_not_asked_again() {
        step(client("patient", ASK)); // it has 20 retries
        journal.parking = journal.parked.getFirst().getParking();
        step(client("patient", ASK));
        assertThat(calls).hasValue(1);
        assertThat(last().getOutputs(0).getEnvelope())
                .contains("<SystemError", "<code>timeout</code>", "did not answer in time");
        assertThat(last().getSawAnswer()).isFalse();
        assertThat(log)
                .filteredOn(record -> record.topic().equals("dead-letters.demo"))
                .singleElement()
                .satisfies(
                        letter -> assertThat(text(letter, RecordHeaders.REASON)).contains("answered 202"));
    }

    @Test
    void an_answer_that_comes_while_the_message_is_given_up_is_the_one_that_counts() {
        journal.parking = Parking.newBuilder()
                .setAwaitsAnswer(true)
                .setWaits(true)
                .setAttempts(1)
                .setUntilMs(1)
                .build();
        ThreadBuffer late = new ForwardingBuffer(journal) {
            @Override
            public BeginReply begin(BeginRequest request) {
                BeginReply reply = super.begin(request);
                answered("<ok/>"); // after the begin that saw none
                return reply;
            }
        };
        handle(client("service", JOB), late);
        assertThat(journal.completed).hasSize(1);
        assertThat(last().getOutputs(0).getEnvelope()).contains("<ok ");
        assertThat(log).as("no dead letter").isEmpty();
    }

    @Test
    void an_answer_that_is_faster_than_the_park_is_what_the_message_is_completed_with() {
        ThreadBuffer fast = new ForwardingBuffer(journal) {
            @Override
            public ParkReply park(ParkRequest request) {
                answered("<ok/>");
                return ParkReply.newBuilder().setOutcome(Outcome.BEGIN_AGAIN).build();
            }
        };
        handle(client("service", JOB), fast);
        assertThat(calls).hasValue(1);
        assertThat(last().getOutputs(0).getEnvelope()).contains("<ok ");
    }

    @Test
    void a_service_that_answers_at_once_although_it_has_answered_later_is_held_to_its_first_word() {
        http = _ -> {
            answered("<first/>");
            return done(new HandlerOutput.Respond("<second/>"));
        };
        step(client("service", JOB));
        assertThat(journal.completed).hasSize(1);
        assertThat(last().getOutputs(0).getEnvelope()).contains("<first ");
    }

    @Test
    void what_failed_attempts_have_cost_is_not_forgotten_in_the_wait() {
        journal.parking =
                Parking.newBuilder().setAttempts(2).setFirstFailureMs(5_000).build();
        step(client("patient", ASK));
        Parking parking = journal.parked.getFirst().getParking();
        assertThat(parking.getAttempts()).isEqualTo(3);
        assertThat(parking.getFirstFailureMs()).isEqualTo(5_000);
    }

    private void answered(String content) {
        journal.answer = LateAnswer.newBuilder().setContent(content).build();
    }
}
