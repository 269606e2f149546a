package io.agentserver.buffer.journal;

import io.agentserver.buffer.v1.BeginReply;
import io.agentserver.buffer.v1.CompleteReply;
import io.agentserver.buffer.v1.Emission;
import io.agentserver.buffer.v1.Join;
import io.agentserver.buffer.v1.Outcome;
import io.agentserver.buffer.v1.Output;
import io.agentserver.buffer.v1.Slot;
import io.agentserver.buffer.v1.TurnState;
import io.agentserver.buffer.v1.Verdict;
import org.junit.jupiter.api.Test;

import java.util.List;
import java.util.stream.IntStream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Forward, hand over, respond, and what is too late. */
class RoutingTest {
    private final Conversing talk = conversing();

    Conversing conversing() {
        return new Conversing();
    }

    @Test
    void hello_world_has_three_slots_and_a_response() {
        Emission shout = only(talk.handle(talk.first, talk.handOver(talk.first, "shouter")));
        BeginReply begun = talk.begin(shout);
        assertThat(begun.getVerdict()).isEqualTo(Verdict.RUN);
        assertThat(begun.getCaller()).isEqualTo("client");
        assertThat(begun.getCallerThread()).isEqualTo(talk.root.toString());
        assertThat(begun.getParentThread()).isEqualTo(talk.root.toString());
        assertThat(begun.getHops()).isEqualTo(1);
        assertThat(begun.getTokens().getInput()).isEqualTo(10);

        CompleteReply completed = talk.complete(shout, talk.respond(shout, begun));
        assertThat(completed.getOutcome()).isEqualTo(Outcome.ACCEPTED);
        assertThat(completed.getEmissionsList()).as("no hop over the log").isEmpty();
        assertThat(talk.slots()).extracting(Slot::getSequence).containsExactly(1L, 2L, 3L);
        TurnProgress turn = talk.state().endedTurns().getFirst();
        assertThat(turn.responseSequence).isEqualTo(3);
        assertThat(turn.hops).isEqualTo(2);
        assertThat(thread(shout).closed).isTrue();
        assertThat(talk.state().thread(talk.root).orElseThrow().closed).isFalse();
    }

    @Test
    void an_answer_comes_back_to_the_caller_with_its_history() {
        Emission call = only(talk.handle(talk.first, talk.forward(talk.first, 0, "worker")));
        BeginReply worker = talk.begin(call);
        assertThat(worker.getCaller()).isEqualTo("a handler");
        assertThat(worker.getCallerThread()).isEqualTo(talk.root.toString());
        assertThat(worker.getParentThread()).isEqualTo(talk.root.toString());
        assertThat(worker.getHistoryList()).as("a new thread remembers nothing").isEmpty();

        Emission answer = only(talk.complete(call, talk.respond(call, worker)).getEmissionsList());
        assertThat(answer.getThread()).isEqualTo(talk.root.toString());
        assertThat(answer.getTurn()).isEqualTo(talk.first.getMessage());
        assertThat(answer.getCause()).isEqualTo(call.getMessage());
        assertThat(answer.getOrganismVersion()).isEqualTo(7);
        assertThat(answer.getClient()).isFalse();

        BeginReply again = talk.begin(answer);
        assertThat(again.getVerdict()).isEqualTo(Verdict.RUN);
        assertThat(again.getHistoryList())
                .extracting(Slot::getMessage)
                .containsExactly(talk.first.getMessage(), call.getMessage());
        assertThat(again.getHops()).isEqualTo(2);
    }

    @Test
    void a_history_is_the_latest_slots_that_were_asked_for() {
        Emission message = talk.first;
        for (int i = 0; i < 10; i++) {
            message = only(talk.handle(message, talk.toItself(message, 0)));
        }
        BeginReply begun = talk.journal.begin(
                talk.key, talk.beginning(message).setHistorySlots(3).build());
        assertThat(begun.getHistoryList()).extracting(Slot::getSequence).containsExactly(8L, 9L, 10L);
        assertThat(talk.journal
                        .begin(
                                talk.key,
                                talk.beginning(message).setHistorySlots(0).build())
                        .getHistoryList())
                .isEmpty();
    }

    @Test
    void a_forward_to_itself_stays_in_its_thread() {
        Emission note = only(talk.handle(talk.first, talk.toItself(talk.first, 0)));
        assertThat(note.getThread()).isEqualTo(talk.root.toString());
        BeginReply begun = talk.begin(note);
        assertThat(begun.getVerdict()).isEqualTo(Verdict.RUN);
        assertThat(begun.getHistoryList()).extracting(Slot::getMessage).containsExactly(talk.first.getMessage());
        assertThat(talk.complete(note, talk.respond(note, begun)).getOutcome()).isEqualTo(Outcome.ACCEPTED);
    }

    @Test
    void a_call_that_is_handed_over_is_answered_to_the_first_caller() {
        Emission call = only(talk.handle(talk.first, talk.forward(talk.first, 0, "middleman")));
        Emission handed = only(talk.handle(call, talk.handOver(call, "expert")));
        assertThat(thread(call).closed).isTrue();
        assertThat(thread(handed).parent).contains(talk.root);
        BeginReply expert = talk.begin(handed);
        assertThat(expert.getCallerThread()).isEqualTo(talk.root.toString());
        Emission answer =
                only(talk.complete(handed, talk.respond(handed, expert)).getEmissionsList());
        assertThat(talk.begin(answer).getVerdict())
                .as("its only call is answered")
                .isEqualTo(Verdict.RUN);
    }

    @Test
    void what_is_handed_over_at_the_root_can_be_handed_on() {
        Emission second = only(talk.handle(talk.first, talk.handOver(talk.first, "second")));
        Emission third = only(talk.handle(second, talk.handOver(second, "third")));
        BeginReply begun = talk.begin(third);
        talk.complete(third, talk.respond(third, begun));
        assertThat(talk.state().openTurn()).isEmpty();
        assertThat(talk.state().endedTurns().getFirst().responseSequence).isEqualTo(4);
    }

    @Test
    void what_is_handed_over_at_the_root_leaves_nothing_for_the_root() {
        List<Emission> calls =
                talk.handle(talk.first, talk.forward(talk.first, 0, "one"), talk.forward(talk.first, 1, "two"));
        Emission one = calls.get(0);
        Emission two = calls.get(1);
        Emission first = only(talk.handle(one, talk.respond(one, talk.begin(one))));
        Emission second = only(talk.handle(two, talk.respond(two, talk.begin(two))));
        talk.begin(first, Join.EACH);
        Emission heir = only(talk.complete(first, talk.handOver(first, "heir")).getEmissionsList());

        assertThat(talk.begin(second, Join.EACH).getVerdict()).isEqualTo(Verdict.DEAD);
        assertThat(talk.complete(second, talk.respond(second)).getOutcome()).isEqualTo(Outcome.OUTPUTS_DROPPED);
        BeginReply begun = talk.begin(heir);
        assertThat(begun.getVerdict()).isEqualTo(Verdict.RUN);
        talk.complete(heir, talk.respond(heir, begun));
        assertThat(talk.state().endedTurns()).hasSize(1);
    }

    @Test
    void what_is_in_flight_when_the_turn_ends_is_dead_and_what_completes_then_is_dropped() {
        List<Emission> calls = talk.handle(
                talk.first,
                talk.forward(talk.first, 0, "fast"),
                talk.forward(talk.first, 1, "slow"),
                talk.forward(talk.first, 2, "late"));
        Emission fast = calls.get(0);
        Emission slow = calls.get(1);
        talk.begin(slow);
        Emission answer = only(talk.handle(fast, talk.respond(fast, talk.begin(fast))));
        BeginReply boss = talk.begin(answer, Join.EACH);
        assertThat(boss.getVerdict()).isEqualTo(Verdict.RUN);
        talk.complete(answer, talk.respond(answer, boss));

        assertThat(talk.begin(calls.get(2)).getVerdict()).isEqualTo(Verdict.DEAD);
        int slots = talk.slots().size();
        CompleteReply dropped = talk.complete(slow, talk.forward(slow, 0, "nobody"));
        assertThat(dropped.getOutcome()).isEqualTo(Outcome.OUTPUTS_DROPPED);
        assertThat(dropped.getEmissionsList()).isEmpty();
        assertThat(talk.slots()).hasSize(slots);
        assertThat(talk.state().tokens().getInput())
                .as("of four handled messages")
                .isEqualTo(40);
        assertThat(talk.complete(slow, talk.forward(slow, 0, "nobody")).getOutcome())
                .isEqualTo(Outcome.REPEATED);
        assertThat(talk.begin(slow).getVerdict()).isEqualTo(Verdict.DONE);
    }

    @Test
    void what_completes_below_a_closed_thread_is_dropped_while_its_turn_goes_on() {
        Emission middle = only(talk.handle(talk.first, talk.forward(talk.first, 0, "middle")));
        BeginReply begun = talk.begin(middle);
        List<Emission> below = talk.complete(middle, talk.forward(middle, 0, "quick"), talk.forward(middle, 1, "deep"))
                .getEmissionsList();
        Emission deeper = only(talk.handle(below.get(1), talk.forward(below.get(1), 0, "deeper")));
        talk.begin(deeper);
        Emission quick = below.getFirst();
        Emission answer = only(talk.handle(quick, talk.respond(quick, talk.begin(quick))));
        talk.begin(answer, Join.EACH);
        Emission response =
                only(talk.complete(answer, talk.respond(answer, begun)).getEmissionsList());

        assertThat(talk.complete(deeper, talk.forward(deeper, 0, "nobody")).getOutcome())
                .isEqualTo(Outcome.OUTPUTS_DROPPED);
        assertThat(talk.begin(response).getVerdict()).isEqualTo(Verdict.RUN);
    }

    @Test
    void a_failure_anywhere_ends_the_turn_with_its_message_to_the_client() {
        Emission call = only(talk.handle(talk.first, talk.forward(talk.first, 0, "worker")));
        talk.begin(call);
        Emission waiting = talk.clientMessage();
        talk.begin(waiting);
        CompleteReply failed = talk.journal.complete(
                talk.key,
                talk.completing(call, talk.respond(call)).setFailed(true).build());
        assertThat(failed.getEmissionsList()).extracting(Emission::getMessage).containsExactly(waiting.getMessage());
        TurnProgress turn = talk.state().endedTurns().getFirst();
        assertThat(turn.state).isEqualTo(TurnState.TURN_FAILED);
        assertThat(turn.responseSequence).isEqualTo(4);
    }

    @Test
    void the_first_completion_stands_whatever_a_second_one_brings() {
        talk.begin(talk.first);
        List<Emission> first =
                talk.complete(talk.first, talk.forward(talk.first, 0, "one")).getEmissionsList();
        CompleteReply second = talk.process()
                .complete(
                        talk.key,
                        talk.completing(
                                        talk.first,
                                        talk.forward(talk.first, 0, "two"),
                                        talk.forward(talk.first, 1, "three"))
                                .build());
        assertThat(second.getOutcome()).isEqualTo(Outcome.REPEATED);
        assertThat(second.getEmissionsList()).isEqualTo(first);
        assertThat(talk.slots()).extracting(Slot::getTo).containsExactly("boss", "one");
    }

    @Test
    void an_output_that_the_journal_does_not_know_is_dead() {
        Emission unknown = talk.first.toBuilder().setClient(false).build();
        assertThat(talk.begin(unknown).getVerdict()).isEqualTo(Verdict.DEAD);
        assertThat(talk.slots()).isEmpty();
    }

    @Test
    void refuses_outputs_that_no_handler_may_return() {
        talk.begin(talk.first);
        Output forward = talk.forward(talk.first, 1, "worker");
        refuses("excludes other outputs", forward, talk.respond(talk.first));
        refuses("excludes other outputs", talk.handOver(talk.first, "other"), forward);
        refuses("is there twice", forward, forward);
        refuses(
                "more than 32",
                IntStream.range(0, 33)
                        .mapToObj(i -> talk.forward(talk.first, i, "x"))
                        .toArray(Output[]::new));
        refuses(
                "is open already",
                talk.handOver(talk.first, "x").toBuilder()
                        .setThread(talk.root.toString())
                        .build());
        refuses(
                "goes to thread",
                talk.respond(talk.first).toBuilder()
                        .setThread(forward.getThread())
                        .build());
        refuses("has no kind", forward.toBuilder().clearKind().build());
        assertThat(talk.slots()).as("nothing of it was journalled").hasSize(1);
    }

    private void refuses(String why, Output... outputs) {
        assertThatThrownBy(() -> talk.complete(talk.first, outputs))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(why);
    }

    private ThreadState thread(Emission message) {
        return talk.journal.look(
                talk.key,
                state -> state.thread(MessageKey.of(message.getThread(), message.getMessage())
                                .thread())
                        .orElseThrow());
    }

    private static Emission only(List<Emission> emissions) {
        assertThat(emissions).hasSize(1);
        return emissions.getFirst();
    }
}
