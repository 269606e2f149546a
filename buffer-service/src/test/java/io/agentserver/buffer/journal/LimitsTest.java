package io.agentserver.buffer.journal;

import io.agentserver.buffer.store.MemoryTenantBytes;
import io.agentserver.buffer.store.Retention;
import io.agentserver.buffer.store.TenantBytes;
import io.agentserver.buffer.v1.BeginReply;
import io.agentserver.buffer.v1.Emission;
import io.agentserver.buffer.v1.Verdict;
import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.util.List;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** What happens where no more may be kept. */
class LimitsTest {
    private static final Duration TTL = Duration.ofHours(24);

    private final Conversing talk = conversing();
    private final TenantBytes tenants = new MemoryTenantBytes(Retention.ofAll(TTL), talk.clock);

    Conversing conversing() {
        return new Conversing();
    }

    @Test
    void a_thread_holds_so_many_slots() {
        ConversationJournal journal = limited(new Limits(8, 0, 0));
        assertThat(turn(journal, talk.first).getOverLimit()).isEmpty();
        assertThat(turn(journal).getOverLimit()).isEmpty();
        assertThat(turn(journal).getOverLimit()).isEmpty();
        assertThat(slots(journal)).isEqualTo(6);
        turn(journal);
        BeginReply over = turn(journal);
        assertThat(over.getVerdict()).isEqualTo(Verdict.RUN);
        assertThat(over.getOverLimit()).isEqualTo("the thread holds 8 messages, which is the most: start another");
        assertThat(slots(journal)).as("the refusal too").isEqualTo(10);
        BeginReply refused = turn(journal);
        assertThat(refused.getVerdict()).isEqualTo(Verdict.REFUSED);
        assertThat(refused.getReason()).startsWith("the thread holds 8 messages");
        assertThat(slots(journal))
                .as("nothing is kept of it, and nothing goes for it")
                .isEqualTo(10);
    }

    @Test
    void another_threads_slots_do_not_count() {
        ConversationJournal journal = limited(new Limits(3, 0, 0));
        journal.begin(talk.key, talk.beginning(talk.first).build());
        List<Emission> calls = journal.complete(
                        talk.key,
                        talk.completing(
                                        talk.first,
                                        talk.forward(talk.first, 0, "a"),
                                        talk.forward(talk.first, 1, "b"),
                                        talk.forward(talk.first, 2, "c"))
                                .build())
                .getEmissionsList();
        assertThat(calls)
                .hasSize(3)
                .allSatisfy(call -> assertThat(
                                journal.begin(talk.key, talk.beginning(call).build())
                                        .getOverLimit())
                        .isEmpty());
    }

    @Test
    void a_conversation_holds_so_many_bytes_until_they_expire() {
        ConversationJournal journal = limited(new Limits(0, 2_000, 0));
        assertThat(turn(journal, talk.first).getOverLimit()).isEmpty();
        BeginReply reply = turn(journal);
        while (reply.getVerdict() == Verdict.RUN && reply.getOverLimit().isEmpty()) {
            reply = turn(journal);
        }
        assertThat(reply.getOverLimit())
                .isEqualTo("the conversation holds 2000 bytes, which is the most: start another");
        while (reply.getVerdict() == Verdict.RUN) {
            reply = turn(journal);
        }
        assertThat(reply.getVerdict()).isEqualTo(Verdict.REFUSED);
        talk.clock.move(TTL.plusMinutes(1));
        assertThat(turn(journal).getOverLimit())
                .as("what has expired counts no more")
                .isEmpty();
    }

    @Test
    void a_tenant_holds_so_many_bytes_in_all_its_conversations() {
        ConversationJournal journal = limited(new Limits(0, 0, 10_000));
        assertThat(turn(journal, talk.first).getOverLimit()).isEmpty();
        assertThat(tenants.kept(Conversing.TENANT)).isBetween(100L, 9_000L);
        tenants.add(Conversing.TENANT, 10_000 - tenants.kept(Conversing.TENANT));
        assertThat(turn(journal).getOverLimit())
                .isEqualTo("the organisation's conversations hold 10000 bytes, which is the most: wait until some have"
                        + " expired, or ask for more");
        tenants.add(Conversing.TENANT, 2_500);
        assertThat(turn(journal).getVerdict()).isEqualTo(Verdict.REFUSED);
        talk.clock.move(TTL.plusHours(2));
        assertThat(turn(journal).getOverLimit()).isEmpty();
    }

    @Test
    void a_message_that_was_taken_is_answered_for_whatever_the_room() {
        ConversationJournal journal = limited(new Limits(0, 0, 10_000));
        turn(journal, talk.first);
        tenants.add(Conversing.TENANT, 100_000);
        assertThat(journal.begin(talk.key, talk.beginning(talk.first).build()).getVerdict())
                .isEqualTo(Verdict.DONE);
    }

    @Test
    void no_limit_is_below_0() {
        assertThatThrownBy(() -> new Limits(-1, 0, 0)).isInstanceOf(IllegalArgumentException.class);
    }

    private ConversationJournal limited(Limits limits) {
        return new ConversationJournal(
                talk.store,
                talk.due,
                talk.wakeups,
                Retention.ofAll(TTL),
                10_000_000,
                limits,
                tenants,
                Runnable::run,
                talk.clock);
    }

    private BeginReply turn(ConversationJournal journal) {
        return turn(journal, talk.clientMessage());
    }

    /** A message and its response, as a pump makes them: also where the response is a refusal. */
    private BeginReply turn(ConversationJournal journal, Emission message) {
        BeginReply begun = journal.begin(talk.key, talk.beginning(message).build());
        if (begun.getVerdict() == Verdict.RUN) {
            journal.complete(
                    talk.key,
                    talk.completing(message, talk.respond(message, begun))
                            .setFailed(!begun.getOverLimit().isEmpty())
                            .build());
        }
        return begun;
    }

    private int slots(ConversationJournal journal) {
        return journal.look(talk.key, state -> state.slots().size());
    }
}
