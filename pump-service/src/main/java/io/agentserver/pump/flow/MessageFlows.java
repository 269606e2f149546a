package io.agentserver.pump.flow;

import io.agentserver.envelope.EnvelopeToken;
import io.agentserver.log.RecordMac;
import io.agentserver.pump.handler.Handlers;
import io.agentserver.pump.trace.Tracing;
import io.agentserver.service.PlatformKeys;
import io.agentserver.tenancy.TenantDirectory;

import java.time.Clock;

/** Puts a {@link MessageFlow} together from what it reaches the world with. */
public record MessageFlows(
        PlatformKeys keys,
        RecordMac mac,
        TenantDirectory tenants,
        Organisms organisms,
        ThreadBuffer buffer,
        Outbox outbox,
        Handlers handlers,
        PumpMetrics metrics,
        Tracing tracing,
        Clock clock) {
    public MessageFlow flow() {
        return flow(new Patience());
    }

    MessageFlow flow(Patience patience) {
        EnvelopeToken tokens = new EnvelopeToken(clock);
        Budget budget = new Budget(clock);
        DeadLetters deadLetters = new DeadLetters(outbox, clock, metrics, patience);
        HandlerRuns runs = new HandlerRuns(handlers, tracing, budget, metrics, patience, clock);
        return new MessageFlow(
                new LogReader(mac, tokens, LogReader.keys(keys, tenants)),
                organisms,
                buffer,
                new Work(runs, budget, buffer, patience),
                new Emitter(outbox, mac, tokens, keys.signing(), tracing, patience),
                deadLetters,
                metrics,
                tracing,
                patience,
                clock);
    }
}
