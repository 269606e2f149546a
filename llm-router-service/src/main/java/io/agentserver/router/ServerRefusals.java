package io.agentserver.router;

import io.agentserver.envelope.Ids;
import io.agentserver.service.http.ServerRefusal;
import jakarta.servlet.http.HttpServletResponse;

import java.io.IOException;

/** What the servlet container itself refuses, in OpenAI's shape and counted like every other refusal. */
final class ServerRefusals implements ServerRefusal {
    private final RouterMetrics metrics;

    ServerRefusals(RouterMetrics metrics) {
        this.metrics = metrics;
    }

    @Override
    public void answer(int status, HttpServletResponse response) throws IOException {
        Refusal refusal = refusal(status);
        metrics.rejected(refusal.reason());
        byte[] body = Json.write(OpenAiErrors.body(refusal));
        response.setStatus(refusal.status());
        response.setHeader("Request-Id", Ids.v7().toString());
        response.setContentType("application/json");
        response.setContentLength(body.length);
        response.getOutputStream().write(body);
    }

    private static Refusal refusal(int status) {
        return switch (status) {
            case 404, 405 -> Refusal.noSuchCall(status);
            case 408 -> Refusal.tooSlow();
            case 413 -> Refusal.of(413, Refusal.Reason.TOO_LARGE, "the body is too large: send a shorter one");
            case 431 -> Refusal.of(431, Refusal.Reason.TOO_LARGE, "the header has more than 16 KiB or 100 fields");
            case 500 -> Refusal.of(500, Refusal.Reason.INTERNAL, "the router failed; the failure is in its log");
            case 503 -> Refusal.unavailable("this router is stopping; try again");
            default -> Refusal.invalid("the request is not understood", null);
        };
    }
}
