package io.agentserver.billing.reconcile;

import io.agentserver.buffer.v1.BufferGrpc;
import io.agentserver.buffer.v1.BufferGrpc.BufferBlockingStub;
import io.agentserver.buffer.v1.Conversation;
import io.agentserver.buffer.v1.ListReply;
import io.agentserver.buffer.v1.ListRequest;
import io.agentserver.buffer.v1.ReadReply;
import io.agentserver.buffer.v1.ReadRequest;
import io.agentserver.buffer.v1.Slot;
import io.agentserver.envelope.TenantId;
import io.agentserver.service.ServiceTokens;
import io.agentserver.service.grpc.GrpcAddress;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.stub.MetadataUtils;
import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;

/**
 * The receipts in the slots of a tenant's conversations, as the buffer tells them over gRPC: whatever store it has, and
 * without a word of its journal's own form. Blocks on the caller's thread;
 * opens its connection when it is first asked.
 */
public final class SlotReceipts implements AutoCloseable {
    private static final Metadata.Key<String> AUTHORIZATION =
            Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);
    private static final Duration PATIENCE = Duration.ofSeconds(10);
    private static final int PAGE = 100;
    private static final int LARGEST_REPLY = 64 * 1024 * 1024;

    private final String address;
    private final ServiceTokens tokens;
    private @Nullable ManagedChannel channel; // guarded by this

    /** @param address {@code host:port} of the buffer's gRPC */
    public SlotReceipts(String address, ServiceTokens tokens) {
        this.address = address;
        this.tokens = tokens;
    }

    /**
     * Every receipt that is in a slot now, with the slot's place in words.
     *
     * @throws io.grpc.StatusRuntimeException if the buffer does not answer
     */
    void forEach(TenantId tenant, BiConsumer<UUID, String> visitor) {
        String cursor = "";
        do {
            ListReply page = stub(tenant)
                    .list(ListRequest.newBuilder()
                            .setTenant(tenant.value())
                            .setLimit(PAGE)
                            .setCursor(cursor)
                            .build());
            for (Conversation conversation : page.getConversationsList()) {
                forEach(tenant, conversation.getId(), visitor);
            }
            cursor = page.getNextCursor();
        } while (!cursor.isEmpty());
    }

    @Override
    public synchronized void close() {
        if (channel != null) {
            channel.shutdownNow();
        }
    }

    private synchronized ManagedChannel channel() {
        ManagedChannel open = channel;
        if (open == null) {
            open = new GrpcAddress(address)
                    .channel()
                    .maxInboundMessageSize(LARGEST_REPLY)
                    .build();
            channel = open;
        }
        return open;
    }

    private void forEach(TenantId tenant, String conversation, BiConsumer<UUID, String> visitor) {
        long after = 0;
        while (true) {
            ReadReply page = stub(tenant)
                    .read(ReadRequest.newBuilder()
                            .setTenant(tenant.value())
                            .setConversation(conversation)
                            .setAfter(after)
                            .setLimit(PAGE)
                            .build());
            if (page.getSlotsList().isEmpty()) {
                return;
            }
            for (Slot slot : page.getSlotsList()) {
                String place = "slot " + slot.getSequence() + " of conversation " + conversation;
                slot.getReceiptsList().forEach(receipt -> visitor.accept(UUID.fromString(receipt), place));
                after = slot.getSequence();
            }
        }
    }

    private BufferBlockingStub stub(TenantId tenant) {
        Metadata headers = new Metadata();
        headers.put(AUTHORIZATION, "Bearer " + tokens.issue(tenant, ServiceTokens.BUFFER));
        return BufferGrpc.newBlockingStub(channel())
                .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers))
                .withDeadlineAfter(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
    }
}
