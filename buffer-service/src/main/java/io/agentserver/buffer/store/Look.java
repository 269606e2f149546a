package io.agentserver.buffer.store;

/** How closely a store is asked. */
public enum Look {
    /** What the fastest copy has; it may lack the latest commits, and what it has is right. */
    FAST,
    /** Every commit that was acknowledged before the call. */
    CONSISTENT
}
