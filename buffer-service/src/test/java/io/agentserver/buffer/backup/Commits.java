package io.agentserver.buffer.backup;

import io.agentserver.buffer.commit.Change;
import io.agentserver.buffer.commit.Commit;
import io.agentserver.buffer.commit.Entry;
import io.agentserver.buffer.commit.Erased;
import io.agentserver.buffer.store.ConversationKey;
import io.agentserver.buffer.store.ThreadStore;
import io.agentserver.buffer.v1.Slot;
import io.agentserver.envelope.MessageId;
import io.agentserver.envelope.TenantId;
import io.agentserver.envelope.ThreadId;

/** Conversations of one slot a commit. */
final class Commits {
    static final TenantId ACME = new TenantId("acme");

    private Commits() {}

    static ConversationKey conversation(TenantId tenant) {
        return new ConversationKey(tenant, ThreadId.parse(MessageId.create().toString()));
    }

    static Commit commit(long number, long atMs, String text) {
        return Commit.newBuilder()
                .setNumber(number)
                .setAtMs(atMs)
                .setSequenceBefore(number - 1)
                .addChanges(Change.newBuilder()
                        .setEntry(Entry.newBuilder()
                                .setSlot(Slot.newBuilder()
                                        .setSequence(number)
                                        .setAtMs(atMs)
                                        .setMessage(MessageId.create().toString())
                                        .setEnvelope("<said>" + text + "</said>"))))
                .build();
    }

    static Commit erasure(long number, long atMs) {
        return Commit.newBuilder()
                .setNumber(number)
                .setAtMs(atMs)
                .setSequenceBefore(number - 1)
                .addChanges(Change.newBuilder().setErased(Erased.getDefaultInstance()))
                .build();
    }

    /** Says something so many times after {@code last}. */
    static void say(ThreadStore store, ConversationKey key, long last, int times, long atMs) {
        for (long number = last + 1; number <= last + times; number++) {
            if (!store.append(key, commit(number, atMs, "words " + number), number == last + 1 ? 0 : atMs)) {
                throw new AssertionError("commit " + number + " was refused");
            }
        }
    }
}
