package io.agentserver.standalone.simulation;

import io.agentserver.buffer.v1.AnswerOutcome;
import io.agentserver.envelope.MessageId;
import io.agentserver.envelope.ThreadId;
import io.agentserver.pump.handler.HandlerCall;
import io.agentserver.pump.handler.HandlerResult;
import io.agentserver.pump.handler.MessageHandler;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;

/**
 * Services that answer 202 to what they are handed, and say later what they have to say: before the pump has put the message to
 * sleep, after its time, twice, two different things, or although they have answered at once; by way of gateways that may be
 * killed. Keeps book of what they were told.
 */
final class SimulatedServices implements MessageHandler {
    private static final int MOST_TASKS = 12;
    private static final String AT_ONCE = filed("at once");

    private final SimulatedBuffer buffer;
    private final Random random;
    private final Map<String, Asked> asked = new LinkedHashMap<>();
    private final List<Baton.Task> tasks = new ArrayList<>();
    private final List<String> faults = new ArrayList<>();

    /** One message, however often it was handed over. */
    private static final class Asked {
        final ThreadId conversation;
        final ThreadId thread;
        final MessageId message;
        final String answer;
        /** Of the registrar: it answers before all is at rest, and says one thing. */
        final boolean reliable;
        /** Some of the clerk's, which are answered later nevertheless: the first word counts. */
        final boolean answersAtOnce;

        String taken = "";
        boolean gone;

        Asked(HandlerCall call) {
            conversation = call.conversation();
            thread = call.thread();
            message = call.id();
            answer = filed(Handling.text(call.message().payload()));
            reliable = call.listener().name().equals("registrar");
            answersAtOnce = !reliable && message.value().getLeastSignificantBits() % 3 == 0;
        }
    }

    SimulatedServices(SimulatedBuffer buffer, Random random) {
        this.buffer = buffer;
        this.random = random;
    }

    static String filed(String text) {
        return "<Filed><Text>" + text + "</Text></Filed>";
    }

    @Override
    public boolean isInstant() {
        return true;
    }

    @Override
    public HandlerResult handle(HandlerCall call) {
        Asked what = asked.computeIfAbsent(call.thread() + "/" + call.id(), _ -> new Asked(call));
        if (random.nextInt(3) == 0) {
            answerLater(what); // perhaps before the pump hears of the 202
        }
        return what.answersAtOnce ? HandlerResult.respond(AT_ONCE) : new HandlerResult.Awaiting(call.answerBy());
    }

    /** One of them has made up its mind. */
    void answerOne() {
        if (!asked.isEmpty()) {
            List<Asked> all = List.copyOf(asked.values());
            answerLater(all.get(random.nextInt(all.size())));
        }
    }

    /** A gateway dies, and with it what it was told. */
    void kill() {
        if (!tasks().isEmpty()) {
            tasks.get(random.nextInt(tasks.size())).kill();
        }
    }

    List<Baton.Task> tasks() {
        tasks.removeIf(Baton.Task::hasEnded);
        return tasks;
    }

    /** Those that do so in any case. @return whether there was anything left to say */
    boolean answerReliably() {
        List<Asked> left = asked.values().stream()
                .filter(what -> what.reliable && what.taken.isEmpty() && !what.gone)
                .toList();
        left.forEach(what -> answer(what, what.answer));
        return !left.isEmpty();
    }

    /** What a message comes to that no late answer was taken of, if it is not given up. */
    Optional<String> saidAtOnce(String message) {
        return asked.values().stream()
                .filter(what -> what.message.toString().equals(message) && what.answersAtOnce)
                .findFirst()
                .map(_ -> AT_ONCE);
    }

    /** What was said to be taken of a message's answers. */
    Optional<String> takenOf(String message) {
        return asked.values().stream()
                .filter(what -> what.message.toString().equals(message) && !what.taken.isEmpty())
                .findFirst()
                .map(what -> what.taken);
    }

    List<String> faults() {
        return faults;
    }

    private void answerLater(Asked what) {
        String content = what.reliable || random.nextInt(4) > 0 ? what.answer : filed("something else");
        if (tasks().size() < MOST_TASKS) {
            tasks.add(new Baton.Task(() -> answer(what, content)));
        }
    }

    private void answer(Asked what, String content) {
        AnswerOutcome outcome = buffer.answer(what.conversation, what.thread, what.message, content);
        switch (outcome) {
            case ANSWER_TAKEN, ANSWER_REPEATED -> {
                expect(Set.of("", content).contains(what.taken), "two answers were taken", what);
                what.taken = content;
            }
            case ANSWER_DIFFERS -> expect(!content.equals(what.taken), "the one that was taken differs", what);
            case ANSWER_TOO_LATE -> {
                expect(what.taken.isEmpty(), "it was taken, and then too late", what);
                what.gone = true;
            }
            case ANSWER_UNKNOWN, ANSWER_OUTCOME_UNSPECIFIED, UNRECOGNIZED ->
                expect(false, "the journal says " + outcome, what);
        }
    }

    private void expect(boolean holds, String fault, Asked what) {
        if (!holds) {
            faults.add("late answer to " + what.message + ": " + fault);
        }
    }
}
