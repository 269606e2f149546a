package io.agentserver.buffer.store;

/** How closely a store is asked. */
public enum Look {
    /** What a copy that may have been lost has: "nothing" says nothing, and what it has is right. */
    HOT,
    /** What the fastest copy has; it may lack the latest commits, and what it has is right. */
    FAST,
    /** Every commit that was acknowledged before the call. */
    CONSISTENT
}
