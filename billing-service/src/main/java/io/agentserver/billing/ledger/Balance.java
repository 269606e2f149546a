package io.agentserver.billing.ledger;

/**
 * What a tenant has left.
 *
 * @param credit prepaid and not spent; below 0: spent and not paid
 * @param version grows with each change, so that of two copies the newer is known
 */
public record Balance(MicroUsd credit, long version) {
    public static final Balance NONE = new Balance(MicroUsd.ZERO, 0);
}
