package io.agentserver.buffer.store;

import io.agentserver.envelope.TenantId;

/**
 * How many bytes of commits each tenant has had journalled within its retention, by all processes together. About: others' come with
 * a delay, and a store that was emptied begins at 0. Safe on any thread; {@link #share} alone may block.
 */
public interface TenantBytes {
    void add(TenantId tenant, long bytes);

    /** 0 also of a tenant of which this process has written nothing lately. */
    long kept(TenantId tenant);

    /** The tenant is deleted: nothing of it is counted any more, nor told. */
    default void forget(TenantId tenant) {}

    /** Tells other processes, and hears of theirs. To be called every second. */
    default void share() {}
}
