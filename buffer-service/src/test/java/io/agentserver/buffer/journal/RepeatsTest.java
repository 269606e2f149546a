package io.agentserver.buffer.journal;

import com.google.protobuf.UnknownFieldSet;
import com.google.protobuf.UnknownFieldSet.Field;
import io.agentserver.buffer.commit.Change;
import io.agentserver.buffer.commit.Commit;
import io.agentserver.buffer.store.Look;
import io.agentserver.buffer.v1.BeginReply;
import io.agentserver.buffer.v1.CompleteReply;
import io.agentserver.buffer.v1.CompleteRequest;
import io.agentserver.buffer.v1.Emission;
import io.agentserver.buffer.v1.Letter;
import io.agentserver.buffer.v1.Outcome;
import io.agentserver.buffer.v1.Slot;
import io.agentserver.buffer.v1.SlotState;
import io.agentserver.buffer.v1.TurnState;
import io.agentserver.buffer.v1.Verdict;
import io.agentserver.envelope.MessageId;
import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** The log gives again what it gave before, or what it should not have; the journal has no second effect of it. */
class RepeatsTest {
    private final Conversing talk = conversing();

    Conversing conversing() {
        return new Conversing();
    }

    @Test
    void a_log_that_is_read_again_from_its_start_does_not_grow() {
        List<Emission> log = new ArrayList<>(List.of(talk.first));
        for (int i = 0; i < 20; i++) {
            log.add(talk.clientMessage());
        }
        deliver(log, new ArrayDeque<>(log));
        assertThat(talk.state().endedTurns()).hasSize(21);
        int slots = talk.slots().size();
        int length = log.size();

        deliver(log, new ArrayDeque<>(log));

        assertThat(log).as("nothing is owed").hasSize(length);
        assertThat(talk.slots()).hasSize(slots);
    }

    /** Turns of two hops: the boss hands over, who gets it answers. */
    private void deliver(List<Emission> log, Deque<Emission> todo) {
        while (!todo.isEmpty()) {
            Emission message = todo.remove();
            BeginReply begun = talk.begin(message);
            List<Emission> emitted = begun.getEmissionsList();
            if (begun.getVerdict() == Verdict.RUN) {
                emitted = talk.complete(
                                message,
                                message.getClient() ? talk.handOver(message, "clerk") : talk.respond(message, begun))
                        .getEmissionsList();
            }
            log.addAll(emitted);
            todo.addAll(emitted);
        }
    }

    @Test
    void what_a_finished_message_still_owes_is_given_again() {
        List<Emission> calls =
                talk.handle(talk.first, talk.forward(talk.first, 0, "one"), talk.forward(talk.first, 1, "two"));
        assertThat(talk.begin(talk.first).getEmissionsList()).isEqualTo(calls);

        Emission one = calls.getFirst();
        List<Emission> answer = talk.handle(one, talk.respond(one, talk.begin(one)));

        // The answer of the finished call is owed too: whoever finished it may have died before it was on the log.
        assertThat(talk.begin(talk.first).getEmissionsList())
                .containsExactlyInAnyOrder(calls.get(1), answer.getFirst());
    }

    @Test
    void a_clients_message_that_was_on_the_log_for_longer_than_it_is_remembered_has_expired() {
        long now = talk.clock.millis();
        long ttl = Duration.ofHours(24).toMillis();
        BeginReply late = talk.journal.begin(
                talk.key,
                talk.beginning(talk.first).setAppendedAtMs(now - ttl - 1).build());
        assertThat(late.getVerdict()).isEqualTo(Verdict.EXPIRED);
        assertThat(late.getReason()).isNotBlank();
        assertThat(talk.slots()).isEmpty();

        BeginReply justInTime = talk.journal.begin(
                talk.key, talk.beginning(talk.first).setAppendedAtMs(now - ttl).build());
        assertThat(justInTime.getVerdict()).isEqualTo(Verdict.RUN);
    }

    @Test
    void a_clients_message_that_is_remembered_is_known_however_old() {
        talk.handle(talk.first, talk.respond(talk.first));
        BeginReply again = talk.process()
                .begin(talk.key, talk.beginning(talk.first).setAppendedAtMs(1).build());
        assertThat(again.getVerdict()).isEqualTo(Verdict.DONE);
    }

    @Test
    void a_clients_message_with_the_id_of_an_answer_to_come_does_not_stop_its_conversation() {
        Emission call = only(talk.handle(talk.first, talk.forward(talk.first, 0, "worker")));
        Emission thief = talk.clientMessage().toBuilder()
                .setMessage(MessageId.parse(call.getMessage()).output(0).toString())
                .build();
        assertThat(talk.begin(thief).getVerdict()).isEqualTo(Verdict.QUEUED_BEHIND_TURN);
        Emission next = talk.clientMessage();
        talk.begin(next);

        Emission answer = only(talk.handle(call, talk.respond(call, talk.begin(call))));
        assertThat(talk.begin(answer).getVerdict()).as("the answer stands").isEqualTo(Verdict.RUN);
        CompleteReply ended = talk.complete(answer, talk.respond(answer));

        assertThat(ended.getEmissionsList()).extracting(Emission::getMessage).containsExactly(next.getMessage());
        assertThat(talk.begin(next).getVerdict()).isEqualTo(Verdict.RUN);
        assertThat(talk.slots().get(2))
                .extracting(Slot::getMessage, Slot::getState)
                .containsExactly(thief.getMessage(), SlotState.DROPPED);
        assertThat(talk.state().turn(MessageId.parse(thief.getMessage())).orElseThrow().state)
                .isEqualTo(TurnState.TURN_FAILED);
    }

    @Test
    void an_answer_runs_although_a_client_had_its_id_in_an_earlier_turn() {
        Emission second = talk.clientMessage();
        talk.handle(talk.first, talk.respond(talk.first));
        MessageId call = MessageId.parse(second.getMessage()).output(0);
        Emission thief = talk.clientMessage().toBuilder()
                .setMessage(call.output(0).toString())
                .build();
        talk.handle(thief, talk.respond(thief));
        Emission real = only(talk.handle(second, talk.forward(second, 0, "worker")));
        assertThat(real.getMessage()).isEqualTo(call.toString());

        Emission answer = only(talk.handle(real, talk.respond(real, talk.begin(real))));

        assertThat(answer.getMessage()).isEqualTo(thief.getMessage());
        assertThat(talk.begin(answer).getVerdict()).isEqualTo(Verdict.RUN);
    }

    @Test
    void a_dead_letter_is_owed_by_whoever_finds_its_message_done() {
        talk.begin(talk.first);
        Letter letter = Letter.newBuilder()
                .setReason("its service refuses it")
                .setAttempts(3)
                .setFirstFailureMs(talk.clock.millis())
                .build();
        CompleteRequest failed = talk.completing(talk.first, talk.respond(talk.first))
                .setFailed(true)
                .setLetter(letter)
                .build();
        assertThat(talk.journal.complete(talk.key, failed).getLetter()).isEqualTo(letter);

        ConversationJournal another = talk.process();
        assertThat(another.complete(talk.key, failed).getLetter())
                .as("its answer was lost")
                .isEqualTo(letter);
        BeginReply begun = another.begin(talk.key, talk.beginning(talk.first).build());
        assertThat(begun.getVerdict()).isEqualTo(Verdict.DONE);
        assertThat(begun.getLetter()).as("its pump died").isEqualTo(letter);
    }

    @Test
    void a_dead_letter_of_whose_completion_does_not_stand_is_owed_by_nobody() {
        talk.handle(talk.first, talk.respond(talk.first));
        CompleteReply late = talk.journal.complete(
                talk.key,
                talk.completing(talk.first, talk.respond(talk.first))
                        .setFailed(true)
                        .setLetter(Letter.newBuilder().setReason("too late"))
                        .build());
        assertThat(late.getOutcome()).isEqualTo(Outcome.REPEATED);
        assertThat(late.hasLetter()).isFalse();
    }

    @Test
    void nothing_is_decided_from_half_a_commit() {
        talk.begin(talk.first);
        Commit unknown = Commit.newBuilder()
                .setNumber(2)
                .setAtMs(talk.clock.millis())
                .setSequenceBefore(1)
                .addChanges(Change.newBuilder()
                        .setUnknownFields(UnknownFieldSet.newBuilder()
                                .addField(99, Field.newBuilder().addVarint(1).build())
                                .build()))
                .build();
        assertThat(talk.store.append(talk.key, unknown, talk.clock.millis())).isTrue();

        for (int i = 0; i < 3; i++) {
            assertThatThrownBy(() -> talk.complete(talk.first, talk.respond(talk.first)))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("upgrade");
            assertThatThrownBy(talk::slots).hasMessageContaining("upgrade");
        }
        assertThat(talk.store.read(talk.key, 1, Look.CONSISTENT))
                .as("nothing was written")
                .hasSize(2);
    }

    @Test
    void the_history_is_as_much_as_a_reply_carries() {
        Emission message = talk.first;
        String megabyte = "x".repeat(1024 * 1024);
        for (int i = 0; i < 12; i++) {
            talk.begin(message);
            message = only(talk.complete(
                            message,
                            talk.toItself(message, 0).toBuilder()
                                    .setEnvelope(megabyte)
                                    .build())
                    .getEmissionsList());
        }
        BeginReply begun = talk.begin(message);

        assertThat(begun.getHistoryList())
                .extracting(Slot::getSequence)
                .as("the latest, without the current one")
                .containsExactly(6L, 7L, 8L, 9L, 10L, 11L, 12L);
        assertThat(talk.journal
                        .begin(
                                talk.key,
                                talk.beginning(message)
                                        .setHistoryBytes(megabyte.length() * 5L / 2)
                                        .build())
                        .getHistoryList())
                .extracting(Slot::getSequence)
                .as("what the caller has room for")
                .containsExactly(11L, 12L);
        assertThat(talk.complete(message, talk.respond(message)).getOutcome()).isEqualTo(Outcome.ACCEPTED);
    }

    @Test
    void the_history_is_as_much_as_a_model_has_tokens_for() {
        Emission message = talk.first;
        String meta = "<meta>" + "m".repeat(1_000) + "</meta>";
        List<String> envelopes = List.of(
                "<message xmlns=\"urn:x\">" + meta + "<a>" + "a".repeat(93) + "</a></message>",
                "<e:message xmlns:e=\"urn:x\">" + meta.replace("meta>", "e:meta>") + "<b>" + "b".repeat(193)
                        + "</b></e:message>",
                "<message xmlns=\"urn:x\">" + meta + "<c>" + "c".repeat(293) + "</c></message>");
        for (String envelope : envelopes) {
            talk.begin(message);
            message = only(talk.complete(
                            message,
                            talk.toItself(message, 0).toBuilder()
                                    .setEnvelope(envelope)
                                    .build())
                    .getEmissionsList());
        }
        // it is the current one, and no history
        talk.begin(message);
        Emission last = only(talk.complete(message, talk.toItself(message, 0)).getEmissionsList());
        assertThat(historyOf(last, 74)).isEmpty();
        assertThat(historyOf(last, 75)).containsExactly(4L);
        assertThat(historyOf(last, 124)).containsExactly(4L);
        assertThat(historyOf(last, 125)).containsExactly(3L, 4L);
        assertThat(historyOf(last, 150)).containsExactly(2L, 3L, 4L);
        assertThat(historyOf(last, 0)).containsExactly(1L, 2L, 3L, 4L);
    }

    private List<Long> historyOf(Emission message, long tokens) {
        return talk
                .journal
                .begin(
                        talk.key,
                        talk.beginning(message).setHistoryTokens(tokens).build())
                .getHistoryList()
                .stream()
                .map(Slot::getSequence)
                .toList();
    }

    private static Emission only(List<Emission> emissions) {
        assertThat(emissions).hasSize(1);
        return emissions.getFirst();
    }
}
