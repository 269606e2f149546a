package io.agentserver.buffer.store;

import io.agentserver.envelope.TenantId;

import java.util.List;
import java.util.Set;

/**
 * What a store does about a tenant that is deleted: it keeps for ever that it is, and frees whatever it holds of it. Safe on any
 * thread; calls block, and throw {@link StoreUnavailableException} if the store is away. Each may be repeated at will.
 */
public interface TenantErasure {

    /** Returns when the mark is as safe as a commit is. */
    void mark(TenantId tenant);

    /** All that were ever marked. */
    Set<TenantId> marked();

    /** Those that were marked since, with what is known of their sweeps. */
    List<Mark> marks(long sinceMs);

    /** Keeps with a mark that the tenant was looked for once more. */
    void swept(TenantId tenant, long nowMs);

    /**
     * @param atMs when it was marked, for the first time
     * @param sweptMs when {@link #swept} was told last; 0: never
     */
    record Mark(TenantId tenant, long atMs, long sweptMs) {}

    /**
     * Looks through a part of the store, for some seconds at most, and frees what is the tenant's. Whatever was there when the
     * first call began, with an empty cursor, is gone when a call gives back an empty one.
     *
     * @param cursor where the last call stopped; empty: from the start
     * @throws IllegalArgumentException if that is no cursor of this store's
     */
    Swept sweep(TenantId tenant, String cursor);

    /** Frees what the store has of one conversation of a tenant that is deleted, and what it keeps of the tenant as a whole. */
    void sweep(ConversationKey key);

    /**
     * @param freed how many entries of the store (items, keys) this call has freed
     * @param cursor where to go on; empty: all has been looked through
     */
    record Swept(long freed, String cursor) {}
}
