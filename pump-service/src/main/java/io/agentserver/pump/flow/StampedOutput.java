package io.agentserver.pump.flow;

import com.google.protobuf.ByteString;
import io.agentserver.buffer.v1.Kind;
import io.agentserver.buffer.v1.Output;
import io.agentserver.envelope.Envelope;
import io.agentserver.envelope.ThreadId;

/** An output with all that the pump gives it, unsigned. */
record StampedOutput(Kind kind, ThreadId thread, Envelope envelope) {
    Output toProto() {
        return Output.newBuilder()
                .setKind(kind)
                .setMessage(envelope.meta().requiredId().toString())
                .setThread(thread.toString())
                .setFrom(envelope.meta().from())
                .setTo(String.valueOf(envelope.meta().to()))
                .setRoot(envelope.root().name())
                .setEnvelope(envelope.xml())
                .setDigest(ByteString.copyFrom(envelope.digest()))
                .build();
    }
}
