package io.agentserver.billing.console;

/** A member of the org whose role does not allow this. */
public final class NotAllowed extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final transient Visit visit;
    private final Action action;

    public NotAllowed(Visit visit, Action action) {
        super(visit.role() + " may not " + action, null, false, false);
        this.visit = visit;
        this.action = action;
    }

    public Visit visit() {
        return visit;
    }

    public Action action() {
        return action;
    }
}
