package io.agentserver.gateway.admission;

import io.agentserver.envelope.EnvelopeDocument;
import io.agentserver.gateway.problems.Problem;

/** A client's body, read: an envelope that may lack ids and signature, or why there is none. */
sealed interface Submission {
    /**
     * @param pointerBase before the pointers of problems: where the client has what they point to
     * @param metaBase likewise for what stands in {@code <meta>}
     */
    record Read(EnvelopeDocument document, String pointerBase, String metaBase) implements Submission {}

    record Unreadable(Problem problem) implements Submission {}
}
