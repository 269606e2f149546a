package io.agentserver.buffer;

/** Which stores keep the journals. */
public enum StoreMode {
    /** This process; for tests and trials. */
    MEMORY,
    /** Redis alone: promises what that Redis promises. */
    REDIS,
    /** Redis over DynamoDB: acknowledged when DynamoDB has it. */
    TIERED
}
