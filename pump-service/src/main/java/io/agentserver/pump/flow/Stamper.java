package io.agentserver.pump.flow;

import io.agentserver.buffer.v1.Kind;
import io.agentserver.envelope.Envelope;
import io.agentserver.envelope.EnvelopeDocument;
import io.agentserver.envelope.EnvelopeNames;
import io.agentserver.envelope.Meta;
import io.agentserver.envelope.ThreadId;
import io.agentserver.organism.Listener;
import io.agentserver.organism.PayloadType;
import io.agentserver.pump.handler.HandlerOutput;
import io.agentserver.pump.handler.SystemErrors;
import io.agentserver.pump.handler.SystemErrors.Code;
import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.List;

/**
 * Makes envelopes of a handler's outputs: sender, thread, ids and receiver are the pump's to say (CONTRACTS 4). An output's id
 * is UUIDv5 of its cause's and its ordinal, so the same handling always stamps the same. Pure.
 */
final class Stamper {
    private static final int MOST_OUTPUTS = 32;
    private static final int MOST_BYTES = Outbox.MOST_BYTES / 2; // the log takes it whole, with signature and headers

    private Stamper() {}

    sealed interface Stamping {
        record Stamped(List<StampedOutput> outputs) implements Stamping {
            public Stamped {
                outputs = List.copyOf(outputs);
            }
        }

        record Unfit(Code code, String message) implements Stamping {}
    }

    static Stamping stamp(Step step, List<HandlerOutput> outputs) {
        if (outputs.size() > MOST_OUTPUTS) {
            return new Stamping.Unfit(Code.HANDLER, "more than " + MOST_OUTPUTS + " outputs");
        }
        if (outputs.size() > 1 && outputs.stream().anyMatch(o -> !(o instanceof HandlerOutput.Forward))) {
            return new Stamping.Unfit(Code.HANDLER, "a response or a hand-over beside other outputs");
        }
        List<StampedOutput> stamped = new ArrayList<>();
        long bytes = 0;
        for (HandlerOutput output : outputs) {
            Address address = address(step, output, stamped.size());
            if (address == null) {
                return new Stamping.Unfit(Code.ROUTING, SystemErrors.UNREACHABLE);
            }
            Envelope envelope =
                    envelope(step, address, output.payload(), step.target().name(), stamped.size());
            if (envelope == null || !fits(step, output, address, envelope)) {
                return new Stamping.Unfit(Code.VALIDATION, "an output is not valid for its receiver");
            }
            bytes += envelope.bytes().length;
            stamped.add(new StampedOutput(address.kind(), address.thread(), envelope));
        }
        return bytes > MOST_BYTES
                ? new Stamping.Unfit(Code.HANDLER, "the outputs are over 1 MiB together")
                : new Stamping.Stamped(stamped);
    }

    /** The platform's answer to this thread's caller, in the handler's place. */
    static StampedOutput fromCore(Step step, String payload) {
        return own(
                step, new Address(Kind.RESPOND, callerThread(step), step.begun().getCaller()), payload);
    }

    /** The platform's answer to the client, from wherever in the conversation. */
    static StampedOutput toClient(Step step, String client, String payload) {
        return own(step, new Address(Kind.RESPOND, step.conversation(), client), payload);
    }

    private static StampedOutput own(Step step, Address address, String payload) {
        Envelope envelope = envelope(step, address, payload, SystemErrors.SENDER, 0);
        if (envelope == null) {
            throw new IllegalStateException("the platform's own answer is no XML element");
        }
        return new StampedOutput(address.kind(), address.thread(), envelope);
    }

    private record Address(Kind kind, ThreadId thread, String to) {}

    /** Null: not to be reached from here. */
    private static @Nullable Address address(Step step, HandlerOutput output, int ordinal) {
        return switch (output) {
            case HandlerOutput.Respond _ ->
                new Address(Kind.RESPOND, callerThread(step), step.begun().getCaller());
            case HandlerOutput.Forward forward ->
                mayReach(step, forward.to())
                        ? new Address(
                                Kind.FORWARD,
                                forward.to().equals(step.target().name())
                                        ? step.thread()
                                        : step.thread().child(step.id().output(ordinal)),
                                forward.to())
                        : null;
            case HandlerOutput.HandOver handOver ->
                mayReach(step, handOver.to())
                        ? new Address(
                                Kind.HAND_OVER,
                                ThreadId.parse(step.begun().getParentThread())
                                        .child(step.id().output(ordinal)),
                                handOver.to())
                        : null;
        };
    }

    private static boolean mayReach(Step step, String to) {
        return step.organism().listener(to).isPresent()
                && switch (step.target()) {
                    case Target.One(Listener listener) ->
                        to.equals(listener.name()) || listener.peer(to).isPresent();
                    case Target.Broadcast(List<Listener> takers) ->
                        takers.stream().anyMatch(taker -> taker.name().equals(to));
                    case Target.BroadcastAnswer _, Target.Nobody _ -> false;
                };
    }

    private static ThreadId callerThread(Step step) {
        return ThreadId.parse(step.begun().getCallerThread());
    }

    /** Null: the payload is not one XML element within an envelope's limits. */
    private static @Nullable Envelope envelope(Step step, Address address, String payload, String from, int ordinal) {
        Meta meta = Meta.ofOutput(
                from,
                address.to(),
                address.thread(),
                step.id().output(ordinal),
                step.conversation(),
                step.turn(),
                step.id());
        return EnvelopeDocument.stamp(meta, payload).orElse(null);
    }

    private static boolean fits(Step step, HandlerOutput output, Address address, Envelope envelope) {
        return switch (output) {
            case HandlerOutput.Forward _, HandlerOutput.HandOver _ ->
                step.organism()
                        .listener(address.to())
                        .map(callee ->
                                callee.payload().validate(envelope.payload()).isEmpty())
                        .orElse(false);
            case HandlerOutput.Respond _ -> fitsResponse(step, envelope);
        };
    }

    /** A declared response is held to; a model may also answer in plain text. */
    private static boolean fitsResponse(Step step, Envelope envelope) {
        PayloadType declared = step.target() instanceof Target.One(Listener listener) ? listener.response() : null;
        String root = envelope.root().name();
        String namespace = envelope.root().namespace();
        if ((namespace.equals(EnvelopeNames.CORE) && root.equals("huh"))
                || (namespace.isEmpty() && root.equals("SystemError"))) {
            return false; // the platform's own words
        }
        return declared == null
                || (namespace.isEmpty() && root.equals("answer") && !declared.hasRoot("answer", ""))
                || declared.validate(envelope.payload()).isEmpty();
    }
}
