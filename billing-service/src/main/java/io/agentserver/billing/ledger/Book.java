package io.agentserver.billing.ledger;

/** The two lists of a tenant's posting groups: its LLM calls, of which there are many, and all that is rarer. */
public enum Book {
    CALLS,
    MONEY
}
