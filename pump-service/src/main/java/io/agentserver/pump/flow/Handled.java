package io.agentserver.pump.flow;

/** What came of handling a message: the journal gets it. */
sealed interface Handled permits Completion, Asleep {}
