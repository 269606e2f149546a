package io.agentserver.billing;

import io.agentserver.service.http.ServerRefusal;
import jakarta.servlet.http.HttpServletResponse;
import org.springframework.http.HttpStatus;
import org.springframework.http.ProblemDetail;
import org.springframework.http.ResponseEntity;
import tools.jackson.databind.json.JsonMapper;

import java.io.IOException;

/** What the servlet container itself refuses, as the same problem documents as every other refusal. */
final class ServerRefusals implements ServerRefusal {
    private final Problems problems;
    private final JsonMapper json;

    ServerRefusals(Problems problems, JsonMapper json) {
        this.problems = problems;
        this.json = json;
    }

    @Override
    public void answer(int status, HttpServletResponse response) throws IOException {
        ResponseEntity<ProblemDetail> answer = refusal(status);
        byte[] body = json.writeValueAsBytes(answer.getBody());
        response.setStatus(answer.getStatusCode().value());
        answer.getHeaders().forEach((name, values) -> response.setHeader(name, values.getFirst()));
        response.setContentLength(body.length);
        response.getOutputStream().write(body);
    }

    private ResponseEntity<ProblemDetail> refusal(int status) {
        return switch (status) {
            case 404 -> problems.answer(HttpStatus.NOT_FOUND, "not-found", "there is nothing here");
            case 408 -> problems.answer(HttpStatus.REQUEST_TIMEOUT, "timeout", "the request did not come in time");
            case 413 -> problems.answer(HttpStatus.CONTENT_TOO_LARGE, "too-large", "the body is too large");
            case 431 ->
                problems.answer(
                        HttpStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
                        "too-large",
                        "the header has more than 16 KiB or 100 fields");
            case 500 ->
                problems.answer(HttpStatus.INTERNAL_SERVER_ERROR, "internal", "the request failed; it was logged");
            case 503 ->
                problems.answer(HttpStatus.SERVICE_UNAVAILABLE, "unavailable", "billing is stopping; try again");
            default -> problems.answer(HttpStatus.BAD_REQUEST, "bad-request", "the request is not understood");
        };
    }
}
