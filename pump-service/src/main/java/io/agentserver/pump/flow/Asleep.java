package io.agentserver.pump.flow;

import io.agentserver.buffer.v1.Parking;

/** Nothing yet: the message sleeps until its time. */
record Asleep(Parking parking) implements Handled {}
