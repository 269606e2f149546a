package io.agentserver.pump.flow;

import io.agentserver.envelope.EnvelopeToken;
import io.agentserver.envelope.TenantId;
import io.agentserver.log.RecordMac;
import io.agentserver.pump.handler.Handlers;
import io.agentserver.pump.trace.Tracing;
import io.agentserver.service.FairGate;
import io.agentserver.service.PlatformKeys;
import io.agentserver.tenancy.TenantDirectory;

import java.time.Clock;
import java.time.Duration;
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

    /** As pump.yml has it. */
    private static final long HISTORY_BYTES = 64L * 1024 * 1024;

    /** What a pump runs: the flow of each message, and the two that bring back and stop. */
    public record Parts(MessageFlow flow, DueMessages due, RunningHandlers running) {}

    public Parts parts() {
        return parts(HISTORY_BYTES);
    }

    /** @param historyBytes of histories that handlers hold while they run, in all; twice as much if many tenants do */
    public Parts parts(long historyBytes) {
        return parts(
                new Patience(), new FairGate<>(PLACES, weights), new HistoryRoom(historyBytes), HandlerRuns.PARK_AFTER);
    }

    Parts parts(Patience patience, FairGate<TenantId> gate, HistoryRoom histories, Duration parkAfter) {
        EnvelopeToken tokens = new EnvelopeToken(clock);
        Outbox outbox = new TenantsOutbox(outbox(), tenants);
        Budget budget = new Budget(clock);
        DeadLetters deadLetters = new DeadLetters(outbox, clock, metrics, patience);
        Parkings parkings = new Parkings(buffer, patience);
        RunningHandlers running = new RunningHandlers(buffer);
        HandlerRuns runs =
                new HandlerRuns(handlers, tracing, budget, metrics, patience, parkings, running, parkAfter, clock);
        Emitter emitter = new Emitter(outbox, mac, tokens, keys.signing(), tracing, patience);
        MessageFlow flow = new MessageFlow(
                new LogReader(mac, tokens, LogReader.keys(keys, tenants)),
                organisms,
                buffer,
                new Work(runs, budget, buffer, patience),
                parkings,
                emitter,
                deadLetters,
                metrics,
                tracing,
                patience,
                histories,
                gate,
                clock);
        DueMessages due = new DueMessages(buffer, emitter, new FairGate<>(PLACES, weights));
        return new Parts(flow, due, running);
    }
}
