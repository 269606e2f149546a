package io.agentserver.billing.ledger;

/**
 * An amount of money in millionths of a US dollar, of either sign.
 *
 * @param value between -9.2 and 9.2 trillion dollars; arithmetic past that throws {@link ArithmeticException}
 */
public record MicroUsd(long value) implements Comparable<MicroUsd> {
    public static final MicroUsd ZERO = new MicroUsd(0);

    public static MicroUsd ofCents(long cents) {
        return new MicroUsd(Math.multiplyExact(cents, 10_000));
    }

    public MicroUsd plus(MicroUsd other) {
        return new MicroUsd(Math.addExact(value, other.value));
    }

    public MicroUsd negated() {
        return new MicroUsd(Math.negateExact(value));
    }

    public boolean isZero() {
        return value == 0;
    }

    @Override
    public int compareTo(MicroUsd other) {
        return Long.compare(value, other.value);
    }

    /** {@code -12.345678 USD}. */
    @Override
    public String toString() {
        return java.math.BigDecimal.valueOf(value, 6).toPlainString() + " USD";
    }
}
