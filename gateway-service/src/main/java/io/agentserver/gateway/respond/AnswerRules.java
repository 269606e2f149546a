package io.agentserver.gateway.respond;

import io.agentserver.envelope.EnvelopeNames;
import io.agentserver.gateway.problems.Problem;
import io.agentserver.gateway.problems.ProblemType;
import io.agentserver.organism.Listener;
import io.agentserver.organism.Organism;
import io.agentserver.organism.PayloadType;
import io.agentserver.organism.ServiceAnswer;
import io.agentserver.organism.ServiceAnswer.Fit;
import io.agentserver.organism.ServiceAnswer.Kind;
import io.agentserver.organism.ServiceAnswer.Output;

import java.nio.charset.StandardCharsets;
import java.util.Optional;

/**
 * What a listener may say (CONTRACTS 4), told to its service while it can still say something else. The pump holds every answer
 * to the same rules again, for it alone knows the caller. Pure.
 */
final class AnswerRules {
    private static final int MOST_OUTPUTS = 32;

    private AnswerRules() {}

    static Optional<Problem> problem(Organism organism, Listener listener, Fit answer) {
        if (answer.outputs().size() > MOST_OUTPUTS) {
            return unfit("/outputs", "more than " + MOST_OUTPUTS + " outputs");
        }
        if (answer.content().getBytes(StandardCharsets.UTF_8).length > ServiceAnswer.MOST_BYTES) {
            return unfit("", "over " + ServiceAnswer.MOST_BYTES + " bytes in its canonical form");
        }
        boolean several = answer.outputs().size() > 1;
        for (int i = 0; i < answer.outputs().size(); i++) {
            String at = several ? "/outputs/*[" + (i + 1) + "]" : "/*";
            Optional<Problem> problem =
                    problem(organism, listener, answer.outputs().get(i), at);
            if (problem.isPresent()) {
                return problem;
            }
        }
        return Optional.empty();
    }

    private static Optional<Problem> problem(Organism organism, Listener listener, Output output, String at) {
        if (output.kind() == Kind.RESPOND) {
            return response(listener, output, at);
        }
        boolean reachable = output.to().equals(listener.name())
                || listener.peer(output.to()).isPresent();
        Optional<Listener> peer = reachable ? organism.listener(output.to()) : Optional.empty();
        if (peer.isEmpty()) {
            return Optional.of(Problem.at(
                    ProblemType.UNKNOWN_LISTENER, at + "/@to", "to: it names no peer of the listener that was asked"));
        }
        return invalid(peer.get().payload(), output.payload(), at);
    }

    private static Optional<Problem> response(Listener listener, Output output, String at) {
        PayloadType declared = listener.response();
        String root = output.root().name();
        String namespace = output.root().namespace();
        if ((namespace.equals(EnvelopeNames.CORE) && root.equals("huh"))
                || (namespace.isEmpty() && root.equals("SystemError"))) {
            return unfit(at, "it is the platform's own to say");
        }
        return declared == null || (namespace.isEmpty() && root.equals("answer") && !declared.hasRoot("answer", ""))
                ? Optional.empty()
                : invalid(declared, output.payload(), at);
    }

    private static Optional<Problem> invalid(PayloadType type, String payload, String at) {
        return type.validate(payload).stream()
                .findFirst()
                .map(problem -> Problem.at(
                        ProblemType.INVALID_PAYLOAD,
                        at,
                        "the payload does not fit: " + problem.pointer() + " " + problem.reason()));
    }

    private static Optional<Problem> unfit(String at, String reason) {
        return Optional.of(Problem.at(ProblemType.INVALID_PAYLOAD, at, reason));
    }
}
