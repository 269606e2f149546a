package io.agentserver.standalone.simulation;

import io.agentserver.buffer.v1.Slot;
import io.agentserver.envelope.EnvelopeDocument;
import io.agentserver.pump.handler.HandlerCall;
import io.agentserver.pump.handler.HandlerOutput;
import io.agentserver.pump.handler.HandlerResult;
import io.agentserver.pump.handler.MessageHandler;
import io.agentserver.pump.handler.Spent;

import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What stands in for the model: it fans out, joins, hands over, by the text that it is given. */
final class Handling implements MessageHandler {
    static final String ORGANISM = """
            organism: {name: simulated}
            listeners:
              - {name: echo, description: Says it again., handler: 'builtin:echo', payload: {root: Say, fields: {Text: string}}}
              - {name: alarm, description: Rings., handler: 'builtin:timer', payload: {root: Alarm, fields: {After: string, Text: string}}, response: {root: Ring, fields: {Text: string}}}
              - {name: boss, description: Asks several., agent: true, handler: llm, prompt: Ask., payload: {root: Plan, fields: {Text: string, Count: int}}, peers: [echo, alarm, registrar], history: {slots: 60}}
              - {name: porter, description: Hands over., agent: true, handler: llm, prompt: Hand over., payload: {root: Parcel, fields: {Text: string}}, peers: [{name: echo, hand_over: true}]}
              - {name: napper, description: Sleeps before each answer., agent: true, handler: llm, prompt: Ask., join: each, payload: {root: Nap, fields: {Text: string, Count: int}}, peers: [echo, alarm, registrar], history: {slots: 60}}
              - {name: each, description: Answers the first., agent: true, handler: llm, prompt: Ask., join: each, payload: {root: Race, fields: {Text: string, Count: int}}, peers: [echo, alarm, registrar], history: {slots: 60}}
              - {name: registrar, description: Files things some time., handler: http, url: 'https://registrar.example/', secret: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw, payload: {root: File, fields: {Text: string}}, response: {root: Filed, fields: {Text: string}}}
              - {name: clerk, description: Files things in 5 s or not at all., handler: http, url: 'https://clerk.example/', secret: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw, timeout: 5s, payload: {root: Form, fields: {Text: string}}, response: {root: Filed, fields: {Text: string}}}
            """;

    private static final Pattern TEXT = Pattern.compile("<Text>([^<]*)</Text>");
    private static final Pattern COUNT = Pattern.compile("<Count>(\\d+)</Count>");

    private final Clock clock;

    Handling(Clock clock) {
        this.clock = clock;
    }

    @Override
    public boolean isInstant() {
        return true;
    }

    @Override
    public HandlerResult handle(HandlerCall call) {
        String root = call.message().root().name();
        String payload = call.message().payload();
        return switch (root) {
            case "Parcel" -> done(new HandlerOutput.HandOver("echo", "<Say><Text>" + text(payload) + "</Text></Say>"));
            case "Plan", "Race", "Nap" -> fanOut(text(payload), count(payload));
            default -> call.listener().name().equals("napper") ? nap(call) : join(call);
        };
    }

    private static HandlerResult fanOut(String text, int count) {
        List<HandlerOutput> calls = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            if (i == 3) {
                calls.add(new HandlerOutput.Forward("registrar", "<File><Text>" + text + "." + i + "</Text></File>"));
                continue;
            }
            calls.add(
                    i % 3 == 2
                            ? new HandlerOutput.Forward(
                                    "alarm",
                                    "<Alarm><After>" + i + "s</After><Text>" + text + "." + i + "</Text></Alarm>")
                            : new HandlerOutput.Forward("echo", "<Say><Text>" + text + "." + i + "</Text></Say>"));
        }
        return new HandlerResult.Done(calls, Spent.NOTHING);
    }

    /** Sleeps at each answer, while the others wait; answers when it has all. */
    private HandlerResult nap(HandlerCall call) {
        if (call.waitedUntil() == null) {
            return new HandlerResult.Later(clock.instant().plusMillis(700), Spent.NOTHING);
        }
        int awaited = 0;
        for (Slot slot : call.history()) {
            awaited = slot.getRoot().equals("Nap")
                    ? count(EnvelopeDocument.readOwn(slot.getEnvelope()).payload())
                    : slot.getFrom().equals("napper") ? awaited : awaited - 1;
        }
        return awaited == 1 ? join(call) : new HandlerResult.Done(List.of(), Spent.NOTHING);
    }

    /** Of the answers since the last plan, this one included, in the order of their numbers. */
    private static HandlerResult join(HandlerCall call) {
        List<String> answers = new ArrayList<>();
        for (Slot slot : call.history()) {
            if (List.of("Plan", "Race", "Nap").contains(slot.getRoot())) {
                answers.clear();
            } else if (!slot.getFrom().equals(call.listener().name())) {
                answers.add(text(EnvelopeDocument.readOwn(slot.getEnvelope()).payload()));
            }
        }
        answers.add(text(call.message().payload()));
        answers.sort(null);
        return done(new HandlerOutput.Respond("<answer>" + String.join(",", answers) + "</answer>"));
    }

    private static HandlerResult done(HandlerOutput output) {
        return new HandlerResult.Done(List.of(output), Spent.NOTHING);
    }

    static String text(String payload) {
        Matcher matcher = TEXT.matcher(payload);
        return matcher.find() ? matcher.group(1) : "";
    }

    private static int count(String payload) {
        Matcher matcher = COUNT.matcher(payload);
        return matcher.find() ? Integer.parseInt(matcher.group(1)) : 0;
    }
}
