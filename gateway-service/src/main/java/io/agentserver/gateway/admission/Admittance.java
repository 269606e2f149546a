package io.agentserver.gateway.admission;

import io.agentserver.envelope.MessageId;
import io.agentserver.envelope.ThreadId;
import io.agentserver.gateway.problems.Problem;
import io.agentserver.tenancy.TenantEntry;

/** What came of a client's message. */
public sealed interface Admittance {
    /** The log has it, now or since an earlier try. */
    record Admitted(TenantEntry tenant, ThreadId thread, MessageId message) implements Admittance {}

    /** It is not on the log; or, if the problem is {@code unavailable}, perhaps it is. */
    record Declined(Problem problem) implements Admittance {}
}
