package io.agentserver.router;

import io.agentserver.credit.Hold;
import org.jspecify.annotations.Nullable;

/**
 * What a model costs, each in micro-US-dollars for a million tokens, and what has to be known to estimate its tokens.
 *
 * @param cachedInput for that part of the input which the provider had cached
 * @param image the most tokens that it counts for one image
 * @param hiddenReasoning whether it thinks before it speaks, without showing it, and charges that as output
 * @param cacheWrite for that part of the input which the provider puts into its cache
 * @param toolPreamble the most tokens that the provider itself puts before a prompt with tools, and charges
 * @param longer what it costs with a prompt that is longer than some; null: as much
 */
record Price(
        long input,
        long cachedInput,
        long output,
        long image,
        boolean hiddenReasoning,
        long cacheWrite,
        long toolPreamble,
        @Nullable Longer longer) {
    /**
     * @param over so many tokens of input
     * @param price of all of the call then
     */
    record Longer(long over, Price price) {}

    /** What an image is held for where nothing else is known; the models that take more have a figure of their own. */
    static final long IMAGE = 4_000;

    static final Price FREE = new Price(0, 0, 0);

    /** Of a model that nobody here knows and whose provider somebody else pays: it may think without showing it. */
    static final Price UNKNOWN_UNPAID = new Price(0, 0, 0, IMAGE, true, 0, 0);

    private static final long MILLION = 1_000_000;

    Price {
        if (input < 0 || cachedInput < 0 || output < 0 || image < 0 || cacheWrite < 0 || toolPreamble < 0) {
            throw new IllegalArgumentException("price: " + input + "/" + cachedInput + "/" + output + "/" + cacheWrite
                    + " micro-USD, an image of " + image + " and tools of " + toolPreamble
                    + " tokens; none may be negative");
        }
    }

    Price(
            long input,
            long cachedInput,
            long output,
            long image,
            boolean hiddenReasoning,
            long cacheWrite,
            long toolPreamble) {
        this(input, cachedInput, output, image, hiddenReasoning, cacheWrite, toolPreamble, null);
    }

    Price(long input, long cachedInput, long output) {
        this(input, cachedInput, output, IMAGE, false, input, 0, null);
    }

    /** Where somebody else pays the provider: nothing, with all that is known of how it counts. */
    Price unpaid() {
        return new Price(0, 0, 0, image, hiddenReasoning, 0, toolPreamble);
    }

    /** What to hold for a prompt that is counted as so many tokens: its provider may count it as a third more. */
    Price held(long in) {
        return longer != null && in > longer.over / 4 * 3 ? longer.price : this;
    }

    /** The most that this many tokens of input can cost, as tokens to be priced. */
    Tokens dearest(long in, long out) {
        return new Tokens(in, 0, out, true, cacheWrite > input ? in : 0);
    }

    /**
     * In micro-US-dollars, exact but for one rounding, upwards, of the sum; {@link Hold#MOST} if it is more than that, or
     * beyond counting: the ledger takes no more for one call.
     */
    long of(Tokens tokens) {
        if (longer != null && tokens.input() > longer.over) {
            return longer.price.of(tokens);
        }
        try {
            long sum = Math.addExact(
                    Math.addExact(
                            Math.addExact(
                                    Math.multiplyExact(tokens.input() - tokens.cachedInput() - tokens.written(), input),
                                    Math.multiplyExact(tokens.cachedInput(), cachedInput)),
                            Math.multiplyExact(tokens.written(), cacheWrite)),
                    Math.multiplyExact(tokens.output(), output));
            return Math.min(Math.ceilDiv(sum, MILLION), Hold.MOST);
        } catch (ArithmeticException beyondCounting) {
            return Hold.MOST;
        }
    }
}
