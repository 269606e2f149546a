package io.agentserver.gateway.deletion;

import io.agentserver.buffer.v1.EraseTenantReply;
import io.agentserver.envelope.TenantId;
import io.agentserver.gateway.threads.ThreadBuffer;
import org.jspecify.annotations.Nullable;

import java.time.Instant;

/** Journal and due index, which are the buffer's to delete: conversations, and what waits for its time. */
final class ConversationsStep implements DeletionStep {
    private final ThreadBuffer buffer;

    ConversationsStep(ThreadBuffer buffer) {
        this.buffer = buffer;
    }

    @Override
    public String store() {
        return "conversations";
    }

    @Override
    public @Nullable String kept() {
        return "the tenant's id, so that nothing is kept for it again";
    }

    @Override
    public Part work(TenantId tenant, String cursor, Instant requestedAt) {
        EraseTenantReply reply = buffer.eraseTenant(tenant, cursor);
        return Part.of(reply.getFreed(), reply.getCursor());
    }
}
