package io.agentserver.service.aws;

import software.amazon.awssdk.core.exception.SdkClientException;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.core.interceptor.Context;
import software.amazon.awssdk.core.interceptor.ExecutionAttributes;
import software.amazon.awssdk.core.interceptor.ExecutionInterceptor;

/**
 * Makes an {@link SdkClientException} of whatever else a call ends with. The SDK ends a call whose time is up by closing what it
 * stands on, and lets through what the HTTP client throws then: a {@code CancellationException} while it waits for a connection, a
 * {@code ConnectionShutdownException} or a {@code NullPointerException} while it takes one, an {@code IllegalStateException} from
 * a client that was closed. None of them says anything but that the service was not reached.
 */
final class LostCalls implements ExecutionInterceptor {
    @Override
    public Throwable modifyException(Context.FailedExecution context, ExecutionAttributes attributes) {
        Throwable thrown = context.exception();
        return thrown instanceof RuntimeException && !(thrown instanceof SdkException)
                ? SdkClientException.create("the call was lost: " + thrown, thrown)
                : thrown;
    }
}
