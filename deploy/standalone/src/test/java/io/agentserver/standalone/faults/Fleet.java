package io.agentserver.standalone.faults;

import io.agentserver.localstores.ChildJvm;
import io.agentserver.localstores.FreePorts;
import io.agentserver.localstores.LocalRedis;
import io.agentserver.service.PlatformKeys;
import io.agentserver.service.Setting;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;

/**
 * Broker, Redis, DynamoDB Local, two gateways, two buffers, a router, billing and one to five pumps, each a process of its own at an
 * address that stays, with a {@link Link} of its own to each that it goes to. One thread at a time changes it.
 */
final class Fleet implements AutoCloseable {
    static final String ADMIN_KEY = "an-operator-s-key-for-the-fault-runs-alone";
    private static final int GATEWAYS = 2;
    private static final int BUFFERS = 2;
    /** As a run begins. */
    static final int PUMPS = 2;

    private static final int MOST_PUMPS = 5;
    private static final Duration START_LIMIT = Duration.ofSeconds(180);
    private static final Duration STORE_START = Duration.ofSeconds(120);

    private final Path home;
    private final HttpClient http;
    private final Random random;
    private final Lifeline lifeline;
    private final int kafkaPort = FreePorts.take();
    private final int dynamoPort = FreePorts.take();
    private final int routerPort = FreePorts.take();
    private final int[] gatewayPorts = FreePorts.take(GATEWAYS);
    private final int[] bufferPorts = FreePorts.take(BUFFERS);
    private final Map<Integer, Integer> detours = new HashMap<>();
    private final Map<String, String> settings = new HashMap<>();
    private final Link toModel;
    private final List<ServiceProcess> services = new ArrayList<>();
    private final List<ServiceProcess> pumps = new ArrayList<>();
    private ChildJvm kafka;
    private final ChildJvm dynamo;
    private LocalRedis redis;

    /** @param seed of what its links do in their troubles */
    private Fleet(Path home, String modelUrl, HttpClient http, long seed) throws IOException {
        this.home = home;
        this.http = http;
        this.random = new Random(seed);
        lifeline = Lifeline.start(home.toString());
        redis = LocalRedis.start(home.resolve("redis"), 0);
        URI model = URI.create(modelUrl);
        toModel = link(Role.LLM + "-1", "model", model.getPort());
        settings("http://127.0.0.1:" + toModel.port() + model.getPath());
        // the first gateway makes the topic that the others read before they are ready
        for (int i = 0; i < GATEWAYS; i++) {
            add(Role.GATEWAY, i, Map.of(Setting.AGENTSERVER_GATEWAY_PORT, gatewayPorts[i]));
        }
        for (int i = 0; i < BUFFERS; i++) {
            add(Role.BUFFER, i, Map.of(Setting.AGENTSERVER_BUFFER_PORT, bufferPorts[i]));
        }
        add(Role.LLM, 0, Map.of(Setting.AGENTSERVER_LLM_PORT, routerPort));
        // it opens the credit without which no model is called, again and again when Redis has lost it
        add(Role.BILLING, 0, Map.of(Setting.AGENTSERVER_BILLING_PORT, FreePorts.take()));
        for (int i = 0; i < MOST_PUMPS; i++) {
            pumps.add(add(Role.PUMP, i, Map.of()));
        }
        kafka = kafka();
        dynamo = store("dynamodb", dynamoPort);
    }

    private ServiceProcess add(Role role, int number, Map<Setting, Integer> ports) throws IOException {
        String name = role + "-" + (number + 1);
        Map<String, String> own = new HashMap<>(settings);
        own.put(role.managementPort(), String.valueOf(FreePorts.take()));
        ports.forEach((setting, port) -> own.put(setting.name(), String.valueOf(port)));
        List<Link> links = new ArrayList<>();
        int listening = FreePorts.take();
        Link toKafka = link(name, "kafka", listening);
        detours.put(listening, toKafka.port());
        links.add(toKafka);
        own.put(Setting.AGENTSERVER_KAFKA.name(), "127.0.0.1:" + toKafka.port());
        if (role == Role.PUMP || role == Role.GATEWAY) {
            links.add(link(name, "buffer", bufferPorts[number % BUFFERS]));
            own.put(
                    Setting.AGENTSERVER_BUFFER_ADDRESS.name(),
                    "127.0.0.1:" + links.getLast().port());
        }
        if (role == Role.PUMP) {
            links.add(link(name, "llm", routerPort));
            own.put(
                    Setting.AGENTSERVER_LLM_URL.name(),
                    "http://127.0.0.1:" + links.getLast().port());
        }
        if (role == Role.LLM) {
            links.add(toModel);
        }
        if (role != Role.PUMP) {
            links.add(link(name, "redis", redis.port()));
            own.put(
                    Setting.AGENTSERVER_REDIS_URL.name(),
                    "redis://127.0.0.1:" + links.getLast().port());
        }
        if (role == Role.BUFFER || role == Role.GATEWAY || role == Role.BILLING) {
            links.add(link(name, "dynamodb", dynamoPort));
            own.put(
                    Setting.AGENTSERVER_DYNAMODB_URL.name(),
                    "http://127.0.0.1:" + links.getLast().port());
        }
        ServiceProcess service = new ServiceProcess(name, role, home, own, links, lifeline);
        services.add(service);
        return service;
    }

    private Link link(String from, String to, int target) throws IOException {
        return new Link(from, to, FreePorts.take(), target, random.nextLong());
    }

    /** Blocks until all answer. */
    static Fleet start(Path home, String modelUrl, HttpClient http, long seed)
            throws IOException, InterruptedException {
        Fleet fleet = new Fleet(home, modelUrl, http, seed);
        fleet.kafka.awaitLine("ready", STORE_START);
        fleet.dynamo.awaitLine("ready", STORE_START);
        for (ServiceProcess service : fleet.services) {
            if (!fleet.pumps.subList(PUMPS, MOST_PUMPS).contains(service)) {
                service.start();
                // starting is work for the processor: more than two at once, and each gives up waiting for the others
                fleet.awaitAtMostOneStarting();
            }
        }
        fleet.awaitReady();
        return fleet;
    }

    private void settings(String modelUrl) throws IOException {
        Path key = home.resolve("platform-key.json");
        PlatformKeys.createIfAbsent(key);
        Path routes = home.resolve("routes.yaml");
        Files.writeString(routes, """
                providers:
                  - {name: scripted, url: "%s", key_env: SCRIPTED_MODEL_KEY, price: {input: 1000000, output: 2000000}}
                routes:
                  default: {chain: [scripted/m], first_token: 10s, silence: 10s, total: 20s}
                """.formatted(modelUrl));
        settings.put("SCRIPTED_MODEL_KEY", "k");
        put(Setting.AGENTSERVER_KAFKA_REPLICATION, "1");
        put(Setting.AGENTSERVER_PLATFORM_KEY, key.toString());
        put(Setting.AGENTSERVER_PLATFORM_SECRET, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
        put(Setting.AGENTSERVER_ADMIN_KEY, ADMIN_KEY);
        put(Setting.AGENTSERVER_BIND, "127.0.0.1");
        put(Setting.AGENTSERVER_BUFFER_STORE, "tiered");
        put(Setting.AGENTSERVER_LLM_ROUTES, routes.toString());
        put(Setting.AGENTSERVER_ALLOW_LOOPBACK, "true");
        put(Setting.AGENTSERVER_LOG_FORMAT, "text");
        // what a killed router held is let go 25 s after it began, well before all must be at rest
        settings.put("agentserver.llm-router.hold-grace", "5s");
        settings.put("agentserver.llm-router.sweep-every", "1s");
    }

    private void put(Setting setting, String value) {
        settings.put(setting.name(), value);
    }

    List<String> gatewayUrls() {
        return Arrays.stream(gatewayPorts)
                .mapToObj(port -> "http://127.0.0.1:" + port)
                .toList();
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

    String bufferAddress() {
        return "127.0.0.1:" + bufferPorts[0];
    }

    /** Of the platform, which all have. */
    Path keyFile() {
        return Path.of(settings.get(Setting.AGENTSERVER_PLATFORM_KEY.name()));
    }

    List<ServiceProcess> pumps() {
        return pumps;
    }

    /** Starts some, or tells some to end and waits for that. */
    void scalePumps(int wanted) {
        for (ServiceProcess pump : pumps) {
            if (ofRole(Role.PUMP).size() < wanted && !pump.isWanted()) {
                pump.start();
            } else if (ofRole(Role.PUMP).size() > wanted && pump.isWanted()) {
                pump.stop();
            }
        }
    }

    List<ServiceProcess> ofRole(Role role) {
        return services.stream()
                .filter(service -> service.role() == role && service.isWanted())
                .toList();
    }

    List<ServiceProcess> running() {
        return services.stream().filter(ServiceProcess::isWanted).toList();
    }

    long dynamoPid() {
        return dynamo.pid();
    }

    long kafkaPid() {
        return kafka.pid();
    }

    long redisPid() {
        return redis.pid();
    }

    /** kill -9, then again on the same log. */
    void restartBroker() {
        kafka.kill();
        kafka = kafka();
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

    /**
     * As Kubernetes would: what has ended and should run is started again.
     *
     * @return whether there was any
     */
    boolean startWhatHasEnded() {
        List<ServiceProcess> ended =
                running().stream().filter(service -> !service.isAlive()).toList();
        ended.forEach(ServiceProcess::start);
        return !ended.isEmpty();
    }

    void awaitReady() throws InterruptedException {
        awaitReady(START_LIMIT);
    }

    /**
     * What ends meanwhile is started again, and then has the time of a start: a crash point may be reached before the last is
     * ready.
     */
    void awaitReady(Duration limit) throws InterruptedException {
        long deadline = System.nanoTime() + limit.toNanos();
        for (List<String> waited = notReady(); !waited.isEmpty(); waited = notReady()) {
            if (startWhatHasEnded()) {
                deadline = System.nanoTime() + START_LIMIT.toNanos();
            }
            if (System.nanoTime() > deadline) {
                throw new AssertionError(waited + " not ready within " + limit);
            }
            Thread.sleep(Duration.ofMillis(250));
        }
    }

    private void awaitAtMostOneStarting() throws InterruptedException {
        long deadline = System.nanoTime() + START_LIMIT.toNanos();
        while (notReady().size() > 1) {
            startWhatHasEnded();
            if (System.nanoTime() > deadline) {
                throw new AssertionError(notReady() + " not ready within " + START_LIMIT);
            }
            Thread.sleep(Duration.ofMillis(250));
        }
    }

    private List<String> notReady() throws InterruptedException {
        List<String> notReady = new ArrayList<>();
        for (ServiceProcess service : running()) {
            if (!service.isReady(http)) {
                notReady.add(service.name());
            }
        }
        return notReady;
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

    /** Ways from one kind of process to another that nothing has gone: a trouble there would have reached nobody. */
    List<String> unusedWays() {
        Map<String, Boolean> used = new TreeMap<>();
        for (ServiceProcess service : services) {
            for (Link link : service.links()) {
                used.merge(service.role() + " to " + link.to(), link.isUsed(), Boolean::logicalOr);
            }
        }
        return used.entrySet().stream()
                .filter(way -> !way.getValue())
                .map(way -> "nothing has gone by the links of " + way.getKey())
                .toList();
    }

    /** Of each that runs, its threads. */
    Map<String, Integer> threads() throws InterruptedException {
        Map<String, Integer> threads = new TreeMap<>();
        for (ServiceProcess service : running()) {
            threads.put(service.name(), service.threads());
        }
        return threads;
    }

    List<String> negativeTimes() throws IOException, InterruptedException {
        List<String> negative = new ArrayList<>();
        for (ServiceProcess service : running()) {
            negative.addAll(service.negativeTimes(http));
        }
        return negative;
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
        services.forEach(service -> service.links().forEach(Link::close));
        Signals.send("CONT", dynamo.pid());
        Signals.send("CONT", kafka.pid());
        dynamo.close();
        kafka.close();
        redis.close();
        lifeline.close();
    }

    private ChildJvm kafka() {
        return store(
                "kafka",
                kafkaPort,
                detours.entrySet().stream()
                        .map(detour -> detour.getKey() + "=" + detour.getValue())
                        .toArray(String[]::new));
    }

    private ChildJvm store(String which, int port, String... more) {
        List<String> arguments =
                new ArrayList<>(List.of(which, home.resolve(which).toString(), String.valueOf(port)));
        arguments.addAll(List.of(more));
        return ChildJvm.start(StoreProcess.class, arguments.toArray(String[]::new));
    }
}
