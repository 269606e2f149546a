package io.agentserver.billing.ledger;

import org.jspecify.annotations.Nullable;

/**
 * What an LLM call used, kept beside its postings.
 *
 * @param listener on whose behalf; null for a client's own call of the router
 * @param inputTokens 0 to 10<sup>12</sup>, as are the other counts; {@code cachedInputTokens} of them from a cache
 * @param cost what the provider takes, 0 to a million dollars
 * @param price what the tenant pays, likewise
 */
public record CallUsage(
        String model,
        @Nullable String listener,
        String provider,
        @Nullable String conversation,
        @Nullable String thread,
        @Nullable String message,
        long inputTokens,
        long cachedInputTokens,
        long outputTokens,
        boolean estimated,
        MicroUsd cost,
        MicroUsd price) {
    // past these a record is broken, not large: sums of a year of such calls still fit into a long
    private static final long MOST = 1_000_000_000_000L;
    private static final int LONGEST_NAME = 128;
    private static final int LONGEST_MODEL = 256;

    public CallUsage {
        named("model", model, LONGEST_MODEL);
        named("provider", provider, LONGEST_NAME);
        if (listener != null) {
            named("listener", listener, LONGEST_NAME);
        }
        bounded("input_tokens", inputTokens);
        bounded("cached_input_tokens", cachedInputTokens);
        bounded("output_tokens", outputTokens);
        bounded("cost_microusd", cost.value());
        bounded("price_microusd", price.value());
    }

    private static void named(String key, String value, int longest) {
        if (value.isBlank() || value.length() > longest) {
            throw new IllegalArgumentException(
                    key + ": a name of " + value.length() + " characters; 1 to " + longest + " are allowed");
        }
    }

    private static void bounded(String key, long value) {
        if (value < 0 || value > MOST) {
            throw new IllegalArgumentException(key + ": " + value + " is not between 0 and " + MOST);
        }
    }
}
