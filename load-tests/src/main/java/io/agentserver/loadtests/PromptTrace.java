package io.agentserver.loadtests;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;

/**
 * The model calls of a tenant's agents, as a list, from a seed. An agent works on a <em>task</em> in sessions of {@code steps}
 * calls, each with all of the session before it. Which task a session is for follows Zipf's law: the k-th most frequent of {@code
 * tasks} comes with a probability in proportion to {@code 1/k^skew}. At each step what comes from outside (a person's words, a tool's
 * output) is new with a probability of {@code fresh}; from there on this session has nothing in common with another. Otherwise it
 * is what that task's sessions always have there. So the n-th step of a session is a repeat with {@code (1-fresh)^n} times the
 * probability that a session of its task has come so far before.
 *
 * <p>Sessions of the same agent interleave: {@code atOnce} are open, and which of them goes on is drawn evenly.
 */
final class PromptTrace {
    private final Shape shape;
    private final Random random;
    private final double[] cumulated;
    private final List<Call> calls = new ArrayList<>();
    private final List<Session> open = new ArrayList<>();
    private int sessions;

    /**
     * @param calls of the whole trace
     * @param fresh 0 to 1
     * @param atOnce open sessions
     */
    record Shape(int calls, int tasks, double skew, int steps, double fresh, int atOnce, long seed) {
        Shape {
            if (calls < 1 || tasks < 1 || steps < 1 || atOnce < 1 || skew < 0 || fresh < 0 || fresh > 1) {
                throw new WrongArguments("no such trace: " + calls + " calls of " + tasks + " tasks, skew " + skew
                        + ", " + steps + " steps, " + fresh + " fresh, " + atOnce + " at once");
            }
        }
    }

    /**
     * @param messages the members of a request's {@code messages}; the same text for the same call
     * @param repeat the same call comes earlier in the trace
     */
    record Call(String messages, boolean repeat) {}

    private static final class Session {
        final int task;
        final StringBuilder messages;
        int step;

        Session(int task, long seed) {
            this.task = task;
            this.messages = new StringBuilder(message(
                    "system",
                    "You are the clerk of shop " + seed // a shop of its own: no other trace has a call of this one
                            + ". Look up what you need, one step at a time, and answer in one sentence."));
        }
    }

    private PromptTrace(Shape shape) {
        this.shape = shape;
        this.random = new Random(shape.seed());
        this.cumulated = new double[shape.tasks()];
        double sum = 0;
        for (int k = 0; k < cumulated.length; k++) {
            sum += 1 / Math.pow(k + 1, shape.skew());
            cumulated[k] = sum;
        }
    }

    static List<Call> of(Shape shape) {
        return new PromptTrace(shape).calls();
    }

    private List<Call> calls() {
        Set<String> seen = new HashSet<>();
        while (calls.size() < shape.calls()) {
            while (open.size() < shape.atOnce()) {
                open.add(new Session(task(), shape.seed()));
                sessions++;
            }
            int which = random.nextInt(open.size());
            Session session = open.get(which);
            String messages = next(session);
            calls.add(new Call(messages, !seen.add(messages)));
            if (session.step == shape.steps()) {
                open.remove(which);
            }
        }
        return List.copyOf(calls);
    }

    private int task() {
        double drawn = random.nextDouble() * cumulated[cumulated.length - 1];
        int found = Arrays.binarySearch(cumulated, drawn);
        return found < 0 ? -found - 1 : found;
    }

    private String next(Session session) {
        session.step++;
        String input = "task " + session.task + ", step " + session.step;
        if (random.nextDouble() < shape.fresh()) {
            input += ", of session " + sessions + "." + random.nextInt(1_000_000) + " alone";
        }
        session.messages.append(',').append(message("user", "Input of " + input + ": " + filler(session)));
        String asked = session.messages.toString();
        session.messages.append(',').append(message("assistant", "Noted: step " + session.step + " is done."));
        return asked;
    }

    /** Prompts of agents are long: some hundred tokens a step. */
    private static String filler(Session session) {
        return ("the order of customer " + session.task + " has these lines. ").repeat(8 + session.task % 8);
    }

    private static String message(String role, String content) {
        return "{\"role\":\"" + role + "\",\"content\":\"" + content + "\"}";
    }
}
