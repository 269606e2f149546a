package io.agentserver.gateway.credit;

import io.agentserver.envelope.TenantId;
import io.agentserver.gateway.problems.Problem;
import io.agentserver.gateway.problems.ProblemType;
import io.agentserver.gateway.problems.Unavailable;
import io.agentserver.service.ServiceTokens;

import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Optional;
import java.util.function.Supplier;

/** Has billing post what an operator gives a tenant. Blocks; safe on any thread. */
public final class BillingCredit implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(5);

    private final HttpClient http = HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(PATIENCE)
            .build();
    private final URI billing;
    private final ServiceTokens tokens;
    private final Supplier<Optional<String>> traceparent;

    /** @param billing its base URL */
    public BillingCredit(URI billing, ServiceTokens tokens, Supplier<Optional<String>> traceparent) {
        this.billing = billing;
        this.tokens = tokens;
        this.traceparent = traceparent;
    }

    /**
     * Idempotent by the key, within the tenant.
     *
     * @return billing's own JSON
     * @throws Unavailable if billing does not answer: it may have been posted or not
     * @throws io.agentserver.gateway.problems.Refusal 422 for a key that was used with another amount or reason
     */
    byte[] adjust(TenantId tenant, long amountMicrousd, String reason, String idempotencyKey) {
        String form =
                "amount_microusd=" + amountMicrousd + "&reason=" + URLEncoder.encode(reason, StandardCharsets.UTF_8);
        HttpRequest.Builder request = HttpRequest.newBuilder(billing.resolve("/internal/v1/credit"))
                .timeout(PATIENCE)
                .header("Authorization", "Bearer " + tokens.issue(tenant, ServiceTokens.CREDIT_WRITE))
                .header("Idempotency-Key", idempotencyKey)
                .header("Content-Type", "application/x-www-form-urlencoded")
                .POST(HttpRequest.BodyPublishers.ofString(form));
        traceparent.get().ifPresent(trace -> request.header("traceparent", trace));
        try {
            HttpResponse<byte[]> answer = http.send(request.build(), HttpResponse.BodyHandlers.ofByteArray());
            return switch (answer.statusCode()) {
                case 200 -> answer.body();
                case 422 ->
                    throw Problem.of(
                                    ProblemType.IDEMPOTENCY_MISMATCH,
                                    "the Idempotency-Key was used for another amount or reason; take a new one")
                            .refusal();
                default -> throw new Unavailable("billing answered " + answer.statusCode() + "; try again", null);
            };
        } catch (IOException e) {
            throw new Unavailable("billing does not answer; try again with the same Idempotency-Key", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new Unavailable("the gateway is stopping", e);
        }
    }

    @Override
    public void close() {
        http.shutdownNow();
    }
}
