package io.agentserver.gateway.billing;

import io.agentserver.envelope.TenantId;
import io.agentserver.gateway.http.Json;
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
import java.time.LocalDate;
import java.util.Optional;
import java.util.function.Supplier;

/** Asks billing, with the tenant in a service token. Blocks, at most 5 s; safe on any thread. */
public final class Billing implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(5);

    private final HttpClient http = HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(PATIENCE)
            .build();
    private final URI billing;
    private final ServiceTokens tokens;
    private final Supplier<Optional<String>> traceparent;

    /** @param billing its base URL */
    public Billing(URI billing, ServiceTokens tokens, Supplier<Optional<String>> traceparent) {
        this.billing = billing;
        this.tokens = tokens;
        this.traceparent = traceparent;
    }

    /**
     * A tenant's usage of the days {@code from} to {@code to}, both included, as billing's own JSON.
     *
     * @throws Unavailable if billing does not answer, or not with 200
     * @throws io.agentserver.gateway.problems.Refusal 400 for days that billing does not take
     */
    public byte[] usage(TenantId tenant, LocalDate from, LocalDate to) {
        HttpResponse<byte[]> answer = send(
                request(tenant, ServiceTokens.USAGE_READ, "/internal/v1/usage?from=" + from + "&to=" + to)
                        .header("Accept", "application/json"),
                "try again");
        return switch (answer.statusCode()) {
            case 200 -> answer.body();
            case 400 -> // another day it would be the same
                throw Problem.of(
                                ProblemType.INVALID_REQUEST,
                                "from, to: billing does not take the days " + from + " to " + to)
                        .refusal();
            default -> throw away(answer);
        };
    }

    /**
     * Has billing post what an operator gives a tenant. Idempotent by the key, within the tenant.
     *
     * @return billing's own JSON
     * @throws Unavailable if billing does not answer: it may have been posted or not
     * @throws io.agentserver.gateway.problems.Refusal 422 for a key that was used with another amount or reason
     */
    public byte[] adjust(TenantId tenant, long amountMicrousd, String reason, String idempotencyKey) {
        String form =
                "amount_microusd=" + amountMicrousd + "&reason=" + URLEncoder.encode(reason, StandardCharsets.UTF_8);
        HttpResponse<byte[]> answer = send(
                request(tenant, ServiceTokens.CREDIT_WRITE, "/internal/v1/credit")
                        .header("Idempotency-Key", idempotencyKey)
                        .header("Content-Type", "application/x-www-form-urlencoded")
                        .POST(HttpRequest.BodyPublishers.ofString(form)),
                "try again with the same Idempotency-Key");
        return switch (answer.statusCode()) {
            case 200 -> answer.body();
            case 422 ->
                throw Problem.of(
                                ProblemType.IDEMPOTENCY_MISMATCH,
                                "the Idempotency-Key was used for another amount or reason; take a new one")
                        .refusal();
            default -> throw away(answer);
        };
    }

    /**
     * Has billing forget a part of what it has of a tenant, but its postings.
     *
     * @return how many items; 0: there are none left
     * @throws Unavailable if billing does not answer, or not with 200
     */
    public long forget(TenantId tenant) {
        HttpResponse<byte[]> answer = send(
                request(tenant, ServiceTokens.TENANT_DELETE, "/internal/v1/tenant")
                        .DELETE(),
                "try again");
        return switch (answer.statusCode()) {
            case 200 -> Json.read(answer.body()).path("freed").asLong();
            default -> throw away(answer);
        };
    }

    @Override
    public void close() {
        http.shutdownNow();
    }

    private HttpRequest.Builder request(TenantId tenant, String scope, String path) {
        HttpRequest.Builder request = HttpRequest.newBuilder(billing.resolve(path))
                .timeout(PATIENCE)
                .header("Authorization", "Bearer " + tokens.issue(tenant, scope));
        traceparent.get().ifPresent(trace -> request.header("traceparent", trace));
        return request;
    }

    private HttpResponse<byte[]> send(HttpRequest.Builder request, String remedy) {
        try {
            return http.send(request.build(), HttpResponse.BodyHandlers.ofByteArray());
        } catch (IOException e) {
            throw new Unavailable("billing does not answer; " + remedy, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new Unavailable("the gateway is stopping", e);
        }
    }

    private static Unavailable away(HttpResponse<byte[]> answer) {
        return new Unavailable("billing answered " + answer.statusCode() + "; try again", null);
    }
}
