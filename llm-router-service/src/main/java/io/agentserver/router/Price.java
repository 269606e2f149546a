package io.agentserver.router;

/**
 * What a model costs, each in micro-US-dollars for a million tokens.
 *
 * @param cachedInput for that part of the input which the provider had cached
 */
record Price(long input, long cachedInput, long output) {
    static final Price FREE = new Price(0, 0, 0);

    private static final long MILLION = 1_000_000;

    Price {
        if (input < 0 || cachedInput < 0 || output < 0) {
            throw new IllegalArgumentException(
                    "price: " + input + "/" + cachedInput + "/" + output + " micro-USD; none may be negative");
        }
    }

    /**
     * In micro-US-dollars, exact but for one rounding, upwards, of the sum.
     *
     * @throws ArithmeticException if it overflows a long
     */
    long of(Tokens tokens) {
        long sum = Math.addExact(
                Math.addExact(
                        Math.multiplyExact(tokens.input() - tokens.cachedInput(), input),
                        Math.multiplyExact(tokens.cachedInput(), cachedInput)),
                Math.multiplyExact(tokens.output(), output));
        return Math.ceilDiv(sum, MILLION);
    }
}
