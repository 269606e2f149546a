package io.agentserver.credit;

import java.util.List;

/**
 * What one look for lapsed holds has found.
 *
 * @param holds the caller's own from now on
 * @param told what Redis said of its clock: to be said again at the caller's next look at this tenant
 */
public record Lapsed(List<Hold> holds, String told) {
    /** Told by nobody: at a first look. */
    public static final String NOTHING = "";

    public Lapsed {
        holds = List.copyOf(holds);
    }
}
