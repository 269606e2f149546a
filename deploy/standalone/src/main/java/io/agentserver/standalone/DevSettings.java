package io.agentserver.standalone;

import io.agentserver.localstores.FreePorts;
import io.agentserver.localstores.LocalStores;
import io.agentserver.service.ConfigurationException;
import io.agentserver.service.Setting;

import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;

/** The settings of all five services in dev: what the environment says, else CONTRACTS 10's ports and our own stores. */
final class DevSettings {
    private static final Map<Setting, Integer> PORTS = new LinkedHashMap<>();

    static {
        PORTS.put(Setting.AGENTSERVER_GATEWAY_PORT, 8080);
        PORTS.put(Setting.AGENTSERVER_LLM_PORT, 8081);
        PORTS.put(Setting.AGENTSERVER_BUFFER_PORT, 8082);
        PORTS.put(Setting.AGENTSERVER_BILLING_PORT, 8084);
        PORTS.put(Setting.AGENTSERVER_GATEWAY_MANAGEMENT_PORT, 9080);
        PORTS.put(Setting.AGENTSERVER_LLM_MANAGEMENT_PORT, 9081);
        PORTS.put(Setting.AGENTSERVER_BUFFER_MANAGEMENT_PORT, 9082);
        PORTS.put(Setting.AGENTSERVER_PUMP_MANAGEMENT_PORT, 9083);
        PORTS.put(Setting.AGENTSERVER_BILLING_MANAGEMENT_PORT, 9084);
    }

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

    /** Before anything starts. @throws io.agentserver.localstores.LocalStoreException naming a port that is taken, and the remedy */
    void requireFreePorts() {
        PORTS.keySet().forEach(setting -> FreePorts.requireFree(port(setting), setting.name()));
    }

    boolean hasOwnRedis() {
        return environment
                .getOrDefault(Setting.AGENTSERVER_REDIS_URL.name(), "")
                .isEmpty();
    }

    int port(Setting setting) {
        String text = environment.getOrDefault(setting.name(), String.valueOf(PORTS.get(setting)));
        try {
            int port = Integer.parseInt(text);
            if (port >= 1 && port <= 65535) {
                return port;
            }
        } catch (NumberFormatException e) {
            throw new ConfigurationException(setting + "=" + text + " is no port: give a number from 1 to 65535", e);
        }
        throw new ConfigurationException(setting + "=" + text + " is no port: give a number from 1 to 65535");
    }

    String url(Setting port) {
        return "http://127.0.0.1:" + port(port);
    }

    Map<String, String> forServices(DevHome home, LocalStores stores) {
        Map<String, String> settings = new HashMap<>();
        PORTS.keySet().forEach(setting -> settings.put(setting.name(), String.valueOf(port(setting))));
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
        put(settings, Setting.AGENTSERVER_PUMP_ALLOW_LOOPBACK, "true");
        put(settings, Setting.AGENTSERVER_LOG_FORMAT, "text");
        for (Setting setting : new Setting[] {
            Setting.AGENTSERVER_BUFFER_STORE,
            Setting.AGENTSERVER_BUFFER_TTL,
            Setting.AGENTSERVER_LLM_ROUTES,
            Setting.AGENTSERVER_OTLP_ENDPOINT,
            Setting.AGENTSERVER_LOG_FORMAT
        }) {
            String value = environment.get(setting.name());
            if (value != null) {
                put(settings, setting, value);
            }
        }
        QUIET.forEach(settings::put);
        return settings;
    }

    private static void put(Map<String, String> settings, Setting setting, String value) {
        settings.put(setting.name(), value);
    }
}
