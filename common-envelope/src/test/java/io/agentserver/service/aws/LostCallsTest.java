package io.agentserver.service.aws;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import software.amazon.awssdk.auth.credentials.AnonymousCredentialsProvider;
import software.amazon.awssdk.core.exception.SdkClientException;
import software.amazon.awssdk.http.ExecutableHttpRequest;
import software.amazon.awssdk.http.HttpExecuteRequest;
import software.amazon.awssdk.http.HttpExecuteResponse;
import software.amazon.awssdk.http.SdkHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CancellationException;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

class LostCallsTest {
    private static final CallBounds BOUNDS = new CallBounds(1, Duration.ofSeconds(30), Duration.ofSeconds(60));

    static List<RuntimeException> thrownByHttpClients() {
        return List.of(
                new CancellationException(),
                new NullPointerException("Connection"),
                new IllegalStateException("Connection is closed"));
    }

    @ParameterizedTest
    @MethodSource("thrownByHttpClients")
    void tells_what_an_http_client_throws_as_the_sdks_own_exception(RuntimeException thrown) {
        try (DynamoDbClient client = DynamoDbClient.builder()
                .httpClient(new LostCalls(new Throwing(thrown)))
                .region(Region.US_EAST_1)
                .credentialsProvider(AnonymousCredentialsProvider.create())
                .overrideConfiguration(BOUNDS::apply)
                .build()) {
            assertThatThrownBy(client::listTables)
                    .isInstanceOf(SdkClientException.class)
                    .hasRootCause(thrown);
        }
    }

    @Test
    void refuses_bounds_that_let_nothing_through() {
        Duration second = Duration.ofSeconds(1);
        assertThatThrownBy(() -> new CallBounds(0, second, second)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new CallBounds(1, Duration.ZERO, second)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new CallBounds(1, second.plusNanos(1), second))
                .isInstanceOf(IllegalArgumentException.class);
    }

    private record Throwing(RuntimeException thrown) implements SdkHttpClient {
        @Override
        public ExecutableHttpRequest prepareRequest(HttpExecuteRequest request) {
            return new ExecutableHttpRequest() {
                @Override
                public HttpExecuteResponse call() {
                    throw thrown;
                }

                @Override
                public void abort() {
                    // nothing runs
                }
            };
        }

        @Override
        public void close() {
            // holds nothing
        }
    }
}
