package io.agentserver.pump.handler;

import java.util.ArrayList;
import java.util.List;

/**
 * What handling a message consumed.
 *
 * @param note the model's text around its calls; empty: none
 */
public record Spent(List<ModelCall> calls, String note) {
    public static final Spent NOTHING = new Spent(List.of(), "");

    /** One LLM call; {@code receipt} is its name on the bill. */
    public record ModelCall(String receipt, long inputTokens, long outputTokens) {
        public ModelCall {
            if (inputTokens < 0 || outputTokens < 0) {
                throw new IllegalArgumentException(
                        "tokens of call " + receipt + " are negative: " + inputTokens + ", " + outputTokens);
            }
        }
    }

    public Spent {
        calls = List.copyOf(calls);
    }

    public Spent and(ModelCall call) {
        List<ModelCall> more = new ArrayList<>(calls);
        more.add(call);
        return new Spent(more, note);
    }

    /** With an earlier run's. A repeated call has the same receipt and is one call. */
    public Spent after(Spent earlier) {
        List<ModelCall> all = new ArrayList<>(earlier.calls);
        for (ModelCall call : calls) {
            if (all.stream().noneMatch(known -> known.receipt().equals(call.receipt()))) {
                all.add(call);
            }
        }
        return new Spent(all, note);
    }

    public Spent withNote(String text) {
        return new Spent(calls, text);
    }

    public long inputTokens() {
        return calls.stream().mapToLong(ModelCall::inputTokens).sum();
    }

    public long outputTokens() {
        return calls.stream().mapToLong(ModelCall::outputTokens).sum();
    }

    public List<String> receipts() {
        return calls.stream().map(ModelCall::receipt).distinct().toList();
    }
}
