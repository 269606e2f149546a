package io.agentserver.buffer.journal;

/**
 * How much may be kept, of what its TTL has not ended; 0: any amount.
 *
 * @param threadSlots of one thread
 * @param conversationBytes of the slots of one conversation
 * @param tenantBytes of all commits of a tenant
 */
public record Limits(int threadSlots, long conversationBytes, long tenantBytes) {
    public static final Limits NONE = new Limits(0, 0, 0);

    public Limits {
        if (threadSlots < 0 || conversationBytes < 0 || tenantBytes < 0) {
            throw new IllegalArgumentException(
                    "limits: <" + threadSlots + ", " + conversationBytes + ", " + tenantBytes + "> are not 0 or more");
        }
    }

    /** Up to which even refusals are still journalled. */
    Limits andAQuarter() {
        return new Limits(
                threadSlots + threadSlots / 4,
                conversationBytes + conversationBytes / 4,
                tenantBytes + tenantBytes / 4);
    }
}
