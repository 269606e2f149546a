package io.agentserver.pump.flow;

import io.agentserver.buffer.v1.BeginReply;
import io.agentserver.buffer.v1.BeginRequest;
import io.agentserver.buffer.v1.CompleteReply;
import io.agentserver.buffer.v1.CompleteRequest;
import io.agentserver.buffer.v1.ReadReply;
import io.agentserver.buffer.v1.ReadRequest;

/**
 * The journal as the pump needs it (buffer.proto has the contract). Blocks; safe on any thread; {@code begin} and
 * {@code complete} are idempotent by (thread, message). All throw {@link UnavailableException} when it is away and
 * {@link Refused} for a request that will never do.
 */
public interface ThreadBuffer {
    BeginReply begin(BeginRequest request);

    CompleteReply complete(CompleteRequest request);

    ReadReply read(ReadRequest request);

    /** The buffer does not take this request, now or later. */
    final class Refused extends RuntimeException {
        private static final long serialVersionUID = 1L;

        public Refused(String message, Throwable cause) {
            super(message, cause);
        }
    }
}
