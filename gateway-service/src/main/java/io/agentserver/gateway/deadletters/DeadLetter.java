package io.agentserver.gateway.deadletters;

import io.agentserver.envelope.Meta;
import org.jspecify.annotations.Nullable;

import java.time.Instant;

/**
 * A message that could not be handled, without its payload.
 *
 * @param attempts how often it was tried, the first time included
 * @param originalPartition of {@code messages.{tenant}}, as the letter says; {@link #UNKNOWN} if it does not
 * @param originalOffset there, likewise
 * @param about null: nobody can vouch that it is a message of this tenant's
 */
record DeadLetter(
        LetterId id,
        String reason,
        int attempts,
        Instant firstFailure,
        Instant lastFailure,
        long originalPartition,
        long originalOffset,
        @Nullable About about) {
    static final long UNKNOWN = -1;

    /**
     * What its envelope says.
     *
     * @param root local name of the payload's root element
     */
    record About(Meta meta, String root) {}
}
