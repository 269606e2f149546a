package io.agentserver.gateway.respond;

import io.agentserver.envelope.RespondToken.Asked;
import io.agentserver.gateway.http.BoundedBody;
import io.agentserver.gateway.http.JsonEndpoint;
import io.agentserver.gateway.openapi.Access;
import io.agentserver.gateway.openapi.Answer;
import io.agentserver.gateway.openapi.Call;
import io.agentserver.gateway.openapi.Param;
import io.agentserver.gateway.openapi.Takes;
import io.agentserver.gateway.problems.Problem;
import io.agentserver.gateway.problems.ProblemType;
import io.agentserver.organism.ServiceAnswer;
import jakarta.servlet.http.HttpServletRequest;
import org.springframework.http.HttpStatus;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RestController;

import java.io.IOException;
import java.util.Map;
import java.util.Set;

/**
 * {@code POST /v1/respond/{token}}: 202 once the journal has the answer. The token is the right to answer; no API key is asked
 * for.
 */
@RestController
public final class RespondEndpoint extends JsonEndpoint {
    static final String PATH = "/v1/respond/";

    private static final Set<String> XML = Set.of("application/xml", "text/xml");

    private final LateAnswers answers;

    public RespondEndpoint(LateAnswers answers) {
        this.answers = answers;
    }

    @Call(
            id = "respond",
            does = "Answers a message that a service has answered with 202, later.",
            more = """
                    The token came with the message, and is all that it takes. The same answer again is taken again.

                    `conflict`: another answer was first; `gone`: nobody waits any more.""",
            access = Access.TOKEN,
            takes = @Takes(type = "application/xml", value = "LateAnswer"),
            bodyMayBeMissing = true,
            answers = @Answer(status = 202, value = "The journal has it.", schema = "AnswerAccepted"),
            problems = {
                ProblemType.NOT_FOUND,
                ProblemType.CONFLICT,
                ProblemType.GONE,
                ProblemType.INVALID_PAYLOAD,
                ProblemType.UNKNOWN_LISTENER,
                ProblemType.UNAVAILABLE
            })
    @PostMapping(PATH + "{token}")
    ResponseEntity<byte[]> respond(
            @Param(value = "The token.", example = "eyJ…") @PathVariable String token, HttpServletRequest request)
            throws IOException {
        Asked asked = answers.asked(token);
        byte[] body = BoundedBody.read(request, ServiceAnswer.MOST_BYTES);
        if (body.length > 0 && !XML.contains(BoundedBody.mediaType(request))) {
            throw Problem.of(ProblemType.UNSUPPORTED_MEDIA_TYPE, "send Content-Type: application/xml")
                    .refusal();
        }
        answers.take(asked, body);
        return answer(
                HttpStatus.ACCEPTED,
                Map.of(),
                Map.of("message_id", asked.message().toString(), "status", "accepted"));
    }
}
