package io.agentserver.buffer.grpc;

import io.agentserver.buffer.v1.AnswerOutcome;
import io.agentserver.buffer.v1.AnswerReply;
import io.agentserver.buffer.v1.BeginReply;
import io.agentserver.buffer.v1.CompleteReply;
import io.agentserver.buffer.v1.Outcome;
import io.agentserver.buffer.v1.ParkReply;
import io.agentserver.buffer.v1.ReadReply;
import io.agentserver.buffer.v1.Verdict;

/** What is said about a deleted tenant's messages and conversations: a pump drops them, a reader finds none. */
final class OfDeleted {
    static final BeginReply BEGIN = BeginReply.newBuilder()
            .setVerdict(Verdict.DEAD)
            .setReason("its tenant is deleted")
            .build();

    /** To begin again, and so to hear that it is dead: then neither outputs nor a dead letter of it are put on the log. */
    static final CompleteReply COMPLETE =
            CompleteReply.newBuilder().setOutcome(Outcome.BEGIN_AGAIN).build();

    static final ParkReply PARK =
            ParkReply.newBuilder().setOutcome(Outcome.BEGIN_AGAIN).build();
    static final AnswerReply ANSWER =
            AnswerReply.newBuilder().setOutcome(AnswerOutcome.ANSWER_UNKNOWN).build();
    static final ReadReply READ = ReadReply.newBuilder().setErased(true).build();

    private OfDeleted() {}
}
