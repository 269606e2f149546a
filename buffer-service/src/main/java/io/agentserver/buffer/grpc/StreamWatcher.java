package io.agentserver.buffer.grpc;

import io.agentserver.buffer.journal.ConversationWatch;
import io.agentserver.buffer.v1.WatchEvent;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ServerCallStreamObserver;

import java.util.concurrent.Semaphore;

/** A watcher at the other end of a gRPC stream: sending waits until the stream takes more, so that no queue grows. */
final class StreamWatcher implements ConversationWatch.Watcher {
    private final ServerCallStreamObserver<WatchEvent> stream;
    private final Semaphore changed = new Semaphore(0);

    /** To be made while gRPC starts the call. */
    StreamWatcher(ServerCallStreamObserver<WatchEvent> stream) {
        this.stream = stream;
        stream.setOnReadyHandler(changed::release);
        stream.setOnCancelHandler(changed::release);
    }

    @Override
    public void send(WatchEvent event) {
        while (!stream.isReady() && !stream.isCancelled()) {
            changed.acquireUninterruptibly();
        }
        if (!stream.isCancelled()) {
            stream.onNext(event);
        }
    }

    @Override
    public boolean isGone() {
        return stream.isCancelled();
    }

    /** There will never be more. */
    void end() {
        if (!stream.isCancelled()) {
            stream.onCompleted();
        }
    }

    void end(StatusRuntimeException reason) {
        if (!stream.isCancelled()) {
            stream.onError(reason);
        }
    }
}
