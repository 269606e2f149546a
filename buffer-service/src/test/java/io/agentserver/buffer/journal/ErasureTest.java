package io.agentserver.buffer.journal;

import io.agentserver.buffer.store.ConversationKey;
import io.agentserver.buffer.store.DueEntry;
import io.agentserver.buffer.store.Look;
import io.agentserver.buffer.store.Retention;
import io.agentserver.buffer.store.ShardKey;
import io.agentserver.buffer.v1.AnswerOutcome;
import io.agentserver.buffer.v1.AwaitTurnRequest;
import io.agentserver.buffer.v1.Emission;
import io.agentserver.buffer.v1.Outcome;
import io.agentserver.buffer.v1.ReadRequest;
import io.agentserver.buffer.v1.TurnState;
import io.agentserver.buffer.v1.Verdict;
import io.agentserver.buffer.v1.WatchEvent;
import io.agentserver.envelope.MessageId;
import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

import static org.assertj.core.api.Assertions.assertThat;

/** A client's word that nothing of a conversation shall be kept. */
class ErasureTest {
    private static final Duration A_MINUTE = Duration.ofMinutes(1);

    private final Conversing talk = new Conversing();
    private final ConversationReader reader = new ConversationReader(talk.journal, talk.store, talk.wakeups);

    @Test
    void nobody_reads_it_any_more_here_or_in_the_store() {
        talk.handle(talk.first, talk.respond(talk.first));
        assertThat(talk.journal.erase(talk.key).getFound()).isTrue();
        assertThat(reader.read(talk.key, ReadRequest.newBuilder().setLimit(10).build())
                        .getFound())
                .isFalse();
        assertThat(talk.slots()).isEmpty();
        assertThat(talk.store.read(talk.key, 1, Look.CONSISTENT).toString())
                .doesNotContain("from-client", "from-handler", talk.first.getMessage());
    }

    @Test
    void what_runs_or_comes_late_has_no_effect_in_any_process() {
        talk.begin(talk.first);
        Emission call =
                talk.complete(talk.first, talk.forward(talk.first, 0, "tool")).getEmissions(0);
        talk.begin(call);
        ConversationJournal remembers = talk.process();
        remembers.begin(talk.key, talk.beginning(call).build());
        ConversationJournal knowsNothing = talk.process();
        talk.journal.erase(talk.key);
        long number = talk.state().number();
        for (ConversationJournal process : List.of(remembers, knowsNothing, talk.journal)) {
            assertThat(process.complete(
                                    talk.key,
                                    talk.completing(call, talk.forward(call, 0, "more"))
                                            .build())
                            .getOutcome())
                    .isEqualTo(Outcome.BEGIN_AGAIN);
            for (Emission late : List.of(talk.first, call, talk.clientMessage())) {
                assertThat(process.begin(talk.key, talk.beginning(late).build()).getVerdict())
                        .isEqualTo(Verdict.DEAD);
            }
            assertThat(talk.answer(process, call, "<a/>")).isEqualTo(AnswerOutcome.ANSWER_UNKNOWN);
            assertThat(process.cancel(talk.key).getFound()).isFalse();
        }
        assertThat(talk.state().number()).as("nothing was written").isEqualTo(number);
    }

    @Test
    void a_process_that_has_never_seen_it_does_not_begin_it_anew() {
        talk.begin(talk.first);
        talk.journal.erase(talk.key);
        // its first commit may be tried unseen, for the conversation is named after this message
        assertThat(talk.process()
                        .begin(talk.key, talk.beginning(talk.first).build())
                        .getVerdict())
                .isEqualTo(Verdict.DEAD);
    }

    @Test
    void repeating_it_is_harmless_and_of_what_nobody_knows_nothing_is_written() {
        assertThat(talk.journal.erase(talk.key).getFound()).isFalse();
        assertThat(talk.state().number()).isZero();
        talk.begin(talk.first);
        talk.journal.erase(talk.key);
        long number = talk.state().number();
        assertThat(talk.journal.erase(talk.key).getFound()).isTrue();
        assertThat(talk.process().erase(talk.key).getFound()).isTrue();
        assertThat(talk.state().number()).isEqualTo(number);
    }

    @Test
    void those_who_may_run_something_hear_of_it() {
        List<Object> stopped = new ArrayList<>();
        talk.begin(talk.first);
        try (Wakeups.Registration listening = talk.wakeups.onStop(stopped::add)) {
            talk.journal.erase(talk.key);
            assertThat(stopped).containsExactly(talk.key);
        }
    }

    @Test
    void who_waits_for_its_turn_or_watches_it_is_told_at_once() {
        talk.begin(talk.first);
        talk.journal.erase(talk.key);
        var reply = reader.awaitTurn(
                talk.key,
                AwaitTurnRequest.newBuilder()
                        .setTurn(talk.first.getMessage())
                        .setWaitMs(60_000)
                        .build());
        assertThat(reply.getEnded()).isTrue();
        assertThat(reply.getTurn().getState()).isEqualTo(TurnState.TURN_CANCELLED);
        assertThat(reply.hasResponse()).isFalse();

        List<WatchEvent> events = new ArrayList<>();
        new ConversationWatch(talk.journal, talk.wakeups, talk.key, 0, _ -> false, new ConversationWatch.Watcher() {
                    @Override
                    public void send(WatchEvent event) {
                        events.add(event);
                    }

                    @Override
                    public boolean isGone() {
                        return false;
                    }
                })
                .run();
        assertThat(events)
                .extracting(WatchEvent::getEventCase)
                .containsExactly(WatchEvent.EventCase.GAP, WatchEvent.EventCase.ERASED);
    }

    @Test
    void a_process_that_dies_between_the_commit_and_the_stores_leaves_it_to_the_due_index() {
        talk.begin(talk.first);
        talk.journal.erase(talk.key);
        List<DueEntry> entries = entries();
        assertThat(entries).hasSize(1);
        DueEntry entry = entries.getFirst();
        assertThat(entry.dueMs() - talk.clock.millis()).isBetween(60_000L, 75_000L);
        talk.clock.move(A_MINUTE);

        ConversationKey key = talk.key;
        assertThat(talk.process().wake(entry)).as("all copies are free").hasValue(List.of());
        HalfErasingStore half = new HalfErasingStore(talk.store);
        ConversationJournal withACopyAway = new ConversationJournal(
                half, talk.due, talk.wakeups, Retention.ofAll(Duration.ofHours(24)), 10_000_000, talk.clock);
        assertThat(withACopyAway.wake(entry)).as("it makes room for others").hasValue(List.of());
        assertThat(half.erased).containsExactly(key);
        assertThat(entries())
                .as("and another is due a minute later")
                .extracting(its -> its.dueMs() - talk.clock.millis())
                .anySatisfy(ms -> assertThat(ms).isBetween(60_000L, 90_000L));
    }

    @Test
    void what_cannot_be_freed_is_tried_after_two_minutes_four_and_in_the_end_each_hour() {
        ErasureEntry erasure = new ErasureEntry(talk.key, talk.clock.millis(), true);
        List<Long> dueMs = new ArrayList<>();
        dueMs.add(erasure.dueAfter(erasure.erasedAtMs()).dueMs());
        while (dueMs.size() < 12) {
            dueMs.add(erasure.dueAfter(dueMs.getLast()).dueMs());
        }
        List<Integer> minutes = List.of(1, 2, 4, 8, 16, 32, 64, 124, 184, 244, 304, 364);
        for (int i = 0; i < minutes.size(); i++) {
            long pauseMs = Math.min(minutes.get(i), 60) * A_MINUTE.toMillis();
            assertThat(dueMs.get(i) - erasure.erasedAtMs() - minutes.get(i) * A_MINUTE.toMillis())
                    .isBetween(0L, pauseMs / 4);
        }
    }

    @Test
    void a_state_too_large_to_be_remembered_is_freed_all_the_same() {
        HalfErasingStore half = new HalfErasingStore(talk.store);
        ConversationJournal forgetful = new ConversationJournal(
                half, talk.due, talk.wakeups, Retention.ofAll(Duration.ofHours(24)), 1, talk.clock);
        talk.begin(talk.first);
        forgetful.erase(talk.key);
        assertThat(half.erased).containsExactly(talk.key);
    }

    @Test
    void a_response_is_not_told_from_a_copy_that_has_not_heard_of_the_erasure() {
        talk.handle(talk.first, talk.respond(talk.first));
        ConversationJournal other = talk.process();
        ConversationReader elsewhere = new ConversationReader(other, talk.store, new Wakeups());
        AwaitTurnRequest request = AwaitTurnRequest.newBuilder()
                .setTurn(talk.first.getMessage())
                .setWaitMs(60_000)
                .build();
        assertThat(elsewhere.awaitTurn(talk.key, request).hasResponse()).isTrue();
        talk.journal.erase(talk.key);
        assertThat(elsewhere.awaitTurn(talk.key, request).hasResponse()).isFalse();
    }

    @Test
    void what_readers_have_lost_by_its_age_is_freed_too() {
        talk.begin(talk.first);
        talk.clock.move(Duration.ofHours(25));
        HalfErasingStore half = new HalfErasingStore(talk.store);
        ConversationJournal later = new ConversationJournal(
                half, talk.due, talk.wakeups, Retention.ofAll(Duration.ofHours(24)), 10_000_000, talk.clock);
        assertThat(later.erase(talk.key).getFound()).isFalse();
        assertThat(half.erased).containsExactly(talk.key);
    }

    @Test
    void an_erasure_whose_commit_never_came_leaves_nothing_to_do() {
        talk.begin(talk.first);
        DueEntry entry = new DueEntry(talk.key, talk.root, MessageId.parse(talk.root.toString()), talk.clock.millis());
        talk.clock.move(A_MINUTE.plusSeconds(1));
        assertThat(talk.journal.wake(entry)).hasValue(List.of());
        assertThat(talk.slots()).hasSize(1);
    }

    private List<DueEntry> entries() {
        List<DueEntry> entries = new ArrayList<>();
        for (int shard = 0; shard < ShardKey.SHARDS; shard++) {
            entries.addAll(talk.due.due(shard, Long.MAX_VALUE, 10));
        }
        return entries;
    }
}
