package io.agentserver.service.aws;

import software.amazon.awssdk.http.ExecutableHttpRequest;
import software.amazon.awssdk.http.HttpExecuteRequest;
import software.amazon.awssdk.http.HttpExecuteResponse;
import software.amazon.awssdk.http.SdkHttpClient;
import software.amazon.awssdk.utils.AttributeMap;

import java.io.IOException;

/**
 * An HTTP client that fails with an {@code IOException} alone, of which the SDK makes what it documents, after having tried again. The
 * SDK ends a call whose time is up by closing what it stands on, and lets through what the HTTP client throws then: a {@code
 * CancellationException} while it waits for a connection, a {@code ConnectionShutdownException} or a {@code NullPointerException}
 * while it takes one. None of them says anything but that the service was not reached. (A client that was closed throws a {@code
 * RejectedExecutionException} all the same, before it comes to HTTP.)
 */
record LostCalls(SdkHttpClient client) implements SdkHttpClient {
    /** @param builder of the client that does it */
    record Builder(SdkHttpClient.Builder<?> builder) implements SdkHttpClient.Builder<Builder> {
        @Override
        public SdkHttpClient buildWithDefaults(AttributeMap serviceDefaults) {
            return new LostCalls(builder.buildWithDefaults(serviceDefaults));
        }
    }

    private record Request(ExecutableHttpRequest request) implements ExecutableHttpRequest {
        @Override
        public HttpExecuteResponse call() throws IOException {
            try {
                return request.call();
            } catch (RuntimeException e) {
                throw new IOException("the call was lost: " + e, e);
            }
        }

        @Override
        public void abort() {
            request.abort();
        }
    }

    @Override
    public ExecutableHttpRequest prepareRequest(HttpExecuteRequest request) {
        return new Request(client.prepareRequest(request));
    }

    @Override
    public String clientName() {
        return client.clientName();
    }

    @Override
    public void close() {
        client.close();
    }
}
