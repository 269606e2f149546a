package io.agentserver.standalone;

import io.agentserver.localstores.FreePorts;
import io.agentserver.localstores.LocalStores;
import io.agentserver.service.ConfigurationException;
import io.agentserver.service.Setting;
import io.agentserver.service.grpc.GrpcAddress;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** The settings of all five services in dev: what the environment says, else CONTRACTS 10's ports and our own stores. */
final class DevSettings {
    /** Each service sets the process's logging anew: what we say, and what our libraries find wrong. */
    static final Map<String, String> QUIET = Map.of(
            "logging.level.root", "WARN",
            "logging.level.io.agentserver", "INFO",
            // a stack trace for each condition that did not hold
            "logging.level.com.amazonaws.services.dynamodbv2.local", "ERROR",
            // a broker that is away is its caller's to tell
            "logging.level.org.apache.kafka", "ERROR",
            "logging.level.kafka", "ERROR");

    private final Map<String, String> environment;

    DevSettings(Map<String, String> environment) {
        this.environment = environment;
    }

    /**
     * Before anything starts.
     *
     * @throws ConfigurationException one line with all ports that are taken, by whom, and the remedy
     */
    void requireFreePorts() {
        Map<Integer, Setting> given = new HashMap<>();
        Map<String, List<String>> takenBy = new LinkedHashMap<>();
        for (Setting setting : Setting.ports()) {
            int port = port(setting);
            Setting other = given.putIfAbsent(port, setting);
            if (other != null) {
                throw new ConfigurationException(
                        other + " and " + setting + " are both " + port + ": give each a port of its own");
            }
            FreePorts.holder(port)
                    .ifPresent(holder -> takenBy.computeIfAbsent(holder, _ -> new ArrayList<>())
                            .add(setting + "=" + port));
        }
        if (!takenBy.isEmpty()) {
            throw new ConfigurationException(takenBy.entrySet().stream()
                            .map(e -> String.join(", ", e.getValue()) + " taken by " + e.getKey())
                            .collect(Collectors.joining("; "))
                    + ": stop that, or give other ports");
        }
    }

    boolean hasOwnRedis() {
        return environment
                .getOrDefault(Setting.AGENTSERVER_REDIS_URL.name(), "")
                .isEmpty();
    }

    int port(Setting setting) {
        return setting.port(environment);
    }

    String url(Setting port) {
        return "http://127.0.0.1:" + port(port);
    }

    /** For services of one process: what they say to the buffer need not leave it. */
    Map<String, String> inOneProcess(Map<String, String> forServices) {
        Map<String, String> settings = new HashMap<>(forServices);
        put(
                settings,
                Setting.AGENTSERVER_BUFFER_ADDRESS,
                GrpcAddress.inProcess(port(Setting.AGENTSERVER_BUFFER_PORT)).text());
        return settings;
    }

    Map<String, String> forServices(DevHome home, LocalStores stores) {
        Map<String, String> settings = new HashMap<>();
        Setting.ports().forEach(setting -> settings.put(setting.name(), String.valueOf(port(setting))));
        put(settings, Setting.AGENTSERVER_BIND, "127.0.0.1");
        put(settings, Setting.AGENTSERVER_KAFKA, stores.kafkaBootstrap());
        put(settings, Setting.AGENTSERVER_KAFKA_REPLICATION, "1");
        put(
                settings,
                Setting.AGENTSERVER_REDIS_URL,
                hasOwnRedis() ? stores.redisUrl() : environment.getOrDefault("AGENTSERVER_REDIS_URL", ""));
        put(settings, Setting.AGENTSERVER_DYNAMODB_URL, stores.dynamoEndpoint().toString());
        put(settings, Setting.AGENTSERVER_PLATFORM_KEY, home.platformKey().toString());
        put(settings, Setting.AGENTSERVER_PLATFORM_SECRET, home.platformSecret());
        put(settings, Setting.AGENTSERVER_ADMIN_KEY, home.adminKey());
        put(settings, Setting.AGENTSERVER_BUFFER_ADDRESS, "127.0.0.1:" + port(Setting.AGENTSERVER_BUFFER_PORT));
        put(settings, Setting.AGENTSERVER_LLM_URL, url(Setting.AGENTSERVER_LLM_PORT));
        put(settings, Setting.AGENTSERVER_BILLING_URL, url(Setting.AGENTSERVER_BILLING_PORT));
        put(settings, Setting.AGENTSERVER_GATEWAY_URL, url(Setting.AGENTSERVER_GATEWAY_PORT));
        put(settings, Setting.AGENTSERVER_CONSOLE_URL, url(Setting.AGENTSERVER_BILLING_PORT) + "/console");
        put(settings, Setting.AGENTSERVER_CONSOLE_DEMO, "true");
        put(settings, Setting.AGENTSERVER_ALLOW_LOOPBACK, "true");
        put(settings, Setting.AGENTSERVER_TEST_CARD, "true");
        put(settings, Setting.AGENTSERVER_LOG_FORMAT, "text");
        for (Setting setting : new Setting[] {
            Setting.AGENTSERVER_BUFFER_STORE,
            Setting.AGENTSERVER_BUFFER_TTL,
            Setting.AGENTSERVER_BUFFER_THREAD_SLOTS,
            Setting.AGENTSERVER_BUFFER_CONVERSATION_BYTES,
            Setting.AGENTSERVER_BUFFER_TENANT_BYTES,
            Setting.AGENTSERVER_BACKUP_BUCKET,
            Setting.AGENTSERVER_BACKUP_PREFIX,
            Setting.AGENTSERVER_BACKUP_REGION,
            Setting.AGENTSERVER_BACKUP_PERIOD,
            Setting.AGENTSERVER_BACKUP_KEPT,
            Setting.AGENTSERVER_S3_URL,
            Setting.AGENTSERVER_LLM_ROUTES,
            Setting.AGENTSERVER_OTLP_ENDPOINT,
            Setting.AGENTSERVER_METRICS_TENANTS,
            Setting.AGENTSERVER_STRIPE_KEY,
            Setting.AGENTSERVER_STRIPE_WEBHOOK_SECRET,
            Setting.AGENTSERVER_STRIPE_ACCOUNT,
            Setting.AGENTSERVER_STRIPE_METER,
            Setting.AGENTSERVER_STRIPE_URL,
            Setting.AGENTSERVER_RECONCILE_EVERY,
            Setting.AGENTSERVER_LOG_FORMAT
        }) {
            String value = environment.get(setting.name());
            if (value != null) {
                put(settings, setting, value);
            }
        }
        QUIET.forEach(settings::put);
        // five services share one small heap; what is not remembered is read again
        settings.put("agentserver.buffer.cache", "48MB");
        return settings;
    }

    private static void put(Map<String, String> settings, Setting setting, String value) {
        settings.put(setting.name(), value);
    }
}
