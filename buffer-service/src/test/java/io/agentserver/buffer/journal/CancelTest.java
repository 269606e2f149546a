package io.agentserver.buffer.journal;

import io.agentserver.buffer.v1.CancelReply;
import io.agentserver.buffer.v1.ConversationState;
import io.agentserver.buffer.v1.Emission;
import io.agentserver.buffer.v1.Outcome;
import io.agentserver.buffer.v1.SlotState;
import io.agentserver.buffer.v1.Verdict;
import io.agentserver.envelope.MessageId;
import io.agentserver.envelope.ThreadId;
import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

import static org.assertj.core.api.Assertions.assertThat;

/** A client's word that nothing of what it has set going shall go on. */
class CancelTest {
    private final Conversing talk = conversing();

    Conversing conversing() {
        return new Conversing();
    }

    @Test
    void what_runs_has_no_effect_any_more_and_the_turn_is_cancelled() {
        talk.begin(talk.first);
        Emission call =
                talk.complete(talk.first, talk.forward(talk.first, 0, "tool")).getEmissions(0);
        talk.begin(call);
        CancelReply reply = talk.journal.cancel(talk.key);
        assertThat(reply.getFound()).isTrue();
        assertThat(reply.getConversation().getState()).isEqualTo(ConversationState.CANCELLED);
        assertThat(talk.begin(call).getVerdict()).isEqualTo(Verdict.DEAD);
        assertThat(talk.complete(call, talk.forward(call, 0, "more")).getOutcome())
                .isEqualTo(Outcome.OUTPUTS_DROPPED);
    }

    @Test
    void turns_that_wait_are_cancelled_too() {
        talk.begin(talk.first);
        Emission second = talk.clientMessage();
        talk.begin(second);
        talk.journal.cancel(talk.key);
        assertThat(talk.begin(second).getVerdict()).isEqualTo(Verdict.DEAD);
        assertThat(talk.slots().getLast().getState()).isEqualTo(SlotState.DROPPED);
        assertThat(talk.state().openTurn()).isEmpty();
    }

    @Test
    void a_message_that_the_log_had_by_then_gets_no_turn_and_a_later_one_does() {
        talk.handle(talk.first, talk.respond(talk.first));
        talk.clock.move(Duration.ofSeconds(1));
        long before = talk.clock.millis();
        talk.clock.move(Duration.ofSeconds(1));
        talk.journal.cancel(talk.key);
        Emission onTheLog = talk.clientMessage();
        assertThat(talk.journal
                        .begin(
                                talk.key,
                                talk.beginning(onTheLog).setAppendedAtMs(before).build())
                        .getVerdict())
                .isEqualTo(Verdict.DEAD);
        assertThat(talk.begin(onTheLog).getVerdict()).as("again").isEqualTo(Verdict.DEAD);
        talk.clock.move(Duration.ofSeconds(1));
        Emission later = talk.clientMessage();
        assertThat(talk.journal
                        .begin(
                                talk.key,
                                talk.beginning(later)
                                        .setAppendedAtMs(talk.clock.millis())
                                        .build())
                        .getVerdict())
                .isEqualTo(Verdict.RUN);
    }

    @Test
    void of_a_conversation_that_nobody_knows_nothing_is_written() {
        assertThat(talk.journal.cancel(talk.key).getFound()).isFalse();
        assertThat(talk.state().number()).isZero();
    }

    @Test
    void those_who_may_run_something_hear_of_it() {
        List<Object> stopped = new ArrayList<>();
        talk.begin(talk.first);
        try (Wakeups.Registration listening = talk.wakeups.onStop(stopped::add)) {
            assertThat(talk.journal.isAwaited(
                            talk.key, ThreadId.parse(talk.first.getThread()), MessageId.parse(talk.first.getMessage())))
                    .isTrue();
            talk.journal.cancel(talk.key);
            assertThat(stopped).containsExactly(talk.key);
        }
        assertThat(talk.journal.isAwaited(
                        talk.key, ThreadId.parse(talk.first.getThread()), MessageId.parse(talk.first.getMessage())))
                .isFalse();
    }

    @Test
    void a_response_while_calls_run_stops_them_too() {
        List<Object> stopped = new ArrayList<>();
        talk.begin(talk.first);
        List<Emission> calls = talk.complete(
                        talk.first, talk.toItself(talk.first, 0), talk.forward(talk.first, 1, "tool"))
                .getEmissionsList();
        try (Wakeups.Registration listening = talk.wakeups.onStop(stopped::add)) {
            talk.begin(calls.get(0));
            talk.complete(calls.get(0), talk.respond(calls.get(0)));
            assertThat(stopped).containsExactly(talk.key);
        }
    }
}
