package io.agentserver.buffer.journal;

import io.agentserver.buffer.commit.Commit;
import io.agentserver.buffer.store.ConversationKey;
import io.agentserver.buffer.store.ForwardingThreadStore;
import io.agentserver.buffer.store.Leases;
import io.agentserver.buffer.store.MemoryThreadStore;
import io.agentserver.buffer.store.Retention;
import io.agentserver.buffer.store.ShardKey;
import io.agentserver.buffer.store.ThreadStore;
import io.agentserver.buffer.v1.AnswerOutcome;
import io.agentserver.buffer.v1.BeginReply;
import io.agentserver.buffer.v1.BeginRequest;
import io.agentserver.buffer.v1.DueItem;
import io.agentserver.buffer.v1.DueRequest;
import io.agentserver.buffer.v1.Emission;
import io.agentserver.buffer.v1.Join;
import io.agentserver.buffer.v1.Outcome;
import io.agentserver.buffer.v1.ParkRequest;
import io.agentserver.buffer.v1.Parking;
import io.agentserver.buffer.v1.Verdict;
import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Consumer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Messages whose service has said that it answers later, and whatever it says then, when it says it. */
class LateAnswersTest {
    private static final Duration HOUR = Duration.ofHours(1);
    private static final String YES = "<Decision>yes</Decision>";
    private static final String NO = "<Decision>no</Decision>";

    private final Conversing talk = new Conversing();
    private final DueIndex index = new DueIndex(talk.due, Leases.NOBODY_ELSE, talk.journal, _ -> false, talk.clock);

    @Test
    void an_answer_brings_its_message_back_at_once_and_is_given_to_whoever_begins_it() {
        long opened = talk.clock.millis();
        talk.begin(talk.first);
        assertThat(park(talk.first)).isEqualTo(Outcome.ACCEPTED);
        talk.clock.move(Duration.ofMinutes(20));
        assertThat(due()).isEmpty();
        assertThat(talk.begin(talk.first).getVerdict()).isEqualTo(Verdict.QUEUED_IN_MAILBOX);

        assertThat(talk.answer(talk.first, YES)).isEqualTo(AnswerOutcome.ANSWER_TAKEN);
        DueItem item = due().getFirst();
        assertThat(item.getEmissionsList()).extracting(Emission::getMessage).containsExactly(talk.first.getMessage());
        BeginReply begun = talk.begin(item.getEmissions(0));
        assertThat(begun.getVerdict()).isEqualTo(Verdict.RUN);
        assertThat(begun.getAnswer().getContent()).isEqualTo(YES);
        assertThat(begun.getTurnOpenedAtMs())
                .as("the wait is not the turn's time")
                .isEqualTo(opened + Duration.ofMinutes(20).toMillis());
        assertThat(due(item.getKey())).isEmpty();
    }

    @Test
    void an_answer_that_is_faster_than_the_park_is_not_lost() {
        talk.begin(talk.first);
        assertThat(talk.answer(talk.first, YES)).isEqualTo(AnswerOutcome.ANSWER_TAKEN);
        assertThat(park(talk.first)).as("it may not sleep").isEqualTo(Outcome.BEGIN_AGAIN);
        assertThat(talk.begin(talk.first).getAnswer().getContent()).isEqualTo(YES);
        assertThat(due()).as("should its pump have died").hasSize(1);
    }

    @Test
    void the_first_answer_stands_the_same_again_is_a_repeat_and_another_a_conflict() {
        talk.begin(talk.first);
        park(talk.first);
        talk.answer(talk.first, YES);
        for (ConversationJournal process : List.of(talk.journal, talk.process())) {
            assertThat(talk.answer(process, talk.first, YES)).isEqualTo(AnswerOutcome.ANSWER_REPEATED);
            assertThat(talk.answer(process, talk.first, NO)).isEqualTo(AnswerOutcome.ANSWER_DIFFERS);
        }
        assertThat(talk.begin(talk.first).getAnswer().getContent()).isEqualTo(YES);
        completeSeen(talk.first);
        for (ConversationJournal process : List.of(talk.journal, talk.process())) {
            assertThat(talk.answer(process, talk.first, YES)).as("done").isEqualTo(AnswerOutcome.ANSWER_REPEATED);
            assertThat(talk.answer(process, talk.first, NO)).as("done").isEqualTo(AnswerOutcome.ANSWER_DIFFERS);
        }
        assertThat(talk.slots()).hasSize(2);
    }

    @Test
    void of_different_answers_in_several_processes_at_once_one_is_taken() throws Exception {
        for (int round = 0; round < 20; round++) {
            Conversing conversing = new Conversing();
            conversing.begin(conversing.first);
            int racers = 4;
            CyclicBarrier start = new CyclicBarrier(racers);
            List<Callable<AnswerOutcome>> answers = new ArrayList<>();
            for (int i = 0; i < racers; i++) {
                String content = "<Decision>" + i + "</Decision>";
                ConversationJournal process = conversing.process();
                answers.add(() -> {
                    start.await();
                    return conversing.answer(process, conversing.first, content);
                });
            }
            List<AnswerOutcome> outcomes = new ArrayList<>();
            try (ExecutorService pool = Executors.newFixedThreadPool(racers)) {
                for (Future<AnswerOutcome> outcome : pool.invokeAll(answers)) {
                    outcomes.add(outcome.get());
                }
            }
            assertThat(outcomes).containsOnlyOnce(AnswerOutcome.ANSWER_TAKEN);
            assertThat(outcomes)
                    .filteredOn(AnswerOutcome.ANSWER_DIFFERS::equals)
                    .hasSize(racers - 1);
            int winner = outcomes.indexOf(AnswerOutcome.ANSWER_TAKEN);
            assertThat(conversing.begin(conversing.first).getAnswer().getContent())
                    .isEqualTo("<Decision>" + winner + "</Decision>");
        }
    }

    @Test
    void whoever_completes_a_message_must_have_seen_its_answer() {
        talk.begin(talk.first);
        talk.answer(talk.first, YES);
        assertThat(talk.complete(talk.first, talk.respond(talk.first)).getOutcome())
                .as("as of a pump that gave it up, or heard of it otherwise")
                .isEqualTo(Outcome.BEGIN_AGAIN);
        assertThat(completeSeen(talk.first)).isEqualTo(Outcome.ACCEPTED);
    }

    @Test
    void at_the_end_of_its_time_it_comes_back_without_an_answer_and_what_is_said_after_its_end_is_too_late() {
        talk.begin(talk.first);
        park(talk.first);
        talk.clock.move(HOUR);
        assertThat(due()).hasSize(1);
        BeginReply begun = talk.begin(talk.first);
        assertThat(begun.hasAnswer()).isFalse();
        assertThat(begun.getParking().getAwaitsAnswer()).isTrue();
        assertThat(talk.complete(talk.first, talk.respond(talk.first)).getOutcome())
                .isEqualTo(Outcome.ACCEPTED);
        assertThat(talk.answer(talk.first, YES)).isEqualTo(AnswerOutcome.ANSWER_TOO_LATE);
        assertThat(talk.answer(talk.process(), talk.first, YES)).isEqualTo(AnswerOutcome.ANSWER_TOO_LATE);
    }

    @Test
    void an_answer_between_the_end_of_its_time_and_its_completion_is_the_one_that_counts() {
        talk.begin(talk.first);
        park(talk.first);
        talk.clock.move(HOUR);
        due();
        talk.begin(talk.first);
        assertThat(talk.answer(talk.process(), talk.first, YES)).isEqualTo(AnswerOutcome.ANSWER_TAKEN);
        assertThat(talk.complete(talk.first, talk.respond(talk.first)).getOutcome())
                .isEqualTo(Outcome.BEGIN_AGAIN);
        assertThat(talk.begin(talk.first).getAnswer().getContent()).isEqualTo(YES);
    }

    @Test
    void nobody_waits_in_a_cancelled_turn_or_a_closed_thread() {
        talk.begin(talk.first);
        List<Emission> calls = talk.complete(
                        talk.first, talk.forward(talk.first, 0, "a"), talk.forward(talk.first, 1, "b"))
                .getEmissionsList();
        BeginReply begun = talk.begin(calls.get(0));
        park(calls.get(0));
        Emission grandchild = talk.clientMessage();
        assertThat(talk.answer(grandchild, YES)).isEqualTo(AnswerOutcome.ANSWER_UNKNOWN);
        Emission below =
                talk.complete(calls.get(1), talk.forward(calls.get(1), 0, "c")).getEmissions(0);
        talk.begin(below);
        park(below);
        talk.complete(calls.get(0), talk.respond(calls.get(0), begun));
        assertThat(talk.answer(calls.get(0), YES)).as("done without").isEqualTo(AnswerOutcome.ANSWER_TOO_LATE);
        talk.journal.cancel(talk.key);
        assertThat(talk.answer(below, YES)).as("cancelled").isEqualTo(AnswerOutcome.ANSWER_TOO_LATE);
        talk.clock.move(HOUR);
        assertThat(due()).isEmpty();
    }

    @Test
    void a_cancel_after_an_answer_has_the_last_word_and_the_answer_is_still_a_repeat() {
        talk.begin(talk.first);
        park(talk.first);
        talk.answer(talk.first, YES);
        talk.journal.cancel(talk.key);
        assertThat(talk.begin(talk.first).getVerdict()).isEqualTo(Verdict.DEAD);
        assertThat(due()).isEmpty();
        assertThat(talk.answer(talk.first, YES)).isEqualTo(AnswerOutcome.ANSWER_REPEATED);
    }

    @Test
    void of_a_cancel_and_an_answer_at_once_the_cancel_has_the_last_word_and_the_service_a_true_one() throws Exception {
        for (int round = 0; round < 20; round++) {
            Conversing conversing = new Conversing();
            conversing.begin(conversing.first);
            park(conversing, conversing.first, HOUR, true);
            ConversationJournal canceller = conversing.process();
            CyclicBarrier start = new CyclicBarrier(2);
            AnswerOutcome outcome;
            try (ExecutorService pool = Executors.newFixedThreadPool(2)) {
                Future<AnswerOutcome> answer = pool.submit(() -> {
                    start.await();
                    return conversing.answer(conversing.first, YES);
                });
                start.await();
                canceller.cancel(conversing.key);
                outcome = answer.get();
            }
            assertThat(conversing.begin(conversing.first).getVerdict()).isEqualTo(Verdict.DEAD);
            assertThat(conversing.answer(conversing.process(), conversing.first, YES))
                    .isEqualTo(
                            outcome == AnswerOutcome.ANSWER_TAKEN
                                    ? AnswerOutcome.ANSWER_REPEATED
                                    : AnswerOutcome.ANSWER_TOO_LATE);
        }
    }

    @Test
    void a_message_that_was_handed_over_twice_is_answered_once_by_whichever_token() {
        talk.begin(talk.first);
        park(talk.first);
        ConversationJournal other = talk.process();
        talk.clock.move(Duration.ofMinutes(1));
        // a pump that was frozen since its call thaws, and parks what another has parked meanwhile
        assertThat(park(talk.first)).isEqualTo(Outcome.ACCEPTED);
        assertThat(talk.answer(other, talk.first, YES)).isEqualTo(AnswerOutcome.ANSWER_TAKEN);
        assertThat(talk.answer(talk.first, YES)).as("by the second token").isEqualTo(AnswerOutcome.ANSWER_REPEATED);
        completeSeen(talk.first);
        talk.clock.move(HOUR);
        assertThat(due()).as("neither end brings it back").isEmpty();
        assertThat(entries()).isZero();
    }

    @Test
    void an_answer_ends_a_pause_before_a_retry_too() {
        talk.begin(talk.first);
        park(talk.first, HOUR, false);
        talk.answer(talk.first, YES);
        assertThat(due()).hasSize(1);
        assertThat(talk.begin(talk.first).getAnswer().getContent()).isEqualTo(YES);
    }

    @Test
    void an_entry_that_is_here_before_its_commit_waits_for_it_for_a_minute() {
        List<Integer> dueInBetween = new ArrayList<>();
        ThreadStore memory = new MemoryThreadStore(Retention.ofAll(Duration.ofHours(24)), new TestClock(Instant.EPOCH));
        Conversing conversing = new Conversing(new BeforeCommits(memory, commit -> {
            if (commit.getChanges(0).hasAnswered()) {
                dueInBetween.add(elsewhere().size());
            }
        }));
        other = new DueIndex(conversing.due, Leases.NOBODY_ELSE, conversing.process(), _ -> false, conversing.clock);
        conversing.begin(conversing.first);
        park(conversing, conversing.first, HOUR, true);
        assertThat(conversing.answer(conversing.first, YES)).isEqualTo(AnswerOutcome.ANSWER_TAKEN);
        assertThat(dueInBetween).as("another process was asked what is due").containsExactly(0);
        assertThat(elsewhere()).as("and again, afterwards").hasSize(1);
    }

    @Test
    void an_entry_whose_commit_never_came_goes_after_a_minute() {
        talk.begin(talk.first);
        park(talk.first);
        ThreadStore failing = new BeforeCommits(talk.store, _ -> {
            throw new IllegalStateException("killed");
        });
        ConversationJournal dying = new ConversationJournal(
                failing, talk.due, talk.wakeups, Retention.ofAll(Duration.ofHours(24)), 10_000_000, talk.clock);
        assertThatThrownBy(() -> talk.answer(dying, talk.first, YES)).hasMessage("killed");
        assertThat(due()).isEmpty();
        assertThat(entries()).as("the answer's, and that of its end").isEqualTo(2);
        talk.clock.move(Duration.ofSeconds(61));
        assertThat(due()).isEmpty();
        assertThat(entries()).isEqualTo(1);
        assertThat(talk.begin(talk.first).getVerdict()).isEqualTo(Verdict.QUEUED_IN_MAILBOX);
    }

    @Test
    void a_repeat_of_a_park_after_the_answer_leaves_it_awake() {
        talk.begin(talk.first);
        park(talk.first);
        talk.answer(talk.first, YES);
        assertThat(park(talk.first)).isEqualTo(Outcome.BEGIN_AGAIN);
        assertThat(park(talk, talk.first, Duration.ofMinutes(1), false)).isEqualTo(Outcome.BEGIN_AGAIN);
        assertThat(talk.begin(talk.first).getVerdict()).isEqualTo(Verdict.RUN);
    }

    @Test
    void no_wait_may_outlive_the_conversation_and_begin_says_how_long_that_is() {
        long began = talk.clock.millis();
        assertThat(talk.begin(talk.first).getKeepsUntilMs())
                .isEqualTo(began + Duration.ofHours(23).toMillis());
        talk.clock.move(HOUR);
        List<Emission> calls =
                talk.complete(talk.first, talk.forward(talk.first, 0, "a")).getEmissionsList();
        assertThat(talk.begin(calls.getFirst()).getKeepsUntilMs())
                .as("counted from what began the turn")
                .isEqualTo(began + Duration.ofHours(23).toMillis());
    }

    @Test
    void a_pump_that_knows_of_no_late_answers_does_not_get_a_message_that_may_have_one() {
        talk.begin(talk.first);
        BeginRequest old = talk.beginning(talk.first).setTakesAnswers(false).build();
        assertThat(talk.journal.begin(talk.key, old).getVerdict()).isEqualTo(Verdict.RUN);
        park(talk.first);
        assertThatThrownBy(() -> talk.journal.begin(talk.key, old))
                .isInstanceOf(OutdatedCallerException.class)
                .hasMessageContaining("upgrade the pump");
        talk.answer(talk.first, YES);
        assertThatThrownBy(() -> talk.journal.begin(talk.key, old)).isInstanceOf(OutdatedCallerException.class);
        completeSeen(talk.first);
        assertThat(talk.journal.begin(talk.key, old).getVerdict()).isEqualTo(Verdict.DONE);
    }

    @Test
    void refuses_what_no_service_can_have_said() {
        talk.begin(talk.first);
        assertThatThrownBy(() -> talk.answer(talk.first, "x".repeat(2 * 1024 * 1024 + 1)))
                .isInstanceOf(IllegalArgumentException.class);
        assertThat(talk.answer(talk.first, "")).as("the chain ends").isEqualTo(AnswerOutcome.ANSWER_TAKEN);
        assertThat(talk.begin(talk.first).hasAnswer()).isTrue();
    }

    @Test
    void what_waits_behind_the_message_comes_after_it() {
        talk.begin(talk.first);
        List<Emission> calls = talk.complete(
                        talk.first, talk.forward(talk.first, 0, "a"), talk.forward(talk.first, 1, "b"))
                .getEmissionsList();
        Emission a = answerOf(calls.get(0));
        Emission b = answerOf(calls.get(1));
        talk.begin(a, Join.EACH);
        park(a);
        assertThat(talk.begin(b, Join.EACH).getVerdict()).isEqualTo(Verdict.QUEUED_IN_MAILBOX);
        talk.answer(a, YES);
        assertThat(talk.begin(b, Join.EACH).getVerdict()).as("still behind").isEqualTo(Verdict.QUEUED_IN_MAILBOX);
        assertThat(talk.journal
                        .complete(
                                talk.key, talk.completing(a).setSawAnswer(true).build())
                        .getEmissionsList())
                .containsExactly(b);
    }

    @SuppressWarnings("NullAway.Init")
    private DueIndex other;

    /** Something happens before each. */
    private static final class BeforeCommits extends ForwardingThreadStore {
        private final Consumer<Commit> before;

        BeforeCommits(ThreadStore store, Consumer<Commit> before) {
            super(store);
            this.before = before;
        }

        @Override
        public boolean append(ConversationKey key, Commit commit, long previousActivityMs) {
            before.accept(commit);
            return super.append(key, commit, previousActivityMs);
        }
    }

    private List<DueItem> elsewhere() {
        return take(other);
    }

    private Emission answerOf(Emission call) {
        BeginReply begun = talk.begin(call);
        return talk.complete(call, talk.respond(call, begun)).getEmissions(0);
    }

    private Outcome completeSeen(Emission message) {
        return talk.journal
                .complete(
                        talk.key,
                        talk.completing(message, talk.respond(message))
                                .setSawAnswer(true)
                                .build())
                .getOutcome();
    }

    private Outcome park(Emission message) {
        return park(message, HOUR, true);
    }

    private Outcome park(Emission message, Duration time, boolean awaits) {
        return park(talk, message, time, awaits);
    }

    private static Outcome park(Conversing talk, Emission message, Duration time, boolean awaits) {
        return talk.journal
                .park(
                        talk.key,
                        ParkRequest.newBuilder()
                                .setThread(message.getThread())
                                .setMessage(message.getMessage())
                                .setParking(Parking.newBuilder()
                                        .setUntilMs(talk.clock.millis() + time.toMillis())
                                        .setAttempts(1)
                                        .setWaits(awaits)
                                        .setAwaitsAnswer(awaits))
                                .build())
                .getOutcome();
    }

    private int entries() {
        return talk.due
                .due(ShardKey.of(talk.root, ShardKey.SHARDS), Long.MAX_VALUE, 10)
                .size();
    }

    private List<DueItem> due(String... done) {
        return take(index, done);
    }

    private static List<DueItem> take(DueIndex index, String... done) {
        return index.take(DueRequest.newBuilder()
                        .setOwner("pump")
                        .setLimit(10)
                        .addAllDone(List.of(done))
                        .build())
                .getItemsList();
    }
}
