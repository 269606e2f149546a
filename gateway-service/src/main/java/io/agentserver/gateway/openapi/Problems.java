package io.agentserver.gateway.openapi;

import io.agentserver.gateway.problems.ProblemType;

import java.util.Arrays;
import java.util.EnumSet;
import java.util.Set;

/** What a call may be refused for. */
final class Problems {
    /** Any call, by the server or before its endpoint is asked. */
    private static final Set<ProblemType> ANY = EnumSet.of(
            ProblemType.INVALID_REQUEST,
            ProblemType.REQUEST_TIMEOUT,
            ProblemType.RATE_LIMITED,
            ProblemType.HEADER_TOO_LARGE,
            ProblemType.INTERNAL,
            ProblemType.UNAVAILABLE);

    private Problems() {}

    /** Those that its annotation names, and those that follow from who may call, and from what the call takes. */
    static Set<ProblemType> of(Operation operation) {
        Call call = operation.call();
        Set<ProblemType> problems = EnumSet.noneOf(ProblemType.class);
        problems.addAll(Arrays.asList(call.problems()));
        switch (call.access()) {
            case OPEN, TOKEN -> {
                // nobody is asked who it is
            }
            case KEY ->
                problems.addAll(Set.of(ProblemType.UNAUTHENTICATED, ProblemType.RATE_LIMITED, ProblemType.UNAVAILABLE));
            case KEY_OR_SIGNATURE ->
                problems.addAll(Set.of(
                        ProblemType.UNAUTHENTICATED,
                        ProblemType.INVALID_SIGNATURE,
                        ProblemType.RATE_LIMITED,
                        ProblemType.UNAVAILABLE));
            case OPERATOR -> problems.addAll(Set.of(ProblemType.UNAUTHENTICATED, ProblemType.NOT_FOUND));
        }
        if (call.scopes().length > 0) {
            problems.add(ProblemType.FORBIDDEN);
        }
        if (operation.parameters().stream()
                .anyMatch(parameter -> !parameter.in().equals("path"))) {
            problems.add(ProblemType.INVALID_REQUEST);
        }
        for (Takes body : call.takes()) {
            problems.addAll(Set.of(
                    ProblemType.INVALID_REQUEST,
                    ProblemType.REQUEST_TIMEOUT,
                    ProblemType.TOO_LARGE,
                    ProblemType.UNSUPPORTED_MEDIA_TYPE));
            if (body.type().endsWith("json")) {
                problems.addAll(
                        Set.of(ProblemType.MALFORMED_JSON, ProblemType.UNKNOWN_FIELD, ProblemType.INVALID_FIELD));
            } else if (body.type().endsWith("xml")) {
                problems.add(ProblemType.MALFORMED_XML);
            }
        }
        for (ProblemType general : ANY) { // where a status is described, all that may come with it is
            if (problems.stream().anyMatch(problem -> problem.status() == general.status())) {
                problems.add(general);
            }
        }
        return problems;
    }

    /** The others that any call may be refused for. */
    static Set<ProblemType> others(Operation operation) {
        Set<ProblemType> others = EnumSet.copyOf(ANY);
        others.removeAll(of(operation));
        return others;
    }
}
