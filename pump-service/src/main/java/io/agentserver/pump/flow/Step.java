package io.agentserver.pump.flow;

import io.agentserver.buffer.v1.BeginReply;
import io.agentserver.envelope.Envelope;
import io.agentserver.envelope.MessageId;
import io.agentserver.envelope.TenantId;
import io.agentserver.envelope.ThreadId;
import io.agentserver.organism.Organism;
import io.agentserver.pump.handler.SystemErrors;

/**
 * One message that the journal lets run now.
 *
 * @param organism the one that the turn is bound to
 * @param begun what the journal said
 */
record Step(TenantId tenant, Envelope message, Organism organism, Target target, BeginReply begun) {
    ThreadId conversation() {
        return message.meta().conversationOrThread();
    }

    ThreadId thread() {
        return message.meta().requiredThread();
    }

    MessageId id() {
        return message.meta().requiredId();
    }

    MessageId turn() {
        return MessageId.parse(begun.getTurn());
    }

    /** Whether a response of this thread is the turn's: its caller is the client. */
    boolean answersTurn() {
        return thread().equals(conversation())
                || (!begun.getCaller().equals(SystemErrors.SENDER)
                        && organism.listener(begun.getCaller()).isEmpty());
    }
}
