package io.agentserver.pump.flow;

import io.agentserver.buffer.v1.AwaitedReply;
import io.agentserver.buffer.v1.AwaitedRequest;
import io.agentserver.buffer.v1.BeginReply;
import io.agentserver.buffer.v1.BeginRequest;
import io.agentserver.buffer.v1.CompleteReply;
import io.agentserver.buffer.v1.CompleteRequest;
import io.agentserver.buffer.v1.DueReply;
import io.agentserver.buffer.v1.DueRequest;
import io.agentserver.buffer.v1.ParkReply;
import io.agentserver.buffer.v1.ParkRequest;
import io.agentserver.buffer.v1.ReadReply;
import io.agentserver.buffer.v1.ReadRequest;
import io.agentserver.buffer.v1.Stop;

import java.util.function.Consumer;

/** Another buffer, but for what a test overrides. */
class ForwardingBuffer implements ThreadBuffer {
    private final ThreadBuffer other;

    ForwardingBuffer(ThreadBuffer other) {
        this.other = other;
    }

    @Override
    public BeginReply begin(BeginRequest request) {
        return other.begin(request);
    }

    @Override
    public CompleteReply complete(CompleteRequest request) {
        return other.complete(request);
    }

    @Override
    public ReadReply read(ReadRequest request) {
        return other.read(request);
    }

    @Override
    public ParkReply park(ParkRequest request) {
        return other.park(request);
    }

    @Override
    public DueReply due(DueRequest request) {
        return other.due(request);
    }

    @Override
    public AwaitedReply awaited(AwaitedRequest request) {
        return other.awaited(request);
    }

    @Override
    public void stops(Consumer<Stop> listener) {
        other.stops(listener);
    }
}
