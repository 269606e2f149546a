package io.agentserver.buffer.journal;

import com.google.protobuf.ByteString;
import io.agentserver.buffer.v1.BeginReply;
import io.agentserver.buffer.v1.CompleteReply;
import io.agentserver.buffer.v1.Emission;
import io.agentserver.buffer.v1.Outcome;
import io.agentserver.buffer.v1.SlotState;
import io.agentserver.buffer.v1.TurnState;
import io.agentserver.buffer.v1.Verdict;
import io.agentserver.envelope.Ids;
import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.util.List;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class ClientMessageTest {
    private final Conversing talk = new Conversing();

    @Test
    void opens_a_turn_and_is_journalled_when_it_begins() {
        BeginReply begun = talk.begin(talk.first);
        assertThat(begun.getVerdict()).isEqualTo(Verdict.RUN);
        assertThat(begun.getTurn()).isEqualTo(talk.first.getMessage());
        assertThat(begun.getOrganismVersion()).isEqualTo(7);
        assertThat(begun.getCaller()).isEqualTo("client");
        assertThat(begun.getCallerThread()).isEqualTo(talk.root.toString());
        assertThat(begun.getParentThread()).isEqualTo(talk.root.toString());
        assertThat(begun.getTurnOpenedAtMs()).isEqualTo(talk.clock.millis());
        assertThat(begun.getHistoryList()).isEmpty();
        assertThat(talk.slots()).singleElement().satisfies(slot -> {
            assertThat(slot.getSequence()).isEqualTo(1);
            assertThat(slot.getState()).isEqualTo(SlotState.SENT);
            assertThat(slot.getEnvelope()).isEqualTo(talk.first.getEnvelope());
            assertThat(slot.getTo()).isEqualTo("boss");
            assertThat(slot.getTurn()).isEqualTo(talk.first.getMessage());
        });
    }

    @Test
    void runs_again_when_it_is_redelivered_before_it_is_completed() {
        BeginReply begun = talk.begin(talk.first);
        talk.clock.move(Duration.ofSeconds(1));
        assertThat(talk.begin(talk.first)).isEqualTo(begun);
        assertThat(talk.process().begin(talk.key, talk.beginning(talk.first).build()))
                .as("by another process")
                .isEqualTo(begun);
        assertThat(talk.slots()).hasSize(1);
    }

    @Test
    void is_done_when_it_is_redelivered_after_it_was_completed() {
        talk.begin(talk.first);
        CompleteReply completed = talk.complete(talk.first, talk.forward(talk.first, 0, "worker"));
        BeginReply again = talk.begin(talk.first);
        assertThat(again.getVerdict()).isEqualTo(Verdict.DONE);
        assertThat(again.getEmissionsList())
                .isEqualTo(completed.getEmissionsList())
                .hasSize(1);
    }

    @Test
    void with_the_same_id_and_another_content_is_a_mismatch() {
        talk.begin(talk.first);
        BeginReply other = talk.journal.begin(
                talk.key,
                talk.beginning(talk.first)
                        .setDigest(ByteString.copyFromUtf8("other"))
                        .build());
        assertThat(other.getVerdict()).isEqualTo(Verdict.MISMATCH);
        assertThat(talk.slots()).hasSize(1);
    }

    @Test
    void waits_for_the_turns_before_it_and_is_emitted_when_they_have_ended() {
        Emission second = talk.clientMessage();
        Emission third = talk.clientMessage();
        BeginReply begun = talk.begin(talk.first);
        for (int delivery = 0; delivery < 2; delivery++) {
            assertThat(talk.begin(second).getVerdict()).isEqualTo(Verdict.QUEUED_BEHIND_TURN);
            assertThat(talk.begin(third).getVerdict()).isEqualTo(Verdict.QUEUED_BEHIND_TURN);
        }
        assertThat(talk.slots()).hasSize(3);
        assertThat(talk.slots().get(1).getState()).isEqualTo(SlotState.QUEUED);

        List<Emission> released =
                talk.complete(talk.first, talk.respond(talk.first, begun)).getEmissionsList();
        assertThat(released).singleElement().satisfies(emission -> {
            assertThat(emission.getMessage()).isEqualTo(second.getMessage());
            assertThat(emission.getClient()).isTrue();
            assertThat(emission.getEnvelope()).isEqualTo(second.getEnvelope());
        });
        assertThat(talk.begin(talk.first).getEmissionsList())
                .as("a crash before it is on the log loses nothing")
                .isEqualTo(released);
        assertThat(talk.begin(third).getVerdict())
                .as("the third is not the next")
                .isEqualTo(Verdict.QUEUED_BEHIND_TURN);
        assertThat(talk.begin(talk.clientMessage()).getVerdict())
                .as("whoever comes now comes last")
                .isEqualTo(Verdict.QUEUED_BEHIND_TURN);

        BeginReply next = talk.begin(released.getFirst());
        assertThat(next.getVerdict()).isEqualTo(Verdict.RUN);
        assertThat(next.getTurn()).isEqualTo(second.getMessage());
        assertThat(next.getHistoryList()).as("the first message and its answer").hasSize(2);
        assertThat(talk.slots().get(1).getState()).isEqualTo(SlotState.SENT);
        assertThat(talk.handle(released.getFirst(), talk.respond(second, next)))
                .extracting(Emission::getMessage)
                .containsExactly(third.getMessage());
    }

    @Test
    void opens_a_turn_under_the_version_that_is_in_use_then() {
        talk.begin(talk.first);
        BeginReply redelivered = talk.journal.begin(
                talk.key, talk.beginning(talk.first).setOrganismVersion(8).build());
        assertThat(redelivered.getOrganismVersion()).as("fixed at its opening").isEqualTo(7);
        talk.complete(talk.first, talk.respond(talk.first));
        BeginReply next = talk.journal.begin(
                talk.key,
                talk.beginning(talk.clientMessage()).setOrganismVersion(8).build());
        assertThat(next.getOrganismVersion()).isEqualTo(8);
    }

    @Test
    void enters_a_root_thread_only() {
        Emission astray =
                talk.clientMessage().toBuilder().setThread(Ids.v7().toString()).build();
        assertThatThrownBy(() -> talk.begin(astray))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(astray.getThread());
    }

    @Test
    void must_be_begun_again_if_its_completion_comes_before_its_turn() {
        Emission second = talk.clientMessage();
        assertThat(talk.complete(second).getOutcome()).isEqualTo(Outcome.BEGIN_AGAIN);
        talk.begin(talk.first);
        talk.begin(second);
        assertThat(talk.complete(second).getOutcome()).isEqualTo(Outcome.BEGIN_AGAIN);
    }

    @Test
    void that_nobody_answers_ends_its_turn_without_a_response() {
        talk.begin(talk.first);
        assertThat(talk.complete(talk.first).getEmissionsList()).isEmpty();
        TurnProgress turn = talk.state().endedTurns().getFirst();
        assertThat(turn.state).isEqualTo(TurnState.TURN_ENDED);
        assertThat(turn.responseSequence).isZero();
    }
}
