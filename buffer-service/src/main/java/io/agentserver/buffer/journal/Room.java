package io.agentserver.buffer.journal;

import io.agentserver.buffer.store.TenantBytes;
import io.agentserver.envelope.TenantId;
import io.agentserver.envelope.ThreadId;

import java.util.Optional;

/**
 * Whether more may be kept. Past a limit a turn ends with an error that says so, which is journalled like any answer; past it by
 * a quarter a client's message is not journalled at all. Nothing that is kept ever makes room.
 */
final class Room {
    private final Limits limits;
    private final Limits last;
    private final TenantBytes tenants;

    Room(Limits limits, TenantBytes tenants) {
        this.limits = limits;
        this.last = limits.andAQuarter();
        this.tenants = tenants;
    }

    /**
     * Why there is no room in a thread, in words for the client; empty: there is.
     *
     * @param oldestMs slots that are older do not count
     */
    Optional<String> lack(TenantId tenant, JournalState state, ThreadId thread, long oldestMs) {
        return lack(limits, tenant, state, thread, oldestMs);
    }

    /** Why not even a refusal is journalled. */
    Optional<String> end(TenantId tenant, JournalState state, ThreadId thread, long oldestMs) {
        return lack(last, tenant, state, thread, oldestMs);
    }

    private Optional<String> lack(Limits most, TenantId tenant, JournalState state, ThreadId thread, long oldestMs) {
        if (most.threadSlots() > 0 && isFull(state, thread, most.threadSlots(), oldestMs)) {
            return Optional.of(
                    "the thread holds " + limits.threadSlots() + " messages, which is the most: start another");
        }
        if (most.conversationBytes() > 0 && bytesReach(most.conversationBytes(), state, oldestMs)) {
            return Optional.of("the conversation holds " + limits.conversationBytes()
                    + " bytes, which is the most: start another");
        }
        if (most.tenantBytes() > 0 && tenants.kept(tenant) >= most.tenantBytes()) {
            return Optional.of("the organisation's conversations hold " + limits.tenantBytes()
                    + " bytes, which is the most: wait until some have expired, or ask for more");
        }
        return Optional.empty();
    }

    /** Counting is dear, and mostly there are too few of all threads together. */
    private static boolean isFull(JournalState state, ThreadId thread, int most, long oldestMs) {
        if (state.slots().size() < most) {
            return false;
        }
        String id = thread.toString();
        return state.slots().stream()
                        .filter(slot ->
                                slot.getAtMs() >= oldestMs && slot.getThread().equals(id))
                        .limit(most)
                        .count()
                == most;
    }

    private static boolean bytesReach(long most, JournalState state, long oldestMs) {
        if (state.bytes() < most || state.createdAtMs() >= oldestMs) {
            return state.bytes() >= most;
        }
        return state.slots().stream()
                        .filter(slot -> slot.getAtMs() >= oldestMs)
                        .mapToLong(slot -> (long) slot.getSerializedSize() + state.prunedBytes(slot.getSequence()))
                        .sum()
                >= most;
    }
}
