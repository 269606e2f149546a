package io.agentserver.billing.reconcile;

import io.agentserver.buffer.v1.BufferGrpc;
import io.agentserver.buffer.v1.Conversation;
import io.agentserver.buffer.v1.ListReply;
import io.agentserver.buffer.v1.ListRequest;
import io.agentserver.buffer.v1.ReadReply;
import io.agentserver.buffer.v1.ReadRequest;
import io.agentserver.buffer.v1.Slot;
import io.grpc.Server;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.StreamObserver;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;

/** A buffer with the slots that a test gives it: each tenant's in conversations of three slots, one conversation a page. */
final class BufferDouble extends BufferGrpc.BufferImplBase implements AutoCloseable {
    private static final int SLOTS = 3;

    private final Map<String, List<UUID>> receipts = new ConcurrentHashMap<>();
    private final Server server;

    BufferDouble() throws IOException {
        server = NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                .addService(this)
                .build()
                .start();
    }

    String address() {
        return "127.0.0.1:" + server.getPort();
    }

    void slot(String tenant, UUID receipt) {
        receipts.computeIfAbsent(tenant, _ -> new ArrayList<>()).add(receipt);
    }

    @Override
    public void list(ListRequest request, StreamObserver<ListReply> answer) {
        int page = request.getCursor().isEmpty() ? 0 : Integer.parseInt(request.getCursor());
        int slots = of(request.getTenant()).size();
        ListReply.Builder reply = ListReply.newBuilder();
        if (page * SLOTS < slots) {
            reply.addConversations(Conversation.newBuilder().setId(String.valueOf(page)));
        }
        if ((page + 1) * SLOTS < slots) {
            reply.setNextCursor(String.valueOf(page + 1));
        }
        answer.onNext(reply.build());
        answer.onCompleted();
    }

    @Override
    public void read(ReadRequest request, StreamObserver<ReadReply> answer) {
        List<UUID> all = of(request.getTenant());
        int first = Integer.parseInt(request.getConversation()) * SLOTS;
        ReadReply.Builder reply = ReadReply.newBuilder().setFound(true);
        for (int i = (int) request.getAfter(); i < SLOTS && first + i < all.size(); i++) {
            reply.addSlots(Slot.newBuilder()
                    .setSequence(i + 1)
                    .addReceipts(all.get(first + i).toString()));
        }
        answer.onNext(reply.build());
        answer.onCompleted();
    }

    @Override
    public void close() {
        server.shutdownNow();
    }

    private List<UUID> of(String tenant) {
        return receipts.getOrDefault(tenant, List.of());
    }
}
