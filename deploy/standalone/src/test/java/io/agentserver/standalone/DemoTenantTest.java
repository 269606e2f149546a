package io.agentserver.standalone;

import io.agentserver.gateway.GatewayApplication;
import io.agentserver.localstores.FreePorts;
import io.agentserver.localstores.LocalStores;
import io.agentserver.service.ServiceApplication;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.context.ConfigurableApplicationContext;

import java.io.IOException;
import java.net.http.HttpClient;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

import static org.assertj.core.api.Assertions.assertThat;

@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class DemoTenantTest {
    private final HttpClient http = HttpClient.newHttpClient();
    private LocalStores stores;
    private ConfigurableApplicationContext service;
    private Path directory;
    private DevHome home;
    private String gateway;

    @BeforeAll
    void start(@TempDir Path temporary) {
        directory = temporary;
        home = DevHome.open(directory);
        stores = LocalStores.inTemporaryDirectory();
        int[] ports = FreePorts.take(2);
        gateway = "http://127.0.0.1:" + ports[0];
        DevSettings settings = new DevSettings(Map.of(
                "AGENTSERVER_REDIS_URL",
                stores.redisUrl(),
                "AGENTSERVER_GATEWAY_PORT",
                String.valueOf(ports[0]),
                "AGENTSERVER_GATEWAY_MANAGEMENT_PORT",
                String.valueOf(ports[1])));
        service = ServiceApplication.start(GatewayApplication.class, "gateway", settings.forServices(home, stores));
    }

    @AfterAll
    void stop() {
        http.close();
        service.close();
        stores.close();
    }

    @Test
    void keeps_its_key_over_starts_and_gets_another_for_one_that_is_lost_or_refused() throws IOException {
        String first = new DemoTenant(gateway, home).ensure();
        assertThat(new DemoTenant(gateway, home).ensure()).isEqualTo(first);

        Files.delete(directory.resolve("demo-key")); // as after a crash between the tenant and its key's file
        String second = new DemoTenant(gateway, home).ensure();
        assertThat(second).isNotEqualTo(first);
        assertThat(home.demoKey()).hasValue(second);
        assertThat(statusOf(first)).as("the lost key, which somebody may have").isEqualTo(200);

        revoke(second);
        String third = new DemoTenant(gateway, home).ensure();
        assertThat(statusOf(third)).isEqualTo(200);

        Files.writeString(directory.resolve("demo-key"), "torn\u0000");
        assertThat(statusOf(new DemoTenant(gateway, home).ensure())).isEqualTo(200);
    }

    private int statusOf(String key) {
        return client(key).get("/v1/organism").statusCode();
    }

    private void revoke(String key) {
        HttpResponse<String> keys = client(key).get("/v1/keys");
        String last = Client.json(keys).path("data").path(1).path("id").stringValue();
        assertThat(client(key).delete("/v1/keys/" + last).statusCode()).isEqualTo(204);
        assertThat(statusOf(key)).isEqualTo(401);
    }

    private Client client(String key) {
        return new Client(http, gateway, key);
    }
}
