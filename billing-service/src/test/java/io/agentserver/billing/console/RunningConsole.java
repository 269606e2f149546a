package io.agentserver.billing.console;

import io.agentserver.billing.BillingApplication;
import io.agentserver.billing.TestStores;
import io.agentserver.billing.UsageTopic;
import io.agentserver.envelope.TenantId;
import io.agentserver.localstores.FreePorts;
import io.agentserver.service.PlatformKeys;
import io.agentserver.service.ServiceApplication;
import io.agentserver.tenancy.TenantDirectory;
import org.awaitility.Awaitility;
import org.springframework.context.ConfigurableApplicationContext;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;

/** Billing with its console, on real stores and its own port, for tests of pages. The gateway is away. */
final class RunningConsole implements AutoCloseable {
    private final TenantsOnTopic tenants = new TenantsOnTopic();
    private final int port = FreePorts.take();
    private final int management = FreePorts.take();
    private final ConfigurableApplicationContext context;

    private RunningConsole(Path directory, Map<String, String> changes) {
        UsageTopic.create();
        Path key = directory.resolve("platform.jwk");
        try {
            PlatformKeys.createIfAbsent(key);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
        Map<String, String> settings = new HashMap<>();
        settings.put("AGENTSERVER_KAFKA", TestStores.kafka());
        settings.put("AGENTSERVER_DYNAMODB_URL", TestStores.dynamoUrl());
        settings.put("AGENTSERVER_REDIS_URL", TestStores.redisUrl());
        settings.put("AGENTSERVER_PLATFORM_KEY", key.toString());
        settings.put("AGENTSERVER_BIND", "127.0.0.1");
        settings.put("AGENTSERVER_LOG_FORMAT", "text");
        settings.put("AGENTSERVER_BILLING_PORT", String.valueOf(port));
        settings.put("AGENTSERVER_BILLING_MANAGEMENT_PORT", String.valueOf(management));
        settings.put("AGENTSERVER_GATEWAY_URL", "http://127.0.0.1:" + FreePorts.take());
        settings.put("AGENTSERVER_TEST_CARD", "true");
        settings.put("AGENTSERVER_CONSOLE_DEMO", "true");
        settings.putAll(changes);
        this.context = ServiceApplication.start(BillingApplication.class, "billing", settings);
    }

    static RunningConsole start(Path directory, Map<String, String> changes) {
        return new RunningConsole(directory, changes);
    }

    String url() {
        return "http://127.0.0.1:" + port + "/console";
    }

    int port() {
        return port;
    }

    int management() {
        return management;
    }

    <T> T bean(Class<T> type) {
        return context.getBean(type);
    }

    TenantsOnTopic tenants() {
        return tenants;
    }

    /** Waits until the console knows it. */
    void putTenant(String tenant, io.agentserver.tenancy.TenantEntry.Key... keys) {
        tenants.put(tenant, keys);
        TenantDirectory directory = bean(TenantDirectory.class);
        Awaitility.await()
                .atMost(Duration.ofSeconds(30))
                .until(() -> directory.isFresh()
                        && directory.find(new TenantId(tenant)).isPresent());
    }

    @Override
    public void close() {
        context.close();
        tenants.close();
    }
}
