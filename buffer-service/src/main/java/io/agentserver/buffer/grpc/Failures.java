package io.agentserver.buffer.grpc;

import io.agentserver.buffer.journal.ContendedException;
import io.agentserver.buffer.journal.OutdatedCallerException;
import io.agentserver.buffer.store.StoreUnavailableException;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What a caller hears of a failure. Logged here and nowhere else. */
final class Failures {
    private static final Logger log = LoggerFactory.getLogger(Failures.class);

    private Failures() {}

    static StatusRuntimeException status(RuntimeException failure) {
        return switch (failure) {
            case StatusRuntimeException known -> known;
            case IllegalArgumentException wrong ->
                Status.INVALID_ARGUMENT.withDescription(wrong.getMessage()).asRuntimeException();
            case StoreUnavailableException away -> {
                log.warn("{} ({})", away.getMessage(), String.valueOf(away.getCause()));
                yield Status.UNAVAILABLE.withDescription(away.getMessage()).asRuntimeException();
            }
            case ContendedException contended -> {
                log.warn(contended.getMessage());
                yield Status.UNAVAILABLE.withDescription(contended.getMessage()).asRuntimeException();
            }
            case OutdatedCallerException outdated -> {
                log.warn(outdated.getMessage());
                yield Status.UNAVAILABLE.withDescription(outdated.getMessage()).asRuntimeException();
            }
            default -> {
                log.error("a request failed", failure);
                yield Status.INTERNAL
                        .withDescription("the buffer failed; its log says why")
                        .asRuntimeException();
            }
        };
    }
}
