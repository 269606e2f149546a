package io.agentserver.service.aws;

import software.amazon.awssdk.core.client.config.ClientOverrideConfiguration;
import software.amazon.awssdk.core.retry.RetryMode;
import software.amazon.awssdk.http.SdkHttpClient;
import software.amazon.awssdk.http.apache5.Apache5HttpClient;

import java.time.Duration;

/**
 * How many calls of an AWS service are under way at once and how long each may take. What goes past them, or is caught by them at a
 * bad moment, is told as an {@code SdkException}.
 *
 * @param connections of one client
 * @param attempt until the service has answered one attempt
 * @param call all attempts together, and the wait for a connection
 */
public record CallBounds(int connections, Duration attempt, Duration call) {
    private static final Duration CONNECT_LIMIT = Duration.ofSeconds(2);

    /** @throws IllegalArgumentException if nothing is allowed, or a call less than an attempt of it */
    public CallBounds {
        if (connections < 1 || !attempt.isPositive() || call.compareTo(attempt) < 0) {
            throw new IllegalArgumentException(
                    connections + " connections, " + attempt + " an attempt, " + call + " a call");
        }
    }

    /** Named for each client, because several HTTP clients on one class path would be an error. */
    public SdkHttpClient.Builder<?> http() {
        return new LostCalls.Builder(Apache5HttpClient.builder()
                .maxConnections(connections)
                .connectionTimeout(attempt.compareTo(CONNECT_LIMIT) < 0 ? attempt : CONNECT_LIMIT)
                .connectionAcquisitionTimeout(call)
                .socketTimeout(attempt));
    }

    /** With the SDK's standard retries within {@link #call}. */
    public void apply(ClientOverrideConfiguration.Builder configuration) {
        configuration
                .retryStrategy(RetryMode.STANDARD)
                .apiCallAttemptTimeout(attempt)
                .apiCallTimeout(call);
    }
}
