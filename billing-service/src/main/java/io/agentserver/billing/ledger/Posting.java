package io.agentserver.billing.ledger;

/** One line of a posting group: a debit (positive) or a credit (negative) of one account. */
public record Posting(Account account, MicroUsd amount) {}
