package io.agentserver.buffer.journal;

import io.agentserver.buffer.store.DueEntry;
import io.agentserver.buffer.store.DueStore;
import io.agentserver.buffer.store.Leases;
import io.agentserver.buffer.store.MemoryDueStore;
import io.agentserver.buffer.store.ShardKey;
import io.agentserver.buffer.v1.AnswerOutcome;
import io.agentserver.buffer.v1.BeginReply;
import io.agentserver.buffer.v1.BeginRequest;
import io.agentserver.buffer.v1.CompleteReply;
import io.agentserver.buffer.v1.DueItem;
import io.agentserver.buffer.v1.DueRequest;
import io.agentserver.buffer.v1.Emission;
import io.agentserver.buffer.v1.Join;
import io.agentserver.buffer.v1.ModelCall;
import io.agentserver.buffer.v1.Outcome;
import io.agentserver.buffer.v1.ParkRequest;
import io.agentserver.buffer.v1.Parking;
import io.agentserver.buffer.v1.Verdict;
import io.agentserver.envelope.MessageId;
import io.agentserver.envelope.ThreadId;
import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicBoolean;

import static org.assertj.core.api.Assertions.assertThat;

/** Messages that sleep, what waits behind them, and what brings them back. */
class ParkingTest {
    private static final Duration MINUTE = Duration.ofMinutes(1);

    private final Conversing talk = new Conversing();
    private final DueIndex index = new DueIndex(talk.due, Leases.NOBODY_ELSE, talk.journal, _ -> false, talk.clock);

    @Test
    void a_parked_message_comes_back_when_its_time_has_come_and_says_what_it_was_parked_with() {
        talk.begin(talk.first);
        assertThat(park(talk.first, MINUTE, 3, false)).isEqualTo(Outcome.ACCEPTED);
        assertThat(talk.begin(talk.first).getVerdict()).isEqualTo(Verdict.QUEUED_IN_MAILBOX);
        talk.clock.move(MINUTE.minusMillis(1));
        assertThat(due()).isEmpty();
        talk.clock.move(Duration.ofMillis(1));
        DueItem item = due().getFirst();
        assertThat(item.getTenant()).isEqualTo("acme");
        assertThat(item.getEmissionsList()).extracting(Emission::getMessage).containsExactly(talk.first.getMessage());
        assertThat(item.getEmissions(0).getClient()).isTrue();
        BeginReply begun = talk.begin(item.getEmissions(0));
        assertThat(begun.getVerdict()).isEqualTo(Verdict.RUN);
        assertThat(begun.getParking().getAttempts()).isEqualTo(3);
        assertThat(begun.getParking().getCalls(0).getInput()).isEqualTo(70);
    }

    @Test
    void a_message_whose_client_has_given_it_an_erasures_id_is_a_message() {
        talk.handle(talk.first, talk.respond(talk.first));
        long inAMinuteMs = talk.clock.millis() + MINUTE.toMillis();
        UUID like = new UUID(
                inAMinuteMs << 16 | 0x8e51, talk.root.value().getLeastSignificantBits() >>> 2 | Long.MIN_VALUE);
        Emission message =
                talk.clientMessage().toBuilder().setMessage(like.toString()).build();
        assertThat(talk.begin(message).getVerdict()).isEqualTo(Verdict.RUN);
        assertThat(park(message, MINUTE, 0, false)).isEqualTo(Outcome.ACCEPTED);
        talk.clock.move(MINUTE);
        assertThat(due().getFirst().getEmissionsList())
                .extracting(Emission::getMessage)
                .containsExactly(like.toString());
        assertThat(talk.state().erasure()).isEmpty();
    }

    @Test
    void what_is_due_is_handed_out_until_it_is_said_to_be_on_the_log() {
        talk.begin(talk.first);
        park(talk.first, MINUTE, 0, false);
        talk.clock.move(MINUTE);
        DueItem item = due().getFirst();
        assertThat(due()).containsExactly(item);
        assertThat(due(item.getKey())).isEmpty();
    }

    @Test
    void parked_anew_it_sleeps_until_the_later_time() {
        talk.begin(talk.first);
        park(talk.first, MINUTE, 0, false);
        park(talk.first, MINUTE.multipliedBy(2), 0, false);
        talk.clock.move(MINUTE);
        assertThat(due()).isEmpty();
        talk.clock.move(MINUTE);
        assertThat(due()).hasSize(1);
    }

    @Test
    void what_a_parked_message_completed_and_did_not_put_on_the_log_is_put_there_by_its_entry() {
        talk.begin(talk.first);
        park(talk.first, MINUTE, 0, false);
        CompleteReply completed = talk.complete(talk.first, talk.forward(talk.first, 0, "tool"));
        assertThat(completed.getOutcome()).isEqualTo(Outcome.ACCEPTED);
        talk.clock.move(MINUTE);
        assertThat(due().getFirst().getEmissionsList()).isEqualTo(completed.getEmissionsList());
        talk.handle(completed.getEmissions(0));
        assertThat(due()).isEmpty();
    }

    @Test
    void an_entry_whose_commit_never_came_is_harmless() {
        talk.begin(talk.first);
        talk.complete(talk.first, talk.respond(talk.first));
        assertThat(park(talk.first, MINUTE, 0, false)).isEqualTo(Outcome.REPEATED);
        assertThat(park(talk.clientMessage(), MINUTE, 0, false)).isEqualTo(Outcome.BEGIN_AGAIN);
        talk.clock.move(MINUTE);
        assertThat(due()).isEmpty();
        assertThat(talk.due.due(ShardKey.of(talk.root, ShardKey.SHARDS), Long.MAX_VALUE, 10))
                .isEmpty();
    }

    @Test
    void a_message_whose_time_comes_before_its_commit_wakes_all_the_same() {
        talk.begin(talk.first);
        DueStore meanwhile = dueThat(() -> {
            talk.clock.move(Duration.ofSeconds(1));
            sayDone(due()); // another process
        });

        assertThat(talk.process(meanwhile)
                        .park(talk.key, parking(talk.first, Duration.ofMillis(20), 0, false))
                        .getOutcome())
                .isEqualTo(Outcome.ACCEPTED);

        assertThat(due().getFirst().getEmissionsList())
                .extracting(Emission::getMessage)
                .containsExactly(talk.first.getMessage());
        assertThat(talk.begin(talk.first).getVerdict()).isEqualTo(Verdict.RUN);
    }

    @Test
    void an_answer_that_comes_before_the_park_and_is_committed_after_it_wakes_the_message() {
        talk.begin(talk.first);
        ConversationJournal slow = commitsOnly();
        talk.due.put(entry(talk.first, talk.clock.millis()));
        sayDone(due());
        ParkRequest.Builder park = parking(talk.first, MINUTE, 0, true).toBuilder();
        park.getParkingBuilder().setAwaitsAnswer(true);
        assertThat(slow.park(talk.key, park.build()).getOutcome()).isEqualTo(Outcome.ACCEPTED);
        sayDone(due());

        assertThat(talk.answer(slow, talk.first, "<Done/>")).isEqualTo(AnswerOutcome.ANSWER_TAKEN);

        assertThat(due()).hasSize(1);
        assertThat(talk.begin(talk.first).getVerdict()).isEqualTo(Verdict.RUN);
    }

    @Test
    void an_entry_whose_commit_does_not_come_goes_after_a_while() {
        talk.begin(talk.first);
        talk.due.put(entry(talk.first, talk.clock.millis()));
        talk.clock.move(MINUTE.minusMillis(1));
        assertThat(due()).isEmpty();
        talk.clock.move(Duration.ofMillis(1));
        assertThat(due()).isEmpty();
        assertThat(talk.due.due(ShardKey.of(talk.root, ShardKey.SHARDS), Long.MAX_VALUE, 10))
                .isEmpty();
    }

    @Test
    void a_park_that_stood_still_for_longer_than_its_entry_is_kept_makes_it_again() {
        talk.begin(talk.first);
        AtomicBoolean stoodStill = new AtomicBoolean();
        DueStore still = dueThat(() -> {
            if (stoodStill.compareAndSet(false, true)) {
                talk.clock.move(MINUTE.plusSeconds(1));
                assertThat(due()).as("it goes").isEmpty();
            }
        });
        ConversationJournal slow = talk.process(still);

        assertThat(slow.park(talk.key, parking(talk.first, Duration.ofMillis(20), 0, false))
                        .getOutcome())
                .isEqualTo(Outcome.ACCEPTED);

        assertThat(talk.due.due(ShardKey.of(talk.root, ShardKey.SHARDS), Long.MAX_VALUE, 10))
                .hasSize(1);
    }

    @Test
    void a_park_whose_time_has_long_passed_when_it_can_be_written_wakes_all_the_same() {
        talk.begin(talk.first);
        ParkRequest park = parking(talk.first, Duration.ofSeconds(5), 0, false);
        talk.clock.move(MINUTE.multipliedBy(3)); // the store was away for so long
        DueStore meanwhile =
                dueThat(() -> assertThat(due()).as("of no commit yet").isEmpty());

        assertThat(talk.process(meanwhile).park(talk.key, park).getOutcome()).isEqualTo(Outcome.ACCEPTED);

        assertThat(due()).hasSize(1);
        assertThat(talk.begin(talk.first).getVerdict()).isEqualTo(Verdict.RUN);
    }

    /** The same due index, where something happens after each put. */
    private DueStore dueThat(Runnable afterPut) {
        return new DueStore() {
            @Override
            public void put(DueEntry entry) {
                talk.due.put(entry);
                afterPut.run();
            }

            @Override
            public void remove(DueEntry entry) {
                talk.due.remove(entry);
            }

            @Override
            public List<DueEntry> due(int shard, long nowMs, int limit) {
                return talk.due.due(shard, nowMs, limit);
            }

            @Override
            public void check() {}
        };
    }

    /** The second half of what a process does that stands still before it. */
    private ConversationJournal commitsOnly() {
        return talk.process(new MemoryDueStore());
    }

    private DueEntry entry(Emission message, long dueMs) {
        return new DueEntry(
                talk.key, ThreadId.parse(message.getThread()), MessageId.parse(message.getMessage()), dueMs);
    }

    private void sayDone(List<DueItem> items) {
        due(items.stream().map(DueItem::getKey).toArray(String[]::new));
    }

    @Test
    void what_comes_to_a_thread_behind_a_parked_message_waits_in_order_and_comes_one_after_the_other() {
        talk.begin(talk.first);
        List<Emission> calls = talk.complete(
                        talk.first,
                        talk.forward(talk.first, 0, "a"),
                        talk.forward(talk.first, 1, "b"),
                        talk.forward(talk.first, 2, "c"))
                .getEmissionsList();
        Emission a = answer(calls.get(0));
        Emission b = answer(calls.get(1));
        Emission c = answer(calls.get(2));
        assertThat(verdict(a)).isEqualTo(Verdict.RUN);
        park(a, MINUTE, 0, false);
        assertThat(verdict(b)).isEqualTo(Verdict.QUEUED_IN_MAILBOX);
        assertThat(verdict(c)).isEqualTo(Verdict.QUEUED_IN_MAILBOX);
        assertThat(verdict(b)).as("again, as after a crash").isEqualTo(Verdict.QUEUED_IN_MAILBOX);
        talk.clock.move(MINUTE);
        due();
        assertThat(verdict(b)).as("its turn has not come").isEqualTo(Verdict.QUEUED_IN_MAILBOX);
        assertThat(verdict(a)).isEqualTo(Verdict.RUN);
        assertThat(talk.complete(a).getEmissionsList()).containsExactly(b);
        assertThat(verdict(c)).isEqualTo(Verdict.QUEUED_IN_MAILBOX);
        assertThat(verdict(b)).isEqualTo(Verdict.RUN);
        assertThat(talk.begin(a, Join.EACH).getEmissionsList())
                .as("whoever finds the first done owes the next")
                .containsExactly(b);
        assertThat(talk.complete(b).getEmissionsList()).containsExactly(c);
        assertThat(verdict(c)).isEqualTo(Verdict.RUN);
    }

    @Test
    void an_answer_that_a_join_absorbs_frees_the_mailbox() {
        talk.begin(talk.first);
        List<Emission> calls = talk.complete(
                        talk.first,
                        talk.toItself(talk.first, 0),
                        talk.forward(talk.first, 1, "a"),
                        talk.forward(talk.first, 2, "b"))
                .getEmissionsList();
        Emission itself = calls.get(0);
        Emission a = answer(calls.get(1));
        Emission b = answer(calls.get(2));
        talk.begin(itself);
        park(itself, MINUTE, 0, false);
        assertThat(talk.begin(a).getVerdict()).isEqualTo(Verdict.QUEUED_IN_MAILBOX);
        assertThat(talk.begin(b).getVerdict()).isEqualTo(Verdict.QUEUED_IN_MAILBOX);
        assertThat(talk.complete(itself).getEmissionsList()).containsExactly(a);
        BeginReply absorbed = talk.begin(a);
        assertThat(absorbed.getVerdict()).isEqualTo(Verdict.ABSORBED);
        assertThat(absorbed.getEmissionsList()).containsExactly(b);
        assertThat(talk.begin(b).getVerdict()).isEqualTo(Verdict.RUN);
    }

    @Test
    void a_turn_with_a_parked_message_stays_open_and_its_clients_next_message_waits() {
        talk.begin(talk.first);
        park(talk.first, MINUTE, 0, false);
        Emission next = talk.clientMessage();
        assertThat(talk.begin(next).getVerdict()).isEqualTo(Verdict.QUEUED_BEHIND_TURN);
        assertThat(talk.complete(talk.first, talk.respond(talk.first)).getEmissionsList())
                .extracting(Emission::getMessage)
                .containsExactly(next.getMessage());
    }

    @Test
    void waits_for_a_time_do_not_count_as_the_turns_time_however_many_overlap() {
        long opened = talk.clock.millis();
        talk.begin(talk.first);
        List<Emission> calls = talk.complete(
                        talk.first, talk.forward(talk.first, 0, "a"), talk.forward(talk.first, 1, "b"))
                .getEmissionsList();
        for (Emission call : calls) {
            talk.begin(call);
            park(call, MINUTE, 0, true);
        }
        talk.clock.move(MINUTE);
        assertThat(due()).hasSize(2);
        assertThat(talk.begin(calls.getFirst()).getTurnOpenedAtMs()).isEqualTo(opened + MINUTE.toMillis());
    }

    @Test
    void a_wait_that_goes_on_does_not_count_either_when_another_is_over() {
        long opened = talk.clock.millis();
        talk.begin(talk.first);
        List<Emission> calls = talk.complete(
                        talk.first, talk.forward(talk.first, 0, "a"), talk.forward(talk.first, 1, "b"))
                .getEmissionsList();
        calls.forEach(talk::begin);
        park(calls.getFirst(), MINUTE, 0, true);
        park(calls.getLast(), MINUTE.multipliedBy(3), 0, true);
        talk.clock.move(MINUTE);
        assertThat(due()).hasSize(1);
        assertThat(talk.begin(calls.getFirst()).getTurnOpenedAtMs())
                .as("the other sleeps still")
                .isEqualTo(opened + MINUTE.toMillis());
    }

    @Test
    void a_handlers_own_time_counts() {
        long opened = talk.clock.millis();
        talk.begin(talk.first);
        park(talk.first, MINUTE, 0, false);
        talk.clock.move(MINUTE);
        due();
        assertThat(talk.begin(talk.first).getTurnOpenedAtMs()).isEqualTo(opened);
    }

    @Test
    void another_process_finds_what_is_parked() {
        talk.begin(talk.first);
        park(talk.first, MINUTE, 0, false);
        talk.clock.move(MINUTE);
        ConversationJournal other = talk.process();
        DueIndex elsewhere = new DueIndex(talk.due, Leases.NOBODY_ELSE, other, _ -> false, talk.clock);
        assertThat(elsewhere
                        .take(DueRequest.newBuilder()
                                .setOwner("other")
                                .setLimit(10)
                                .build())
                        .getItemsList())
                .hasSize(1);
        BeginRequest again = talk.beginning(talk.first).build();
        assertThat(talk.journal.begin(talk.key, again).getVerdict()).isEqualTo(Verdict.RUN);
    }

    /** What the tool answers to the thread that called it. */
    private Emission answer(Emission call) {
        BeginReply begun = talk.begin(call);
        return talk.complete(call, talk.respond(call, begun)).getEmissions(0);
    }

    private Verdict verdict(Emission message) {
        return talk.begin(message, Join.EACH).getVerdict();
    }

    private Outcome park(Emission message, Duration time, int attempts, boolean waits) {
        return talk.journal
                .park(talk.key, parking(message, time, attempts, waits))
                .getOutcome();
    }

    private ParkRequest parking(Emission message, Duration time, int attempts, boolean waits) {
        return ParkRequest.newBuilder()
                .setThread(message.getThread())
                .setMessage(message.getMessage())
                .setParking(Parking.newBuilder()
                        .setUntilMs(talk.clock.millis() + time.toMillis())
                        .setAttempts(attempts)
                        .addCalls(ModelCall.newBuilder().setInput(70))
                        .setWaits(waits))
                .build();
    }

    private List<DueItem> due(String... done) {
        return index.take(DueRequest.newBuilder()
                        .setOwner("pump")
                        .setLimit(10)
                        .addAllDone(List.of(done))
                        .build())
                .getItemsList();
    }
}
