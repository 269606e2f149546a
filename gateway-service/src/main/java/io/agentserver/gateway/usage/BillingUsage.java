package io.agentserver.gateway.usage;

import io.agentserver.envelope.TenantId;
import io.agentserver.gateway.problems.Unavailable;
import io.agentserver.service.ServiceTokens;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.time.LocalDate;
import java.util.Optional;
import java.util.function.Supplier;

/** Asks billing for a tenant's usage, with the tenant in a service token. Blocks; safe on any thread. */
public final class BillingUsage implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(5);

    private final HttpClient http = HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(PATIENCE)
            .build();
    private final URI billing;
    private final ServiceTokens tokens;
    private final Supplier<Optional<String>> traceparent;

    /** @param billing its base URL */
    public BillingUsage(URI billing, ServiceTokens tokens, Supplier<Optional<String>> traceparent) {
        this.billing = billing;
        this.tokens = tokens;
        this.traceparent = traceparent;
    }

    /**
     * Billing's own JSON, of the days {@code from} to {@code to}, both included.
     *
     * @throws Unavailable if billing does not answer, or not with 200
     */
    byte[] read(TenantId tenant, LocalDate from, LocalDate to) {
        HttpRequest.Builder request = HttpRequest.newBuilder(
                        billing.resolve("/internal/v1/usage?from=" + from + "&to=" + to))
                .timeout(PATIENCE)
                .header("Authorization", "Bearer " + tokens.issue(tenant, ServiceTokens.USAGE_READ))
                .header("Accept", "application/json");
        traceparent.get().ifPresent(trace -> request.header("traceparent", trace));
        try {
            HttpResponse<byte[]> answer = http.send(request.build(), HttpResponse.BodyHandlers.ofByteArray());
            if (answer.statusCode() != 200) {
                throw new Unavailable("billing answered " + answer.statusCode() + "; try again", null);
            }
            return answer.body();
        } catch (IOException e) {
            throw new Unavailable("billing does not answer; try again", e);
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
