package io.agentserver.pump.flow;

import io.agentserver.envelope.TenantId;
import io.agentserver.service.FairGate;

/** The hold of a message that is inside a gate: its pauses give the place to others. */
record GatedHold(FairGate<TenantId> gate, TenantId tenant, Hold hold) implements Hold {
    @Override
    public boolean isLetGo() {
        return hold.isLetGo();
    }

    @Override
    public Pause pause() {
        gate.leave();
        return () -> gate.enter(tenant);
    }

    @Override
    public void detach() {
        hold.detach();
    }
}
