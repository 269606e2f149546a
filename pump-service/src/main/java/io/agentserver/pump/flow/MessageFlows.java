package io.agentserver.pump.flow;

import io.agentserver.envelope.EnvelopeToken;
import io.agentserver.envelope.TenantId;
import io.agentserver.log.RecordMac;
import io.agentserver.pump.handler.Handlers;
import io.agentserver.pump.trace.Tracing;
import io.agentserver.service.PlatformKeys;
import io.agentserver.tenancy.TenantDirectory;

import java.time.Clock;
import java.util.function.ToIntFunction;

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
        ToIntFunction<TenantId> weights,
        Clock clock) {
    /**
     * Messages that are worked on at once. While one waits for its store or its log others keep the cores busy; many more
     * would only make each slower, and whoever comes next wait for them.
     */
    private static final int PLACES = Math.max(16, 8 * Runtime.getRuntime().availableProcessors());

    public MessageFlow flow() {
        return flow(new Patience(), new FairGate(PLACES, weights));
    }

    MessageFlow flow(Patience patience, FairGate gate) {
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
                gate,
                clock);
    }
}
