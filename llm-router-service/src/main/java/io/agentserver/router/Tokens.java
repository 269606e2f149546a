package io.agentserver.router;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

import java.util.Optional;

/**
 * What a call used.
 *
 * @param input all of the prompt, the cached part included
 * @param output all that was generated, reasoning included
 * @param estimated counted by us, because the provider did not say
 * @param written of the input, what the provider has put into its cache, which some charge more for
 */
record Tokens(long input, long cachedInput, long output, boolean estimated, long written) {
    /** More than any model can take. */
    private static final long ABSURD = 1_000_000_000;

    static final Tokens NONE = new Tokens(0, 0, 0, false);

    Tokens {
        if (input < 0 || output < 0 || cachedInput < 0 || written < 0 || cachedInput + written > input) {
            throw new IllegalArgumentException("tokens: input " + input + ", of it cached " + cachedInput
                    + " and written to the cache " + written + ", output " + output);
        }
    }

    Tokens(long input, long cachedInput, long output, boolean estimated) {
        this(input, cachedInput, output, estimated, 0);
    }

    /**
     * Reads OpenAI's {@code usage}; empty if there is none or it cannot be true. Some providers count reasoning in {@code
     * total_tokens} alone: what that has over the sum is output.
     */
    static Optional<Tokens> ofUsage(JsonNode usage) {
        long input = usage.path("prompt_tokens").asLong(-1);
        long output = usage.path("completion_tokens").asLong(-1);
        long total = usage.path("total_tokens").asLong(0);
        if (input >= 0 && output >= 0 && total > input && total <= ABSURD) {
            output = Math.max(output, total - input);
        }
        long cached = usage.path("prompt_tokens_details").path("cached_tokens").asLong(0);
        if (input < 0 || output < 0 || cached < 0 || cached > input) {
            return Optional.empty();
        }
        long written =
                usage.path("prompt_tokens_details").path("cache_write_tokens").asLong(0);
        return Optional.of(
                new Tokens(Math.min(input, ABSURD), Math.min(cached, ABSURD), Math.min(output, ABSURD), false)
                        .withWritten(written));
    }

    /** Reads the usage of embeddings, which are no tokens that come out. */
    static Optional<Tokens> ofEmbeddings(JsonNode usage) {
        long input = usage.path("prompt_tokens").asLong(-1);
        return input < 0 ? Optional.empty() : Optional.of(new Tokens(Math.min(input, ABSURD), 0, 0, false));
    }

    private Tokens withWritten(long told) {
        return new Tokens(input, cachedInput, output, estimated, Math.max(0, Math.min(told, input - cachedInput)));
    }

    /**
     * As much of it as a provider is believed, of a call that was held to come to {@code most}: tokenizers differ, and not
     * every server minds its limit, but a mistake of a provider's must not take a tenant's whole credit. Less than it says
     * is an estimate.
     */
    Tokens believed(long mostInput, long mostOutput) {
        long in = Math.min(input, 20 * mostInput + 10_000);
        long out = Math.min(output, 10 * mostOutput + 1_000);
        return in == input && out == output
                ? this
                : new Tokens(in, Math.min(cachedInput, in), out, true).withWritten(written);
    }

    /**
     * What a provider said at an answer's beginning, of which we have counted more since: of the prompt it knows best, what was
     * cached and written included.
     */
    Tokens saying(Tokens counted) {
        return input == 0
                ? max(counted)
                : new Tokens(input, cachedInput, Math.max(output, counted.output), true).withWritten(written);
    }

    /** The larger of each, as an estimate. */
    Tokens max(Tokens other) {
        return new Tokens(
                        Math.max(input, other.input),
                        Math.min(cachedInput, other.cachedInput),
                        Math.max(output, other.output),
                        true)
                .withWritten(Math.min(written, other.written));
    }

    /** As OpenAI's {@code usage}. */
    ObjectNode toUsage() {
        ObjectNode usage = Json.object()
                .put("prompt_tokens", input)
                .put("completion_tokens", output)
                .put("total_tokens", input + output);
        ObjectNode details = usage.putObject("prompt_tokens_details").put("cached_tokens", cachedInput);
        if (written > 0) {
            details.put("cache_write_tokens", written);
        }
        return usage;
    }
}
