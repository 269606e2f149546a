package io.agentserver.buffer.grpc;

import io.agentserver.buffer.journal.Wakeups;
import io.agentserver.buffer.store.ConversationKey;
import io.agentserver.buffer.v1.Stop;
import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;

import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/**
 * Tells one pump of conversations in which something has lost whoever waited for it. What does not fit into a full queue is
 * not told: pumps ask from time to time as well.
 */
final class StopStream implements Runnable {
    private static final int MOST_UNTOLD = 10_000;

    private final ServerCallStreamObserver<Stop> stream;
    private final Wakeups wakeups;
    private final BlockingQueue<ConversationKey> untold = new LinkedBlockingQueue<>(MOST_UNTOLD);

    /** To be made while gRPC starts the call. */
    StopStream(ServerCallStreamObserver<Stop> stream, Wakeups wakeups) {
        this.stream = stream;
        this.wakeups = wakeups;
        stream.setOnCancelHandler(() -> {}); // or onNext would throw
    }

    /** Until the caller goes or the buffer stops. */
    @Override
    public void run() {
        try (Wakeups.Registration listening = wakeups.onStop(untold::offer)) {
            stream.onNext(Stop.getDefaultInstance());
            while (!stream.isCancelled() && !wakeups.isClosed()) {
                ConversationKey key = untold.poll(1, TimeUnit.SECONDS);
                if (key != null && stream.isReady()) {
                    stream.onNext(Stop.newBuilder()
                            .setTenant(key.tenant().value())
                            .setConversation(key.conversation().toString())
                            .build());
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        if (!stream.isCancelled()) {
            stream.onError(Status.UNAVAILABLE
                    .withDescription("the buffer stops, ask again")
                    .asRuntimeException());
        }
    }
}
