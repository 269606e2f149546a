package io.agentserver.billing.ledger;

import org.jspecify.annotations.Nullable;

import java.util.List;

/**
 * Some lines of a tenant's statement, by time.
 *
 * @param next cursor of the page after this one; null: there is none
 */
public record StatementPage(
        List<StatementLine> lines, @Nullable String next) {
    public StatementPage {
        lines = List.copyOf(lines);
    }
}
