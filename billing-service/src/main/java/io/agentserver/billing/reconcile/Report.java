package io.agentserver.billing.reconcile;

import java.util.List;

/**
 * What a comparison came to.
 *
 * @param seen one line a place: how much was compared there, or why it was not
 */
public record Report(List<Difference> differences, List<String> seen) {
    public Report {
        differences = List.copyOf(differences);
        seen = List.copyOf(seen);
    }
}
