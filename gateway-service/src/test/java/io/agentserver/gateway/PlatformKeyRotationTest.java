package io.agentserver.gateway;

import io.agentserver.envelope.Ids;
import io.agentserver.envelope.TenantId;
import io.agentserver.gateway.RunningGateway.Answer;
import io.agentserver.localstores.LocalStores;
import io.agentserver.sealing.DynamoTenantKeys;
import io.agentserver.sealing.KeysUnavailableException;
import io.agentserver.service.PlatformKeys;
import io.agentserver.tenancy.TenantEntry.ProviderKey;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.net.http.HttpRequest;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.Base64;
import java.util.Map;
import java.util.Optional;

import static org.assertj.core.api.Assertions.assertThat;

/** A new platform key in front, the old one kept behind it, and some time later not any more. */
@ExtendWith(GatewayExtension.class)
class PlatformKeyRotationTest {
    private static final String SECRET = "sk-own-0123456789-wxyz";

    private final LocalStores stores;
    private final RunningGateway before;
    private final String tenant = "r" + Ids.v7().toString().substring(0, 35).replace("-", "x");

    PlatformKeyRotationTest(LocalStores stores, RunningGateway gateway) {
        this.stores = stores;
        this.before = gateway;
    }

    @Test
    void what_was_sealed_before_opens_without_the_old_key_once_it_is_wrapped_anew(@TempDir Path directory)
            throws IOException {
        String key = before.createTenant(tenant);
        assertThat(put(before, key).status()).isEqualTo(200);
        Path fresh = directory.resolve("fresh.json");
        PlatformKeys.createIfAbsent(fresh);
        Path both = directory.resolve("both.json");
        Path old = stores.directory().resolve("platform-key.json");
        Files.writeString(both, "{\"keys\":[" + jwk(fresh) + "," + jwk(old) + "]}");
        PlatformKeys alone = PlatformKeys.load(fresh);

        try (RunningGateway gateway = RunningGateway.on(stores, Map.of("AGENTSERVER_PLATFORM_KEY", both.toString()))) {
            ProviderKey sealed = gateway.entry(tenant).providerKey("openai").orElseThrow();
            var untilWrapped = Awaitility.await()
                    .atMost(Duration.ofSeconds(30))
                    .ignoreExceptionsInstanceOf(KeysUnavailableException.class); // not yet
            untilWrapped.untilAsserted(() -> {
                DynamoTenantKeys without = new DynamoTenantKeys(
                        DynamoConnection.open(stores.dynamoEndpoint().toString()), alone, Clock.systemUTC());
                assertThat(without.find(new TenantId(tenant), sealed.keyId())
                                .orElseThrow()
                                .open(
                                        Base64.getUrlDecoder().decode(sealed.sealed()),
                                        ProviderKey.associated(new TenantId(tenant), "openai"))
                                .map(bytes -> new String(bytes, StandardCharsets.UTF_8)))
                        .isEqualTo(Optional.of(SECRET));
            });
        }
    }

    private static Answer put(RunningGateway gateway, String key) {
        return gateway.send(gateway.request("/v1/provider-keys/openai")
                .header("Authorization", "Bearer " + key)
                .header("Content-Type", "application/json")
                .PUT(HttpRequest.BodyPublishers.ofString("{\"key\":\"" + SECRET + "\"}")));
    }

    private static String jwk(Path file) throws IOException {
        return RunningGateway.JSON
                .readTree(Files.readString(file))
                .path("keys")
                .path(0)
                .toString();
    }
}
