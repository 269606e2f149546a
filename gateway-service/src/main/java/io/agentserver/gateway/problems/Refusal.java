package io.agentserver.gateway.problems;

/** Carries a {@link Problem} from where a request is found wanting to the edge; has no stack trace, for it is no fault. */
public final class Refusal extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final transient Problem problem;

    Refusal(Problem problem) {
        super(problem.detail(), null, false, false);
        this.problem = problem;
    }

    public Problem problem() {
        return problem;
    }
}
