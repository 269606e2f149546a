package io.agentserver.buffer.store;

import io.agentserver.envelope.Ids;
import io.agentserver.envelope.MessageId;
import io.agentserver.envelope.TenantId;
import io.agentserver.envelope.ThreadId;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

/** What every due index promises; each adapter passes it against the real thing. */
public abstract class DueStoreContract {
    private static final long NOW = 1_700_000_000_000L;

    private final ConversationKey conversation = new ConversationKey(new TenantId("acme"), new ThreadId(Ids.v7()));

    private final List<DueEntry> written = new ArrayList<>();

    protected abstract DueStore store();

    /** The stores outlive a test, and two tests' conversations may fall into one shard. */
    @AfterEach
    void leaveNothingBehind() {
        written.forEach(store()::remove);
    }

    @Test
    void gives_what_is_due_the_earliest_first() {
        DueEntry late = put(NOW);
        DueEntry early = put(NOW - 1_000);
        DueEntry veryEarly = put(7);
        put(NOW + 1);
        assertThat(store().due(late.shard(), NOW, 10)).containsExactly(veryEarly, early, late);
        assertThat(store().due(late.shard(), NOW, 2)).containsExactly(veryEarly, early);
        assertThat(store().due((late.shard() + 1) % ShardKey.SHARDS, NOW, 10)).doesNotContain(late, early);
    }

    @Test
    void forgets_what_is_removed_and_takes_each_once() {
        DueEntry entry = put(NOW);
        store().put(entry);
        DueEntry other = put(NOW);
        assertThat(store().due(entry.shard(), NOW, 10)).containsExactlyInAnyOrder(entry, other);
        store().remove(entry);
        store().remove(entry);
        assertThat(store().due(entry.shard(), NOW, 10)).containsExactly(other);
    }

    @Test
    void takes_a_note_and_removes_many_at_once() {
        DueEntry entry = put(NOW);
        DueEntry other = put(NOW - 1);
        DueEntry noted = new DueEntry(conversation, conversation.conversation(), entry.message(), NOW - 2);
        written.add(noted);
        store().note(noted);
        await().untilAsserted(
                        () -> assertThat(store().due(entry.shard(), NOW, 10)).containsExactly(noted, other, entry));
        store().removeAll(List.of(noted, entry));
        assertThat(store().due(entry.shard(), NOW, 10)).containsExactly(other);
    }

    @Test
    void an_entry_is_its_key() {
        DueEntry entry = put(NOW);
        assertThat(DueEntry.parse(entry.key())).isEqualTo(entry);
        assertThatThrownBy(() -> DueEntry.parse("7#acme")).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> put(-1)).isInstanceOf(IllegalArgumentException.class);
    }

    private DueEntry put(long dueMs) {
        DueEntry entry = new DueEntry(conversation, conversation.conversation(), MessageId.create(), dueMs);
        store().put(entry);
        written.add(entry);
        return entry;
    }
}
