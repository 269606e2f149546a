package io.agentserver.buffer.store;

import io.agentserver.envelope.TenantId;
import io.agentserver.envelope.ThreadId;

/** A conversation of a tenant. The same id under two tenants is two conversations. */
public record ConversationKey(TenantId tenant, ThreadId conversation) {
    private static final char SEPARATOR = '#'; // in no tenant id

    /** {@code <tenant>#<conversation>}. */
    @Override
    public String toString() {
        return tenant.value() + SEPARATOR + conversation;
    }

    /** The inverse of {@link #toString}. */
    public static ConversationKey parse(String text) {
        int at = text.indexOf(SEPARATOR);
        if (at < 0) {
            throw new IllegalArgumentException(
                    "conversation key: <" + text + "> is not of the form <tenant>#<conversation>");
        }
        return new ConversationKey(new TenantId(text.substring(0, at)), ThreadId.parse(text.substring(at + 1)));
    }
}
