package io.agentserver.pump.flow;

import io.agentserver.envelope.TenantId;
import io.agentserver.service.FairGate;

import java.time.Duration;

/**
 * The hold of a message that is inside a gate: its pauses give the place to others, at once or when they turn out to be long.
 *
 * @param waits one for each gate
 */
record GatedHold(FairGate<TenantId> gate, LongWaits waits, TenantId tenant, Hold hold) implements Hold {
    /**
     * Many times what a step takes when all is well: until then the place bounds what stores and log have to do at once. A tenant
     * whose log cannot be written keeps a place for so long with each message, and no longer.
     */
    private static final Duration LONG = Duration.ofMillis(100);

    static LongWaits longWaits() {
        return new LongWaits(LONG);
    }

    @Override
    public boolean isLetGo() {
        return hold.isLetGo();
    }

    @Override
    public Pause pause() {
        Pause outer = hold.pause();
        gate.leave();
        return () -> {
            gate.enter(tenant);
            outer.close();
        };
    }

    @Override
    public Pause pauseIfLong() {
        LongWaits.Wait wait = waits.begin(gate::leave);
        return () -> {
            if (wait.end()) {
                gate.enter(tenant);
            }
        };
    }

    @Override
    public void whenLetGo(Runnable stop) {
        hold.whenLetGo(stop);
    }

    @Override
    public void detach() {
        hold.detach();
    }
}
