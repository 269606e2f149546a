package io.agentserver.buffer.store;

import io.agentserver.buffer.commit.Change;
import io.agentserver.buffer.commit.Commit;
import io.agentserver.buffer.commit.Entry;
import io.agentserver.buffer.v1.Slot;
import io.agentserver.envelope.Ids;
import io.agentserver.envelope.MessageId;
import io.agentserver.envelope.TenantId;
import io.agentserver.envelope.ThreadId;
import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.IntStream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

/** What every store does about a deleted tenant. An adapter's test extends it and gives stores over the real thing. */
public abstract class TenantErasureContract {
    private static final long NOW = System.currentTimeMillis();
    private static final int LARGE = 500_000;

    /** The first's id is where the second's begins, and where its own stands in a pattern or prefix. */
    private final TenantId tenant =
            new TenantId("t" + UUID.randomUUID().toString().substring(0, 8));

    private final TenantId other = new TenantId(tenant + "-two");

    protected abstract ThreadStore threads();

    protected abstract DueStore due();

    protected abstract TenantErasure erasure();

    @Test
    void frees_all_that_a_tenant_has_and_nothing_of_another_whose_name_begins_alike() {
        List<ConversationKey> theirs = conversations(tenant, 40);
        List<ConversationKey> others = conversations(other, 3);
        DueEntry theirDue = due(theirs.getFirst());
        DueEntry otherDue = due(others.getFirst());
        awaitListed(tenant, 40);

        assertThat(sweep(tenant)).isGreaterThanOrEqualTo(41);
        assertThat(sweep(tenant)).as("what a look afterwards finds").isZero();

        for (ConversationKey key : theirs) {
            assertThat(threads().read(key, 1, Look.CONSISTENT)).isEmpty();
        }
        assertThat(threads()
                        .recent(tenant, RecentConversations.Order.NEWEST_FIRST, 10, Optional.empty())
                        .conversations())
                .isEmpty();
        assertThat(due().due(theirDue.shard(), NOW + 1, 1_000)).doesNotContain(theirDue);
        assertThat(due().due(otherDue.shard(), NOW + 1, 1_000)).contains(otherDue);
        for (ConversationKey key : others) {
            assertThat(threads().read(key, 1, Look.CONSISTENT)).hasSize(2);
        }
        awaitListed(other, 3);
    }

    @Test
    void frees_nothing_of_another_whose_conversation_has_the_id_for_a_name() {
        UUID id = UUID.fromString("a" + UUID.randomUUID().toString().substring(1));
        ConversationKey theirs = new ConversationKey(other, new ThreadId(id));
        threads().append(theirs, commit(1, "first"), 0);
        DueEntry entry = due(theirs);
        sweep(new TenantId(id.toString()));
        assertThat(due().due(entry.shard(), NOW + 1, 1_000)).contains(entry);
        assertThat(threads().read(theirs, 1, Look.CONSISTENT)).hasSize(1);
    }

    @Test
    void goes_on_where_another_process_stopped() {
        conversations(tenant, 60);
        String cursor = "";
        long freed = 0;
        do {
            TenantErasure.Swept swept = erasure().sweep(tenant, cursor); // its only state is the cursor
            freed += swept.freed();
            cursor = swept.cursor();
        } while (!cursor.isEmpty());
        assertThat(freed).isGreaterThanOrEqualTo(60);
        assertThat(sweep(tenant)).isZero();
    }

    @Test
    void frees_what_the_list_of_conversations_lacks() {
        ConversationKey key = new ConversationKey(tenant, new ThreadId(Ids.v7()));
        threads().append(key, commit(1, "x"), NOW); // as after a commit of just before: it is not listed anew
        assertThat(sweep(tenant)).isPositive();
        assertThat(threads().read(key, 1, Look.CONSISTENT)).isEmpty();
    }

    @Test
    void frees_one_conversation_and_what_waits_for_it() {
        List<ConversationKey> theirs = conversations(tenant, 2);
        DueEntry first = due(theirs.getFirst());
        DueEntry second = due(theirs.getLast());
        awaitListed(tenant, 2);
        erasure().sweep(theirs.getFirst());
        assertThat(threads().read(theirs.getFirst(), 1, Look.CONSISTENT)).isEmpty();
        assertThat(threads().read(theirs.getLast(), 1, Look.CONSISTENT)).hasSize(2);
        assertThat(due().due(first.shard(), NOW + 1, 1_000)).doesNotContain(first);
        assertThat(due().due(second.shard(), NOW + 1, 1_000)).contains(second);
        erasure().sweep(theirs.getLast());
        assertThat(sweep(tenant)).as("what a look afterwards finds").isZero();
    }

    @Test
    void marks_for_good_and_once() {
        assertThat(erasure().marked()).doesNotContain(tenant, other);
        erasure().mark(tenant);
        erasure().mark(tenant);
        sweep(tenant);
        assertThat(erasure().marked()).contains(tenant).doesNotContain(other);
    }

    @Test
    void keeps_when_it_was_marked_first_and_looked_for_last() {
        long before = System.currentTimeMillis();
        erasure().mark(tenant);
        TenantErasure.Mark mark = mark(before);
        assertThat(mark.atMs()).isBetween(before, System.currentTimeMillis());
        assertThat(mark.sweptMs()).isZero();
        erasure().swept(tenant, 7);
        erasure().mark(tenant);
        assertThat(mark(before)).isEqualTo(new TenantErasure.Mark(tenant, mark.atMs(), 7));
        assertThat(erasure().marks(System.currentTimeMillis() + 1_000)).isEmpty();
    }

    private TenantErasure.Mark mark(long sinceMs) {
        return erasure().marks(sinceMs).stream()
                .filter(mark -> mark.tenant().equals(tenant))
                .findFirst()
                .orElseThrow();
    }

    @Test
    void refuses_a_cursor_that_it_never_gave() {
        assertThatThrownBy(() -> erasure().sweep(tenant, "somewhere")).isInstanceOf(IllegalArgumentException.class);
    }

    private long sweep(TenantId of) {
        long freed = 0;
        String cursor = "";
        do {
            TenantErasure.Swept swept = erasure().sweep(of, cursor);
            freed += swept.freed();
            cursor = swept.cursor();
        } while (!cursor.isEmpty());
        return freed;
    }

    private List<ConversationKey> conversations(TenantId of, int count) {
        List<ConversationKey> keys = new ArrayList<>();
        IntStream.range(0, count).forEach(i -> {
            ConversationKey key = new ConversationKey(of, new ThreadId(Ids.v7()));
            threads().append(key, commit(1, "first"), 0);
            // one with texts that an item of its own has
            threads().append(key, commit(2, i == 0 ? "x".repeat(LARGE) : "second"), NOW);
            keys.add(key);
        });
        return keys;
    }

    private DueEntry due(ConversationKey key) {
        DueEntry entry = new DueEntry(key, key.conversation(), MessageId.create(), NOW);
        due().put(entry);
        return entry;
    }

    private void awaitListed(TenantId of, int count) {
        await().untilAsserted(() -> assertThat(threads()
                        .recent(of, RecentConversations.Order.NEWEST_FIRST, 100, Optional.empty())
                        .conversations())
                .hasSize(count));
    }

    private static Commit commit(long number, String envelope) {
        return Commit.newBuilder()
                .setNumber(number)
                .setAtMs(NOW)
                .setSequenceBefore(number - 1)
                .addChanges(Change.newBuilder()
                        .setEntry(Entry.newBuilder().setSlot(Slot.newBuilder().setEnvelope(envelope))))
                .build();
    }
}
