package io.agentserver.billing.ledger;

import java.util.Arrays;

/** What happened to a tenant's money. The name before the colon of a {@link GroupId}. */
public enum GroupKind {
    CALL("receipt", Book.CALLS),
    TOP_UP("payment", Book.MONEY),
    TEST_TOP_UP("test-card", Book.MONEY),
    STARTING_CREDIT("starting-credit", Book.MONEY),
    REFUND("refund", Book.MONEY),
    /** The bank did not take a refund: the money is the tenant's again. */
    REFUND_FAILED("refund-failed", Book.MONEY),
    DISPUTE("dispute", Book.MONEY),
    DISPUTE_WON("dispute-won", Book.MONEY),
    DISPUTE_LOST("dispute-lost", Book.MONEY),
    /** What an operator has given or taken back by hand. */
    ADJUSTMENT("adjustment", Book.MONEY),
    /** Of a newer version than this one. */
    OTHER("other", Book.MONEY);

    private final String prefix;
    private final Book book;

    GroupKind(String prefix, Book book) {
        this.prefix = prefix;
        this.book = book;
    }

    public String prefix() {
        return prefix;
    }

    /** Where a tenant finds it listed. */
    public Book book() {
        return book;
    }

    static GroupKind of(String prefix) {
        return Arrays.stream(values())
                .filter(kind -> kind.prefix.equals(prefix))
                .findFirst()
                .orElse(OTHER);
    }
}
