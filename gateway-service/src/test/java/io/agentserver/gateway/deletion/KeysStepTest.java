package io.agentserver.gateway.deletion;

import io.agentserver.envelope.TenantId;
import io.agentserver.gateway.deletion.DeletionStep.Part;
import io.agentserver.gateway.problems.Unavailable;
import io.agentserver.localstores.LocalDynamo;
import io.agentserver.sealing.DynamoTenantKeys;
import io.agentserver.sealing.TenantKey;
import io.agentserver.service.PlatformKeys;
import io.agentserver.service.aws.CallBounds;
import io.agentserver.service.aws.DynamoClients;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class KeysStepTest {
    private static final TenantId ACME = new TenantId("acme");
    private static final TenantId OTHER = new TenantId("other");

    @Test
    void destroys_the_tenant_s_keys_finds_nothing_afterwards_and_none_is_made_again(@TempDir Path directory)
            throws IOException {
        try (LocalDynamo server = LocalDynamo.inMemory(0);
                DynamoDbClient dynamo = DynamoClients.open(
                        server.endpoint().toString(),
                        new CallBounds(8, Duration.ofSeconds(10), Duration.ofSeconds(20)))) {
            PlatformKeys.createIfAbsent(directory.resolve("key.json"));
            PlatformKeys platform = PlatformKeys.load(directory.resolve("key.json"));
            DynamoTenantKeys keys = new DynamoTenantKeys(dynamo, platform, Clock.systemUTC());
            keys.createIfAbsent();
            TenantKey made = keys.current(ACME).orElseThrow();
            keys.current(OTHER);
            KeysStep step = new KeysStep(keys);

            assertThat(step.work(ACME, "", Instant.EPOCH)).isEqualTo(Part.of(1, ""));
            assertThat(step.work(ACME, "", Instant.EPOCH)).isEqualTo(Part.of(0, ""));

            DynamoTenantKeys late = new DynamoTenantKeys(dynamo, platform, Clock.systemUTC());
            assertThat(late.current(ACME)).isEmpty();
            assertThat(late.find(ACME, made.id())).isEmpty();
            assertThat(step.work(ACME, "", Instant.EPOCH)).isEqualTo(Part.of(0, ""));
            assertThat(late.current(OTHER)).isPresent();
        }
    }

    @Test
    void a_table_that_is_away_is_waited_for(@TempDir Path directory) throws IOException {
        PlatformKeys.createIfAbsent(directory.resolve("key.json"));
        try (DynamoDbClient nobody = DynamoClients.open(
                "http://127.0.0.1:1", new CallBounds(1, Duration.ofMillis(500), Duration.ofSeconds(1)))) {
            KeysStep step = new KeysStep(
                    new DynamoTenantKeys(nobody, PlatformKeys.load(directory.resolve("key.json")), Clock.systemUTC()));
            assertThatThrownBy(() -> step.work(ACME, "", Instant.EPOCH)).isInstanceOf(Unavailable.class);
        }
    }
}
