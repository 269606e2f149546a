package io.agentserver.standalone.faults;

import io.agentserver.localstores.ChildJvm;
import io.agentserver.localstores.FreePorts;
import io.agentserver.localstores.LocalRedis;
import io.agentserver.service.PlatformKeys;
import io.agentserver.service.Setting;
import org.awaitility.Awaitility;

import java.io.IOException;
import java.net.http.HttpClient;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Broker, Redis, DynamoDB Local, buffer, gateway, router and one to three pumps, each a process of its own at an address that
 * stays. One thread at a time changes it.
 */
final class Fleet implements AutoCloseable {
    static final String ADMIN_KEY = "an-operator-s-key-for-the-fault-runs-alone";
    private static final int MOST_PUMPS = 3;
    private static final Duration START_LIMIT = Duration.ofSeconds(180);
    private static final Duration STORE_START = Duration.ofSeconds(120);

    private final Path home;
    private final HttpClient http;
    private final int kafkaPort;
    private final int dynamoPort;
    private final Map<String, String> settings = new HashMap<>();
    private final List<ServiceProcess> services = new ArrayList<>();
    private final List<ServiceProcess> pumps = new ArrayList<>();
    private ChildJvm kafka;
    private final ChildJvm dynamo;
    private LocalRedis redis;

    private Fleet(Path home, String modelUrl, HttpClient http) throws IOException {
        this.home = home;
        this.http = http;
        int[] ports = FreePorts.take(2 + Setting.ports().size() + MOST_PUMPS);
        kafkaPort = ports[0];
        dynamoPort = ports[1];
        kafka = store("kafka", kafkaPort);
        dynamo = store("dynamodb", dynamoPort);
        redis = LocalRedis.start(home.resolve("redis"), 0);
        int next = 2;
        for (Setting setting : Setting.ports()) {
            settings.put(setting.name(), String.valueOf(ports[next++]));
        }
        settings(modelUrl);
        for (Role role : Role.values()) {
            if (role != Role.PUMP) {
                services.add(new ServiceProcess(
                        role.toString(), role, home, settings, Integer.parseInt(settings.get(role.managementPort()))));
            }
        }
        for (int i = 1; i <= MOST_PUMPS; i++) {
            ServiceProcess pump = new ServiceProcess(Role.PUMP + "-" + i, Role.PUMP, home, settings, ports[next++]);
            services.add(pump);
            pumps.add(pump);
        }
    }

    /** Blocks until all answer; two pumps. */
    static Fleet start(Path home, String modelUrl, HttpClient http) throws IOException {
        Fleet fleet = new Fleet(home, modelUrl, http);
        fleet.kafka.awaitLine("ready", STORE_START);
        fleet.dynamo.awaitLine("ready", STORE_START);
        fleet.services.stream()
                .filter(service -> service != fleet.pumps.getLast())
                .forEach(ServiceProcess::start);
        fleet.awaitReady();
        return fleet;
    }

    private void settings(String modelUrl) throws IOException {
        Path key = home.resolve("platform-key.json");
        PlatformKeys.createIfAbsent(key);
        Path routes = home.resolve("routes.yaml");
        Files.writeString(routes, """
                providers:
                  - {name: scripted, url: "%s", key_env: SCRIPTED_MODEL_KEY}
                routes:
                  default: {chain: [scripted/m]}
                """.formatted(modelUrl));
        settings.put("SCRIPTED_MODEL_KEY", "k");
        put(Setting.AGENTSERVER_KAFKA, kafkaBootstrap());
        put(Setting.AGENTSERVER_KAFKA_REPLICATION, "1");
        put(Setting.AGENTSERVER_REDIS_URL, redis.url());
        put(Setting.AGENTSERVER_DYNAMODB_URL, dynamoUrl());
        put(Setting.AGENTSERVER_PLATFORM_KEY, key.toString());
        put(Setting.AGENTSERVER_PLATFORM_SECRET, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
        put(Setting.AGENTSERVER_ADMIN_KEY, ADMIN_KEY);
        put(Setting.AGENTSERVER_BIND, "127.0.0.1");
        put(Setting.AGENTSERVER_BUFFER_ADDRESS, "127.0.0.1:" + settings.get("AGENTSERVER_BUFFER_PORT"));
        put(Setting.AGENTSERVER_BUFFER_STORE, "tiered");
        put(Setting.AGENTSERVER_LLM_URL, "http://127.0.0.1:" + settings.get("AGENTSERVER_LLM_PORT"));
        put(Setting.AGENTSERVER_LLM_ROUTES, routes.toString());
        put(Setting.AGENTSERVER_BILLING_URL, "http://127.0.0.1:" + settings.get("AGENTSERVER_BILLING_PORT"));
        put(Setting.AGENTSERVER_ALLOW_LOOPBACK, "true");
        put(Setting.AGENTSERVER_LOG_FORMAT, "text");
    }

    private void put(Setting setting, String value) {
        settings.put(setting.name(), value);
    }

    String gatewayUrl() {
        return "http://127.0.0.1:" + settings.get("AGENTSERVER_GATEWAY_PORT");
    }

    String kafkaBootstrap() {
        return "127.0.0.1:" + kafkaPort;
    }

    String dynamoUrl() {
        return "http://127.0.0.1:" + dynamoPort;
    }

    String redisUrl() {
        return redis.url();
    }

    List<ServiceProcess> pumps() {
        return pumps;
    }

    List<ServiceProcess> ofRole(Role role) {
        return services.stream()
                .filter(service -> service.role() == role && service.isWanted())
                .toList();
    }

    long dynamoPid() {
        return dynamo.pid();
    }

    long kafkaPid() {
        return kafka.pid();
    }

    /** kill -9, then again on the same log. */
    void restartBroker() {
        kafka.kill();
        kafka = store("kafka", kafkaPort);
        kafka.awaitLine("ready", STORE_START);
    }

    /** kill -9, then again with what it had synced. */
    void restartRedis() {
        ProcessHandle.of(redis.pid()).ifPresent(server -> {
            server.destroyForcibly();
            server.onExit().join();
        });
        int port = redis.port();
        redis.close();
        redis = LocalRedis.start(home.resolve("redis"), port);
    }

    /** As Kubernetes would: what has ended and should run is started again. */
    void startWhatHasEnded() {
        services.stream()
                .filter(service -> service.isWanted() && !service.isAlive())
                .forEach(ServiceProcess::start);
    }

    /** What ends meanwhile is started again: a crash point may be reached before the last is ready. */
    void awaitReady() {
        Awaitility.await("all services are ready")
                .atMost(START_LIMIT)
                .pollInterval(Duration.ofMillis(250))
                .until(() -> {
                    startWhatHasEnded();
                    for (ServiceProcess service : services) {
                        if (service.isWanted() && !service.isReady(http)) {
                            return false;
                        }
                    }
                    return true;
                });
    }

    /** How often a process ended there, by point. */
    Map<CrashPoint, Long> crashes() {
        Map<CrashPoint, Long> crashes = new EnumMap<>(CrashPoint.class);
        for (CrashPoint point : CrashPoint.values()) {
            long count = services.stream()
                    .filter(service -> service.role() == point.role())
                    .mapToLong(service -> service.crashes(point))
                    .sum();
            crashes.put(point, count);
        }
        return crashes;
    }

    String tails() {
        StringBuilder tails = new StringBuilder();
        services.forEach(service -> tails.append("--- ")
                .append(service.name())
                .append('\n')
                .append(service.tail())
                .append('\n'));
        return tails.toString();
    }

    @Override
    public void close() {
        services.forEach(ServiceProcess::close);
        Signals.send("CONT", dynamo.pid());
        Signals.send("CONT", kafka.pid());
        dynamo.close();
        kafka.close();
        redis.close();
    }

    private ChildJvm store(String which, int port) {
        return ChildJvm.start(StoreProcess.class, which, home.resolve(which).toString(), String.valueOf(port));
    }
}
