package io.agentserver.billing.topup;

import io.agentserver.billing.ledger.MicroUsd;

import java.util.Optional;

/**
 * What a tenant may top up by at once.
 *
 * @param cents US cents, {@value #LEAST} to {@value #MOST}
 */
public record TopUpAmount(int cents) {
    public static final int LEAST = 500;
    public static final int MOST = 1_000_000;
    /** For a person whose amount was refused. */
    public static final String BOUNDS = "a whole number of US cents, " + LEAST + " to " + MOST;

    public TopUpAmount {
        if (cents < LEAST || cents > MOST) {
            throw new IllegalArgumentException("amount: " + cents + " is not " + BOUNDS);
        }
    }

    /** Empty for anything but digits within the bounds: answer that with 422 and {@link #BOUNDS}. */
    public static Optional<TopUpAmount> parse(String cents) {
        if (!cents.matches("[1-9][0-9]{0,6}")) {
            return Optional.empty();
        }
        int amount = Integer.parseInt(cents);
        return amount < LEAST || amount > MOST ? Optional.empty() : Optional.of(new TopUpAmount(amount));
    }

    public MicroUsd money() {
        return MicroUsd.ofCents(cents);
    }
}
