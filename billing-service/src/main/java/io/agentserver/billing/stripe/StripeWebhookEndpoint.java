package io.agentserver.billing.stripe;

import io.agentserver.billing.Problems;
import jakarta.servlet.http.HttpServletRequest;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.http.HttpStatus;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RestController;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Objects;
import java.util.Optional;

/**
 * {@code POST /stripe/webhook}: 200 once what the event means is durable, 400 for what is not Stripe's to us, 5xx while the
 * ledger's store or Stripe's API is away, so that Stripe sends it again.
 */
@RestController
public final class StripeWebhookEndpoint {
    private static final Logger LOG = LoggerFactory.getLogger(StripeWebhookEndpoint.class);
    private static final int MOST_BYTES = 512 * 1024;

    private final Optional<StripeWebhook> webhook;
    private final Problems problems;

    /** @param webhook empty: Stripe is not set up */
    public StripeWebhookEndpoint(Optional<StripeWebhook> webhook, Problems problems) {
        this.webhook = webhook;
        this.problems = problems;
    }

    @PostMapping("/stripe/webhook")
    ResponseEntity<?> receive(HttpServletRequest request) throws IOException {
        if (webhook.isEmpty()) {
            return problems.answer(HttpStatus.NOT_FOUND, "not-found", "there is nothing here");
        }
        byte[] body = request.getInputStream().readNBytes(MOST_BYTES + 1);
        if (body.length > MOST_BYTES) {
            return problems.answer(HttpStatus.CONTENT_TOO_LARGE, "too-large", "the body is too large");
        }
        String signature = Objects.requireNonNullElse(request.getHeader("Stripe-Signature"), "");
        return switch (webhook.get().receive(new String(body, StandardCharsets.UTF_8), signature)) {
            case StripeWebhook.Outcome.Applied _, StripeWebhook.Outcome.Ignored _ ->
                ResponseEntity.ok().build();
            case StripeWebhook.Outcome.Refused refused -> {
                LOG.warn("a webhook was refused: {}", refused.reason());
                yield problems.answer(
                        HttpStatus.BAD_REQUEST, "invalid-webhook", "this is no event of Stripe's for us, now");
            }
        };
    }
}
