package io.agentserver.billing.ledger;

import io.agentserver.envelope.TenantId;

/**
 * An account of the ledger. A posting to it is positive for a debit, negative for a credit, so what we owe (a tenant's
 * credit, a provider's bill) and what we earn stand below zero.
 *
 * @param name 1 to 200 characters, e.g. {@code tenant:demo:credit}
 */
public record Account(String name) {
    /** What tenants pay for LLM calls. */
    public static final Account LLM_REVENUE = new Account("revenue:llm");

    /** What was given away as starting credit. */
    public static final Account STARTING_CREDIT = new Account("expense:starting-credit");

    /** What the test card has "paid". */
    public static final Account TEST_CARD = new Account("test:card");

    /** What an operator has given or taken back by hand. */
    public static final Account ADJUSTMENTS = new Account("expense:adjustments");

    public Account {
        if (name.isBlank() || name.length() > 200) {
            throw new IllegalArgumentException("account: <" + name + "> has not 1 to 200 characters");
        }
    }

    /** What is left of a tenant's prepaid money. */
    public static Account creditOf(TenantId tenant) {
        return new Account("tenant:" + tenant + ":credit");
    }

    /** What a provider's calls have cost us. */
    public static Account costOf(String provider) {
        return new Account("cost:" + provider);
    }

    /** What we owe a provider. */
    public static Account payableTo(String provider) {
        return new Account("payable:" + provider);
    }

    /** What Stripe holds for us. */
    public static Account stripeBalance(boolean live) {
        return new Account(live ? "stripe:balance" : "test:stripe:balance");
    }

    /** What Stripe has taken back from us until a dispute is decided. */
    public static Account stripeDisputed(boolean live) {
        return new Account(live ? "stripe:disputed" : "test:stripe:disputed");
    }

    /** No real money is on it. */
    public boolean isTest() {
        return name.startsWith("test:");
    }

    @Override
    public String toString() {
        return name;
    }
}
