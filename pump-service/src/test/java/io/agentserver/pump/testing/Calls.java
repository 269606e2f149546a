package io.agentserver.pump.testing;

import io.agentserver.buffer.v1.Slot;
import io.agentserver.envelope.Envelope;
import io.agentserver.envelope.EnvelopeDocument;
import io.agentserver.envelope.MessageId;
import io.agentserver.envelope.Meta;
import io.agentserver.envelope.Reading;
import io.agentserver.envelope.TenantId;
import io.agentserver.envelope.ThreadId;
import io.agentserver.organism.Organism;
import io.agentserver.organism.OrganismParser;
import io.agentserver.organism.Parsed;
import io.agentserver.pump.handler.HandlerCall;
import io.agentserver.pump.handler.Handlers;
import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Set;

/** Organisms from YAML, envelopes from payloads, calls of handlers. */
public final class Calls {
    public static final TenantId DEMO = new TenantId("demo");
    public static final ThreadId ROOT = ThreadId.parse("0199c0de-7a11-7000-8000-000000000001");
    public static final MessageId MESSAGE = MessageId.parse("0199c0de-7a11-7000-8000-0000000000aa");

    public static final Instant ANSWER_BY = Instant.parse("2026-01-01T10:00:00Z");
    public static final Duration LONGEST_WAIT = Duration.ofHours(23);

    public static final String HELLO = """
            organism: {name: hello-world}
            listeners:
              - name: greeter
                description: Greets a person warmly.
                agent: true
                handler: llm
                payload: {root: Greeting, fields: {Name: string}}
                peers: [{name: shouter, hand_over: true}]
                prompt: You are a friendly greeter. Keep it short.
              - name: shouter
                description: Repeats a greeting in capitals.
                handler: builtin:upper
                payload: {root: GreetingResponse, fields: {Message: string, OriginalSender: string}}
                response: {root: ShoutedResponse, fields: {Message: string}}
            """;

    private Calls() {}

    public static Organism organism(String yaml) {
        return switch (new OrganismParser(Handlers.builtinNames(), Set.of()).parse(yaml)) {
            case Parsed.Valid(Organism organism) -> organism;
            case Parsed.Invalid invalid ->
                throw new IllegalArgumentException(invalid.errors().toString());
        };
    }

    /** From a client, in the root thread. */
    public static Envelope fromClient(@Nullable String to, String payload) {
        return envelope(new Meta("console", to, ROOT, MESSAGE, null, null, null, null), payload);
    }

    /** An output of the platform's. */
    public static Envelope output(
            String from, String to, ThreadId thread, MessageId id, MessageId cause, String payload) {
        return envelope(Meta.ofOutput(from, to, thread, id, ROOT, MESSAGE, cause), payload);
    }

    public static Envelope envelope(Meta meta, String payload) {
        return switch (EnvelopeDocument.make(meta, payload)) {
            case Reading.Read(EnvelopeDocument document) -> document.toEnvelope();
            case Reading.Malformed(String reason) -> throw new IllegalArgumentException(reason);
            case Reading.Invalid(String pointer, String reason) ->
                throw new IllegalArgumentException(pointer + ": " + reason);
            case Reading.TooLarge(int limit) -> throw new IllegalArgumentException("over " + limit);
        };
    }

    public static HandlerCall call(
            Organism organism, String listener, Envelope message, String caller, List<Slot> history) {
        return new HandlerCall(
                DEMO,
                ROOT,
                message.meta().requiredThread(),
                MESSAGE,
                message,
                organism.listener(listener).orElseThrow(),
                organism,
                caller,
                history,
                Duration.ofSeconds(5),
                1,
                ANSWER_BY,
                LONGEST_WAIT,
                null);
    }

    public static HandlerCall call(Organism organism, String listener, String payload) {
        return call(organism, listener, fromClient(listener, payload), "console", List.of());
    }

    public static Slot slot(Envelope envelope, String note) {
        Meta meta = envelope.meta();
        return Slot.newBuilder()
                .setMessage(meta.requiredId().toString())
                .setThread(meta.requiredThread().toString())
                .setFrom(meta.from())
                .setTo(String.valueOf(meta.to()))
                .setCause(meta.cause() == null ? "" : String.valueOf(meta.cause()))
                .setRoot(envelope.root().name())
                .setEnvelope(envelope.xml())
                .setNote(note)
                .build();
    }
}
