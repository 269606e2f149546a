package io.agentserver.pump.flow;

import io.agentserver.buffer.v1.AwaitedReply;
import io.agentserver.buffer.v1.AwaitedRequest;
import io.agentserver.buffer.v1.BeginReply;
import io.agentserver.buffer.v1.BeginRequest;
import io.agentserver.buffer.v1.CompleteReply;
import io.agentserver.buffer.v1.CompleteRequest;
import io.agentserver.buffer.v1.DueReply;
import io.agentserver.buffer.v1.DueRequest;
import io.agentserver.buffer.v1.ParkReply;
import io.agentserver.buffer.v1.ParkRequest;
import io.agentserver.buffer.v1.ReadReply;
import io.agentserver.buffer.v1.ReadRequest;
import io.agentserver.buffer.v1.Stop;

import java.util.function.Consumer;

/**
 * The journal as the pump needs it (buffer.proto has the contract). Blocks; safe on any thread; {@code begin} and
 * {@code complete} are idempotent by (thread, message). All throw {@link UnavailableException} when it is away,
 * {@link Failed} when it is there and fails, {@link TooLarge} for more than a call carries, and {@link Refused} for a request
 * that will never do.
 */
public interface ThreadBuffer {
    BeginReply begin(BeginRequest request);

    CompleteReply complete(CompleteRequest request);

    ReadReply read(ReadRequest request);

    ParkReply park(ParkRequest request);

    /** What has become due, of whatever tenant. */
    DueReply due(DueRequest request);

    AwaitedReply awaited(AwaitedRequest request);

    /** Blocks, and tells of stops until the stream breaks; whatever ends it is an {@link UnavailableException}. */
    void stops(Consumer<Stop> listener);

    /** The buffer does not take this request, now or later. */
    final class Refused extends RuntimeException {
        private static final long serialVersionUID = 1L;

        public Refused(String message, Throwable cause) {
            super(message, cause);
        }
    }

    /** The buffer has an error of its own at this request: perhaps once, perhaps each time. Whether it was done is not known. */
    final class Failed extends RuntimeException {
        private static final long serialVersionUID = 1L;

        public Failed(String message, Throwable cause) {
            super(message, cause);
        }
    }

    /** The request or its answer is larger than a call may be; what the request asked for may have been done. */
    final class TooLarge extends RuntimeException {
        private static final long serialVersionUID = 1L;

        public TooLarge(String message, Throwable cause) {
            super(message, cause);
        }
    }
}
