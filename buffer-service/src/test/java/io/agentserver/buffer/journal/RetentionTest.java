package io.agentserver.buffer.journal;

import io.agentserver.buffer.commit.Commit;
import io.agentserver.buffer.store.ConversationKey;
import io.agentserver.buffer.store.Look;
import io.agentserver.buffer.store.MemoryThreadStore;
import io.agentserver.buffer.store.Retention;
import io.agentserver.buffer.store.ThreadStore;
import io.agentserver.buffer.v1.AwaitTurnRequest;
import io.agentserver.buffer.v1.BeginReply;
import io.agentserver.buffer.v1.Emission;
import io.agentserver.buffer.v1.ListRequest;
import io.agentserver.buffer.v1.ReadReply;
import io.agentserver.buffer.v1.ReadRequest;
import io.agentserver.buffer.v1.Slot;
import io.agentserver.buffer.v1.Verdict;
import io.agentserver.envelope.TenantId;
import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

import static org.assertj.core.api.Assertions.assertThat;

/** Each tenant's conversations are kept for a time of their own, which may change. */
class RetentionTest {
    private static final Duration HOUR = Duration.ofHours(1);
    private static final Duration LONG = Duration.ofDays(90);
    private static final TenantId OTHER = new TenantId("other-org");

    private volatile Duration ours = LONG;
    private final Retention retention = tenant -> tenant.equals(OTHER) ? HOUR : ours;
    /** Which keeps all, for as long as this test runs. */
    private final ThreadStore store = new MemoryThreadStore(Retention.ofAll(LONG), new TestClock(Instant.EPOCH));

    private final Conversing talk = new Conversing(store);
    private final ConversationJournal journal = process();
    private final ConversationReader reader = new ConversationReader(journal, store, talk.wakeups);

    private ConversationJournal process() {
        return new ConversationJournal(store, talk.due, talk.wakeups, retention, 10_000_000, talk.clock);
    }

    @Test
    void a_shorter_one_hides_at_once_what_is_past_it_from_readers_lists_and_handlers() {
        turn(talk.first);
        talk.clock.move(Duration.ofHours(5));
        assertThat(read(talk.key).getSlotsList()).hasSize(2);
        assertThat(list()).hasSize(1);
        assertThat(response(talk.first)).isNotEmpty();

        ours = HOUR;

        assertThat(read(talk.key).getFound()).isFalse();
        assertThat(list()).isEmpty();
        assertThat(response(talk.first)).isEmpty();
        Emission next = talk.clientMessage();
        BeginReply begun = turn(next);
        assertThat(begun.getVerdict()).isEqualTo(Verdict.RUN);
        assertThat(begun.getHistoryList()).isEmpty();
        assertThat(read(talk.key).getSlotsList()).extracting(Slot::getSequence).containsExactly(3L, 4L);

        ours = LONG;
        assertThat(read(talk.key).getSlotsList()).as("the store has it still").hasSize(4);
        assertThat(turn(talk.clientMessage()).getHistoryList()).hasSize(4);
    }

    @Test
    void two_tenants_conversations_of_one_age_are_hidden_apart() {
        ConversationKey theirs = new ConversationKey(OTHER, talk.root);
        for (ConversationKey key : List.of(talk.key, theirs)) {
            journal.begin(key, talk.beginning(talk.first).build());
        }
        talk.clock.move(HOUR.plusMinutes(1));
        assertThat(read(talk.key).getFound()).isTrue();
        assertThat(read(theirs).getFound()).isFalse();
        assertThat(journal.cancel(theirs).getFound()).isFalse();
        assertThat(journal.cancel(talk.key).getFound()).isTrue();
    }

    @Test
    void no_commit_is_kept_for_a_shorter_time_than_those_before_it_by_whatever_process_it_is_written() {
        turn(talk.first);
        ours = HOUR;
        Emission next = talk.clientMessage();
        process().begin(talk.key, talk.beginning(next).build());
        assertThat(keptUntil()).containsOnly(talk.clock.millis() + LONG.toMillis());

        talk.clock.move(LONG);
        journal.complete(talk.key, talk.completing(next, talk.respond(next)).build());
        assertThat(keptUntil()).last().isEqualTo(talk.clock.millis() + HOUR.toMillis());
        ours = LONG;
        turn(talk.clientMessage());
        assertThat(keptUntil()).isSorted().last().isEqualTo(talk.clock.millis() + LONG.toMillis());
    }

    @Test
    void a_message_may_wait_and_be_on_the_log_as_long_as_its_tenants_retention_allows() {
        long began = talk.clock.millis();
        BeginReply begun = journal.begin(talk.key, talk.beginning(talk.first).build());
        long longest = LONG.toMillis() - LONG.toMillis() / 24;
        assertThat(begun.getKeepsUntilMs()).isEqualTo(began + longest);
        assertThat(begun.getLongestWaitMs()).isEqualTo(longest);
        talk.clock.move(Duration.ofHours(30));
        ConversationKey theirs = new ConversationKey(OTHER, talk.root);
        assertThat(journal.begin(
                                theirs,
                                talk.beginning(talk.first)
                                        .setAppendedAtMs(began)
                                        .build())
                        .getVerdict())
                .isEqualTo(Verdict.EXPIRED);
    }

    @Test
    void a_first_commit_that_was_kept_for_a_short_time_is_not_written_again_when_the_retention_is_longer() {
        SweptStore swept = new SweptStore();
        Conversing old = new Conversing(swept, Conversing.idOf(Conversing.START));
        old.handle(old.first, old.respond(old.first));
        old.begin(old.clientMessage());
        swept.forgetThrough(2);
        old.clock.move(Duration.ofHours(49));

        Verdict again = new ConversationJournal(swept, old.due, old.wakeups, retention, 10_000_000, old.clock)
                .begin(old.key, old.beginning(old.first).build())
                .getVerdict();

        assertThat(again).isEqualTo(Verdict.QUEUED_BEHIND_TURN);
        assertThat(swept.commits.firstKey()).isEqualTo(3);
    }

    private BeginReply turn(Emission message) {
        BeginReply begun = journal.begin(talk.key, talk.beginning(message).build());
        journal.complete(
                talk.key, talk.completing(message, talk.respond(message, begun)).build());
        return begun;
    }

    private ReadReply read(ConversationKey key) {
        return reader.read(key, ReadRequest.newBuilder().setLimit(100).build());
    }

    private List<String> list() {
        List<String> listed = new ArrayList<>();
        reader.list(Conversing.TENANT, ListRequest.newBuilder().setLimit(10).build())
                .getConversationsList()
                .forEach(conversation -> listed.add(conversation.getId()));
        return listed;
    }

    private String response(Emission message) {
        return reader.awaitTurn(
                        talk.key,
                        AwaitTurnRequest.newBuilder()
                                .setTurn(message.getMessage())
                                .build())
                .getResponse()
                .getEnvelope();
    }

    private List<Long> keptUntil() {
        return store.read(talk.key, 1, Look.CONSISTENT).stream()
                .map(Commit::getKeptUntilMs)
                .toList();
    }
}
