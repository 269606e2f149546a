package io.agentserver.buffer.journal;

import io.agentserver.buffer.commit.Commit;
import io.agentserver.buffer.v1.BeginReply;
import io.agentserver.buffer.v1.Emission;
import io.agentserver.buffer.v1.Outcome;
import io.agentserver.buffer.v1.Slot;
import io.agentserver.buffer.v1.Verdict;
import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.util.UUID;

import static org.assertj.core.api.Assertions.assertThat;

/** What the store has forgotten is neither done again nor missed. */
class ExpiryTest {
    private final SweptStore store = new SweptStore();
    private final Conversing talk = new Conversing(store, Conversing.idOf(Conversing.START));

    @Test
    void the_first_message_again_makes_no_second_journal_where_the_oldest_commits_are_gone() {
        Emission first = talk.first;
        long appended = talk.clock.millis();
        leaveTheFirstMessageForgotten(first);
        talk.clock.move(Duration.ofHours(49));

        assertThat(again(first, appended).getVerdict()).isEqualTo(Verdict.EXPIRED);
        assertThat(again(first, 0).getVerdict()).as("at least in its turn").isEqualTo(Verdict.QUEUED_BEHIND_TURN);
        assertThat(store.commits.firstKey()).isEqualTo(3);
    }

    @Test
    void nor_does_one_whose_client_dated_its_id_ahead() {
        Duration ahead = Duration.ofHours(49);
        Conversing dated = new Conversing(store, Conversing.idOf(Conversing.START.plus(ahead)));
        dated.handle(dated.first, dated.respond(dated.first));
        dated.begin(dated.clientMessage());
        store.forgetThrough(2);
        dated.clock.move(ahead.plusHours(-1));

        BeginReply again =
                dated.process().begin(dated.key, dated.beginning(dated.first).build());

        assertThat(again.getVerdict()).isEqualTo(Verdict.QUEUED_BEHIND_TURN);
        assertThat(store.commits.firstKey()).isEqualTo(3);
    }

    @Test
    void a_conversation_goes_on_after_the_numbers_that_the_store_still_knows_of_it() {
        store.commits.put(41L, remains(41, 1_000));
        Emission next = talk.clientMessage();

        assertThat(talk.begin(next).getVerdict()).isEqualTo(Verdict.RUN);
        assertThat(talk.complete(next, talk.respond(next)).getOutcome()).isEqualTo(Outcome.ACCEPTED);

        assertThat(store.commits.keySet()).containsExactly(41L, 42L, 43L);
        assertThat(talk.slots()).extracting(Slot::getSequence).containsExactly(1_001L, 1_002L);
        store.forgetThrough(41);
        assertThat(talk.process().<Object>look(talk.key, JournalState::sequence))
                .isEqualTo(1_002L);
    }

    @Test
    void a_remembered_state_does_not_go_on_over_a_commit_whose_slots_are_lost() {
        talk.begin(talk.first);
        Conversing other = new Conversing(store, UUID.fromString(talk.first.getMessage()));
        other.complete(other.first, other.respond(other.first));
        store.commits.put(2L, remains(2, 2));

        talk.begin(talk.clientMessage());

        assertThat(talk.slots()).extracting(Slot::getSequence).containsExactly(3L);
        assertThat(talk.state().expiredThrough()).isEqualTo(2);
    }

    private void leaveTheFirstMessageForgotten(Emission first) {
        talk.handle(first, talk.respond(first));
        talk.begin(talk.clientMessage());
        store.forgetThrough(2);
    }

    private BeginReply again(Emission message, long appendedAtMs) {
        return talk.process()
                .begin(
                        talk.key,
                        talk.beginning(message).setAppendedAtMs(appendedAtMs).build());
    }

    private Commit remains(long number, long sequence) {
        return Commit.newBuilder()
                .setNumber(number)
                .setAtMs(talk.clock.millis() - Duration.ofHours(49).toMillis())
                .setSequenceBefore(sequence)
                .build();
    }
}
