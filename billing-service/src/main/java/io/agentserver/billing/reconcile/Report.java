package io.agentserver.billing.reconcile;

import java.util.List;

/**
 * What a comparison came to.
 *
 * @param differences the first {@link Differences#MOST} of them
 * @param count how many there are
 * @param seen one line a place: how much was compared there, or why it was not
 */
public record Report(List<Difference> differences, long count, List<String> seen) {
    public Report {
        differences = List.copyOf(differences);
        seen = List.copyOf(seen);
    }
}
