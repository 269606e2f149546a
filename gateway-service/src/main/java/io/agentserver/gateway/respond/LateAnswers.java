package io.agentserver.gateway.respond;

import io.agentserver.buffer.v1.AnswerOutcome;
import io.agentserver.envelope.RespondToken;
import io.agentserver.envelope.RespondToken.Asked;
import io.agentserver.gateway.callers.Callers;
import io.agentserver.gateway.organism.Organisms;
import io.agentserver.gateway.problems.Problem;
import io.agentserver.gateway.problems.ProblemType;
import io.agentserver.gateway.problems.Unavailable;
import io.agentserver.gateway.threads.ThreadBuffer;
import io.agentserver.organism.Listener;
import io.agentserver.organism.Organism;
import io.agentserver.organism.ServiceAnswer;
import io.agentserver.service.PlatformKeys;
import io.agentserver.tenancy.TenantDirectory;
import org.slf4j.MDC;

import java.time.Clock;
import java.util.Optional;

/**
 * Takes what a service says later: token, form, what the listener may say, and then the journal, which alone knows whether
 * anybody still waits. Blocks on the request's virtual thread; a repeat is harmless by (thread, message) and content.
 */
public final class LateAnswers {
    private final PlatformKeys keys;
    private final Callers callers;
    private final TenantDirectory directory;
    private final Organisms organisms;
    private final ThreadBuffer buffer;
    private final Clock clock;

    public LateAnswers(
            PlatformKeys keys,
            Callers callers,
            TenantDirectory directory,
            Organisms organisms,
            ThreadBuffer buffer,
            Clock clock) {
        this.keys = keys;
        this.callers = callers;
        this.directory = directory;
        this.organisms = organisms;
        this.buffer = buffer;
        this.clock = clock;
    }

    /**
     * Which message a token lets its holder answer.
     *
     * @throws io.agentserver.gateway.problems.Refusal 404 for what is no token of a living tenant's, 410 for one whose time is
     *     over; 503
     */
    Asked asked(String token) {
        callers.requireFreshDirectory();
        Asked asked = RespondToken.verify(token, keys::find)
                .filter(known -> directory.find(known.tenant()).isPresent())
                .orElseThrow(() -> Problem.notFound().refusal());
        MDC.put("tenant", asked.tenant().value());
        MDC.put("conversation", asked.conversation().toString());
        MDC.put("thread", asked.thread().toString());
        MDC.put("message", asked.message().toString());
        if (asked.isOver(clock.instant())) {
            throw gone().refusal();
        }
        return asked;
    }

    /**
     * Returns when the journal has it.
     *
     * @throws io.agentserver.gateway.problems.Refusal 400, 422 for what the listener may not say; 404, 409, 410
     * @throws Unavailable if the journal does not answer: whether it has it is not known, and repeating it is safe
     */
    void take(Asked asked, byte[] body) {
        Organism organism = organisms
                .version(asked.tenant(), asked.version())
                .orElseThrow(() -> organisms.isRetired(asked.tenant(), asked.version())
                        ? gone().refusal()
                        : new Unavailable("the organism of the message's turn is not known here yet", null));
        Listener listener = organism.listener(asked.listener())
                .orElseThrow(() -> Problem.notFound().refusal());
        String content = switch (ServiceAnswer.read(body, listener)) {
            case ServiceAnswer.Unfit(String reason, boolean malformed) ->
                throw Problem.of(
                                malformed ? ProblemType.MALFORMED_XML : ProblemType.INVALID_PAYLOAD,
                                "the answer is not fit: " + reason)
                        .refusal();
            case ServiceAnswer.Fit fit -> {
                Optional<Problem> problem = AnswerRules.problem(organism, listener, fit);
                if (problem.isPresent()) {
                    throw problem.get().refusal();
                }
                yield fit.content();
            }
        };
        AnswerOutcome outcome =
                buffer.answer(asked.tenant(), asked.conversation(), asked.thread(), asked.message(), content);
        switch (outcome) {
            case ANSWER_TAKEN, ANSWER_REPEATED -> {
                // it is journalled, now or before
            }
            case ANSWER_DIFFERS ->
                throw Problem.of(ProblemType.CONFLICT, "the message was answered before, with another content")
                        .refusal();
            case ANSWER_TOO_LATE -> throw gone().refusal();
            case ANSWER_UNKNOWN -> throw Problem.notFound().refusal();
            case ANSWER_OUTCOME_UNSPECIFIED, UNRECOGNIZED ->
                throw new Unavailable("the conversation store is newer than this gateway", null);
        }
    }

    private static Problem gone() {
        return Problem.of(
                ProblemType.GONE,
                "nobody waits for this answer any more: its time is over, its thread or turn has ended, or the message"
                        + " was done without it");
    }
}
