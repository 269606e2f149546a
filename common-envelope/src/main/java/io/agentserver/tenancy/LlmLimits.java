package io.agentserver.tenancy;

import com.fasterxml.jackson.annotation.JsonIgnore;
import com.fasterxml.jackson.annotation.JsonProperty;

/**
 * How much a tenant may ask of all LLM routers together. A minute is any 60 s.
 *
 * @param requests calls that begin in a minute, 0 to 1,000,000,000; 0: as many as it likes, as with the others
 * @param tokens that they may use, prompt and answer; a call that runs counts with the most that it may use
 * @param concurrent calls that run at once
 * @param shadow what is over a limit is counted and let in
 */
public record LlmLimits(
        @JsonProperty("requests_per_minute") int requests,
        @JsonProperty("tokens_per_minute") int tokens,
        int concurrent,
        boolean shadow) {
    public static final int MOST = 1_000_000_000;

    public static final LlmLimits NONE = new LlmLimits(0, 0, 0, false);

    public LlmLimits {
        within("requests_per_minute", requests);
        within("tokens_per_minute", tokens);
        within("concurrent", concurrent);
    }

    @JsonIgnore
    public boolean isNone() {
        return requests == 0 && tokens == 0 && concurrent == 0;
    }

    private static void within(String name, int limit) {
        if (limit < 0 || limit > MOST) {
            throw new IllegalArgumentException(name + ": must be 1 to " + MOST + ", or 0 for no limit");
        }
    }
}
