package io.agentserver.buffer.journal;

import io.agentserver.buffer.v1.BeginReply;
import io.agentserver.buffer.v1.Emission;
import io.agentserver.buffer.v1.Join;
import io.agentserver.buffer.v1.Outcome;
import io.agentserver.buffer.v1.Output;
import io.agentserver.buffer.v1.ParkRequest;
import io.agentserver.buffer.v1.Parking;
import io.agentserver.buffer.v1.Slot;
import io.agentserver.buffer.v1.Verdict;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;

import static org.assertj.core.api.Assertions.assertThat;

/** An agent that has called several others at once. */
class JoinTest {
    private final Conversing talk = new Conversing();

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void runs_once_with_all_answers_in_whatever_order_they_come(long seed) {
        Random random = new Random(seed);
        int count = 2 + random.nextInt(6);
        List<Emission> calls = new ArrayList<>(call(count));
        Collections.shuffle(calls, random);
        List<Emission> answers = new ArrayList<>();
        calls.forEach(call -> answers.add(answer(call)));
        Collections.shuffle(answers, random);
        for (Emission early : answers.subList(0, count - 1)) {
            assertThat(talk.begin(early).getVerdict()).isEqualTo(Verdict.ABSORBED);
            assertThat(talk.begin(early).getVerdict()).as("redelivered").isEqualTo(Verdict.DONE);
        }
        Emission last = answers.getLast();
        BeginReply begun = talk.begin(last);
        assertThat(begun.getVerdict()).isEqualTo(Verdict.RUN);
        assertThat(talk.begin(last)).isEqualTo(begun);
        assertThat(begun.getHistoryList().subList(1 + count, 2 * count))
                .extracting(Slot::getMessage)
                .containsExactlyElementsOf(answers.subList(0, count - 1).stream()
                        .map(Emission::getMessage)
                        .toList());
        assertThat(begun.getHops()).as("an absorbed answer was not handled").isEqualTo(1 + count);
        assertThat(talk.complete(last, talk.respond(last, begun)).getOutcome()).isEqualTo(Outcome.ACCEPTED);
        assertThat(talk.state().openTurn()).isEmpty();
    }

    @Test
    void waits_for_calls_that_are_still_worked_on() {
        List<Emission> calls = call(2);
        Emission early = answer(calls.getFirst());
        assertThat(talk.begin(early).getVerdict()).isEqualTo(Verdict.ABSORBED);
        Emission late = answer(calls.get(1));
        assertThat(talk.begin(late).getVerdict()).isEqualTo(Verdict.RUN);
    }

    @Test
    void runs_at_each_answer_if_it_wants_to() {
        List<Emission> calls = call(2);
        Emission early = answer(calls.getFirst());
        assertThat(talk.begin(early, Join.EACH).getVerdict()).isEqualTo(Verdict.RUN);
        talk.complete(early);
        assertThat(talk.state().openTurn()).as("another call is open").isPresent();
        Emission late = answer(calls.get(1));
        assertThat(talk.begin(late, Join.EACH).getVerdict()).isEqualTo(Verdict.RUN);
        talk.complete(late);
        assertThat(talk.state().openTurn()).isEmpty();
    }

    @Test
    void does_not_wait_for_a_call_that_has_ended_without_an_answer() {
        List<Emission> calls = call(2);
        talk.handle(calls.getFirst());
        assertThat(talk.begin(answer(calls.get(1))).getVerdict()).isEqualTo(Verdict.RUN);
    }

    @Test
    void runs_with_what_it_has_when_the_last_call_ends_without_an_answer() {
        List<Emission> calls = call(3);
        Emission first = answer(calls.get(0));
        Emission second = answer(calls.get(1));
        talk.begin(first);
        talk.begin(second);
        Emission silent = calls.get(2);
        // the silent one's own call is silent, too
        Emission deeper = talk.handle(silent, talk.forward(silent, 0, "deeper")).getFirst();
        List<Emission> released = talk.handle(deeper);
        assertThat(released).extracting(Emission::getMessage).containsExactly(second.getMessage());
        assertThat(talk.begin(deeper).getEmissionsList())
                .as("a crash before it is on the log loses nothing")
                .isEqualTo(released);

        BeginReply begun = talk.begin(released.getFirst());
        assertThat(begun.getVerdict()).isEqualTo(Verdict.RUN);
        assertThat(begun.getHistoryList())
                .extracting(Slot::getMessage)
                .contains(first.getMessage())
                .doesNotContain(second.getMessage());
        talk.complete(released.getFirst(), talk.respond(released.getFirst(), begun));
        assertThat(talk.state().openTurn()).isEmpty();
    }

    @Test
    void an_answer_that_is_released_brings_what_it_had_let_pass_in_the_mailbox() {
        List<Emission> calls = talk.handle(
                talk.first,
                talk.toItself(talk.first, 0),
                talk.forward(talk.first, 1, "worker"),
                talk.forward(talk.first, 2, "silent"));
        Emission own = calls.getFirst();
        talk.begin(own);
        assertThat(talk.journal
                        .park(
                                talk.key,
                                ParkRequest.newBuilder()
                                        .setThread(own.getThread())
                                        .setMessage(own.getMessage())
                                        .setParking(Parking.newBuilder()
                                                .setUntilMs(talk.clock.millis() + 1)
                                                .setWaits(true))
                                        .build())
                        .getOutcome())
                .isEqualTo(Outcome.ACCEPTED);
        Emission answer = answer(calls.get(1));
        assertThat(talk.begin(answer).getVerdict()).isEqualTo(Verdict.QUEUED_IN_MAILBOX);
        Emission next = talk.complete(own, talk.toItself(own, 0)).getEmissions(0);
        assertThat(talk.begin(next).getVerdict()).as("behind the answer").isEqualTo(Verdict.QUEUED_IN_MAILBOX);
        assertThat(talk.begin(answer).getVerdict()).isEqualTo(Verdict.ABSORBED);

        // the pump died before what it had let pass was on the log; then the last call ends without an answer
        List<Emission> released = talk.handle(calls.get(2));

        assertThat(released)
                .extracting(Emission::getMessage)
                .containsExactlyInAnyOrder(answer.getMessage(), next.getMessage());
        assertThat(talk.begin(answer).getVerdict()).as("still behind it").isEqualTo(Verdict.QUEUED_IN_MAILBOX);
        assertThat(talk.begin(next).getVerdict()).isEqualTo(Verdict.RUN);
    }

    @Test
    void ends_the_turn_when_no_call_is_answered() {
        List<Emission> calls = call(2);
        talk.handle(calls.get(0));
        talk.handle(calls.get(1));
        assertThat(talk.state().openTurn()).isEmpty();
    }

    @Test
    void starts_afresh_in_the_next_turn() {
        List<Emission> calls = call(2);
        Emission early = answer(calls.getFirst());
        BeginReply boss = talk.begin(early, Join.EACH);
        talk.complete(early, talk.respond(early, boss));

        Emission next = talk.clientMessage();
        talk.begin(next);
        Emission call = talk.complete(next, talk.forward(next, 0, "worker")).getEmissions(0);
        assertThat(talk.begin(answer(call)).getVerdict())
                .as("the ended turn's open call is not waited for")
                .isEqualTo(Verdict.RUN);
    }

    private List<Emission> call(int count) {
        Output[] calls = IntStream.range(0, count)
                .mapToObj(i -> talk.forward(talk.first, i, "worker-" + i))
                .toArray(Output[]::new);
        return talk.handle(talk.first, calls);
    }

    private Emission answer(Emission call) {
        BeginReply begun = talk.begin(call);
        return talk.complete(call, talk.respond(call, begun)).getEmissions(0);
    }
}
