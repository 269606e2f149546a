package io.agentserver.standalone.faults;

import io.agentserver.buffer.commit.Commit;
import io.agentserver.envelope.MessageId;
import io.agentserver.envelope.TenantId;
import io.agentserver.envelope.ThreadId;
import io.agentserver.log.Topics;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.json.JsonMapper;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.random.RandomGenerator;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * {@code -Dfaults=…} says how many runs (default 1; 40 and more must reach every crash point), {@code -Dfault.seed=…} repeats one's faults, alone, {@code -Dfault.only=…}
 * says which may come after a run's crash; each leaves its history
 * in {@code target/fault-runs}, one that found something also the services' logs and the journals that are wrong. A seed fixes what clients send and which faults come, not how threads interleave.
 */
@Tag("alone") // within so many seconds all must be true, and a pump must have left
class FaultRunIT {
    private static final Duration HEALED = Duration.ofSeconds(60);
    /** A service at rest has some 50 threads, virtual ones too. */
    private static final int MOST_THREADS = 200;

    private static final Duration BETWEEN_FAULTS = Duration.ofSeconds(4);
    private static final int FAULTS = 3;
    private static final int CLIENTS = 5;
    private static final int CLIENTS_OF_THE_OTHER = 3;
    private static final Path HISTORIES = Path.of("target/fault-runs");

    private static final HttpClient HTTP =
            HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(5)).build();

    @TempDir
    @SuppressWarnings("NullAway.Init")
    private static Path home;

    @SuppressWarnings("NullAway.Init")
    private static Clerk clerk;

    @SuppressWarnings("NullAway.Init")
    private static Scripted scripted;

    @SuppressWarnings("NullAway.Init")
    private static Fleet fleet;

    @SuppressWarnings("NullAway.Init")
    private static Org org;

    @SuppressWarnings("NullAway.Init")
    private static Org other;

    @SuppressWarnings("NullAway.Init")
    private static RunChecker checker;

    /** In all runs so far: what was lost then may be owed until billing looks all over, each ten minutes. */
    private static Windows emptied = Windows.NONE;

    @BeforeAll
    static void startTheFleet() throws Exception {
        if (!WallClock.isAdjustable()) {
            System.out.println("no libfaketime on this machine: no wall clock is set; install the package faketime");
            assertThat(System.getenv("CI")).as("CI has to have libfaketime").isNotEqualTo("true");
        }
        clerk = new Clerk(HTTP);
        scripted = Scripted.start(clerk);
        fleet = Fleet.start(
                home, scripted.modelUrl(), HTTP, RandomGenerator.getDefault().nextLong());
        clerk.answersTo(gatewayUrl());
        org = create("faults");
        other = create("other-faults");
        checker = new RunChecker(fleet, List.of(org, other));
    }

    private static Org create(String tenant) throws Exception {
        String canary = "kea" + Long.toHexString(RandomGenerator.getDefault().nextLong());
        HttpResponse<String> created = send(
                HttpRequest.newBuilder(URI.create(gatewayUrl() + "/admin/v1/tenants"))
                        .header("Content-Type", "application/json")
                        .POST(HttpRequest.BodyPublishers.ofString(
                                "{\"id\":\"" + tenant + "\",\"name\":\"Faults\",\"plan\":\"dev\"}")),
                Fleet.ADMIN_KEY);
        assertThat(created.statusCode()).as(created.body()).isEqualTo(201);
        String key =
                JsonMapper.shared().readTree(created.body()).path("api_key").stringValue();
        HttpResponse<String> organism = send(
                HttpRequest.newBuilder(URI.create(gatewayUrl() + "/v1/organism"))
                        .header("Content-Type", "application/yaml")
                        .PUT(HttpRequest.BodyPublishers.ofString(scripted.organism(canary))),
                key);
        assertThat(organism.statusCode()).as(organism.body()).isEqualTo(200);
        return new Org(new TenantId(tenant), key, canary);
    }

    @AfterAll
    static void stopTheFleet() {
        if (checker != null) {
            checker.close();
        }
        if (fleet != null) {
            fleet.close();
        }
        if (scripted != null) {
            scripted.close();
            clerk.close();
        }
    }

    @Test
    void whatever_happens_to_the_processes_each_message_takes_effect_once_and_in_order() throws Exception {
        Long again = Long.getLong("fault.seed");
        int count = again == null ? Integer.getInteger("faults", 1) : 1;
        List<String> failed = new ArrayList<>();
        List<History.Line> last = List.of();
        CrashPlan plan = new CrashPlan(new Random());
        for (int i = 0; i < count; i++) {
            long seed = again == null ? plan.nextSeed(fleet.crashes()) : again;
            List<String> faults;
            try {
                faults = run(seed);
                last = History.read(history(seed));
            } catch (Exception | AssertionError e) {
                throw new AssertionError("-Dfault.seed=" + seed + ": " + e + "\n" + fleet.tails(), e);
            }
            if (!faults.isEmpty()) {
                keepEvidence(HISTORIES.resolve(String.valueOf(seed)), faults);
                failed.add("-Dfault.seed=" + seed + ": " + String.join("\n  ", faults));
                break; // what is left behind would spoil the next
            }
        }
        System.out.println("crash points reached: " + fleet.crashes());
        if (failed.isEmpty()) {
            failed.addAll(CrashPlan.missed(count, fleet.crashes()));
            failed.addAll(fleet.unusedWays());
            failed.addAll(checker.reconcile(home));
            failed.addAll(checker.canaries(last, HTTP));
        }
        if (!failed.isEmpty()) { // what was wrong goes first: a report may be cut short
            throw new AssertionError(String.join("\n", failed) + "\n" + fleet.tails());
        }
    }

    /** One of each kind after the other, while the one before it starts again: as when nodes are drained. */
    @Test
    void told_to_stop_under_load_each_service_ends_in_time_with_0_and_nothing_is_lost() throws Exception {
        long seed = RandomGenerator.getDefault().nextLong();
        Path file = HISTORIES.resolve("stops-" + seed + ".jsonl");
        Map<String, Integer> ends = new TreeMap<>();
        long begun = System.nanoTime();
        scripted.forget();
        // made before anything is told to stop: the first one in a JVM takes seconds of a busy machine
        try (Admin admin = Admin.create(Map.of(AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG, fleet.kafkaBootstrap()));
                History history = new History(file);
                Clients _ = new Clients(fleet.gatewayUrls(), org, CLIENTS, HTTP, history, seed);
                Clients _ = new Clients(fleet.gatewayUrls(), other, CLIENTS_OF_THE_OTHER, HTTP, history, ~seed)) {
            Awaitility.await("all have joined")
                    .atMost(HEALED)
                    .until(() -> members(admin) == fleet.ofRole(Role.PUMP).size());
            for (Role role : Role.values()) {
                long before = answers(file);
                Awaitility.await("load").atMost(HEALED).until(() -> answers(file) >= before + 8);
                ServiceProcess service = fleet.ofRole(role).getFirst();
                long told = System.nanoTime();
                ends.put(service.name(), service.stop());
                System.out.printf("  %s ended in %.1f s%n", service.name(), (System.nanoTime() - told) / 1e9);
                if (role == Role.PUMP) { // its partitions are the others' at once, not when its session ends
                    int others = fleet.ofRole(role).size();
                    Awaitility.await("it has left")
                            .atMost(Duration.ofSeconds(3))
                            .until(() -> members(admin) == others);
                }
                service.start();
            }
            fleet.awaitReady();
        }
        assertThat(ends).hasSize(Role.values().length);
        assertThat(ends.values()).as(ends + fleet.tails()).containsOnly(0);
        List<History.Line> told = History.read(file);
        RunChecker.Money money = new RunChecker.Money(Windows.NONE, emptied);
        Awaitility.await("-Dfault.seed=" + seed)
                .atMost(HEALED)
                .untilAsserted(() -> assertThat(checker.check(told, money)).isEmpty());
        assertThat(scripted.answeredAgain(Windows.NONE)).isEmpty();
        assertThat(clerk.refused()).isEmpty();
        System.out.printf(
                "each stopped under load: %d messages, %.0f s%n",
                checker.messages(told), (System.nanoTime() - begun) / 1e9);
    }

    private static long answers(Path history) {
        return History.read(history).stream()
                .filter(line -> line.type() == History.Type.OK)
                .count();
    }

    private static int members(Admin admin) throws Exception {
        return admin.describeConsumerGroups(List.of(Topics.PUMPS)).all().get().values().stream()
                .mapToInt(group -> group.members().size())
                .sum();
    }

    @Test
    void the_checker_misses_a_message_that_was_said_to_be_accepted() throws Exception {
        Path file = HISTORIES.resolve("doctored.jsonl");
        try (History history = new History(file)) {
            String id = "0199c0de-7a11-7000-8000-000000000001";
            ThreadId conversation = ThreadId.ofFirstMessage(org.tenant(), MessageId.parse(id));
            String tenant = org.tenant().value();
            history.write("nobody", tenant, "send", History.Type.INVOKE, conversation.toString(), id, "");
            history.write("nobody", tenant, "send", History.Type.OK, conversation.toString(), id, "202");
        }
        assertThat(checker.check(History.read(file), new RunChecker.Money(Windows.NONE, emptied)))
                .isNotEmpty();
    }

    private static Path history(long seed) {
        return HISTORIES.resolve(seed + ".jsonl");
    }

    private static List<String> run(long seed) throws Exception {
        System.out.println("fault run -Dfault.seed=" + seed);
        Random random = new Random(seed);
        Path file = history(seed);
        Path armed = home.resolve("armed");
        long begun = System.nanoTime();
        List<String> struck = new ArrayList<>();
        fleet.scalePumps(Fleet.PUMPS); // or the faults before would say what these meet
        fleet.awaitReady();
        scripted.forget();
        try (History history = new History(file)) {
            long clients = random.nextLong();
            try (Clients _ = new Clients(fleet.gatewayUrls(), org, CLIENTS, HTTP, history, clients);
                    Clients _ =
                            new Clients(fleet.gatewayUrls(), other, CLIENTS_OF_THE_OTHER, HTTP, history, ~clients)) {
                Files.createFile(armed);
                boolean isQuiet = true;
                for (int i = 0; i < FAULTS; i++) {
                    Fault fault = i == 0 ? Fault.CRASH : any(random);
                    history.fault(fault.name(), History.Type.INVOKE, null);
                    String what = i == 0
                            ? Fault.crash(fleet, CrashPlan.of(seed), random, armed)
                            : fault.strike(fleet, random, armed);
                    history.fault(fault.name(), History.Type.OK, what);
                    struck.add(what.isEmpty() ? fault.name() : fault + " (" + what + ")");
                    if (fault.leavesAllRunning() && isQuiet) {
                        fleet.awaitReady(HEALED);
                    } else if (fault == Fault.CRASH || random.nextBoolean()) {
                        fleet.awaitReady();
                        isQuiet = true;
                    } else {
                        isQuiet = false; // the next one comes while this one lasts
                    }
                    if (isQuiet) {
                        history.fault(Windows.READY, History.Type.OK, null);
                    }
                    Thread.sleep(BETWEEN_FAULTS.plusMillis(random.nextInt(3_000)));
                    fleet.startWhatHasEnded();
                }
                Files.delete(armed);
                fleet.awaitReady();
                history.fault(Windows.READY, History.Type.OK, null);
            }
        }
        List<History.Line> told = History.read(file);
        Windows breakOffs = Windows.breakOffs(told);
        emptied = emptied.and(Windows.of(told, (fault, _) -> fault == Fault.WIPE_REDIS));
        RunChecker.Money money = new RunChecker.Money(breakOffs, emptied);
        long deadline = System.nanoTime() + HEALED.toNanos();
        List<String> faults = checker.check(told, money);
        while (!faults.isEmpty() && System.nanoTime() < deadline) {
            Thread.sleep(500);
            faults = checker.check(told, money);
        }
        long healthy = System.nanoTime();
        Map<String, Integer> threads = fleet.threads();
        if (faults.isEmpty()) {
            faults = atRest(threads);
        }
        faults.addAll(clerk.refused());
        faults.addAll(scripted.answeredAgain(breakOffs));
        System.out.printf(
                "  %s: %d messages in %d conversations, %.0f s, %d s after the last heal: %s; the model answered %d again; threads: %s%n",
                struck,
                checker.messages(told),
                checker.conversations(told),
                (healthy - begun) / 1e9,
                HEALED.toSeconds() - (deadline - healthy) / 1_000_000_000L,
                faults.isEmpty() ? "all is true" : faults.size() + " faults",
                scripted.repeats(),
                threads);
        return faults;
    }

    /** What the services logged, and the journal of each conversation that is wrong. */
    private static void keepEvidence(Path directory, List<String> faults) throws IOException, InterruptedException {
        Files.createDirectories(directory);
        Files.writeString(directory.resolve("group.txt"), GroupEvidence.of(fleet.kafkaBootstrap()));
        for (ServiceProcess service : fleet.running()) {
            Files.writeString(directory.resolve(service.name() + ".threads"), service.threadDump());
        }
        try (Stream<Path> files = Files.list(home)) {
            for (Path log :
                    files.filter(file -> file.toString().endsWith(".log")).toList()) {
                Files.copy(log, directory.resolve(log.getFileName()), StandardCopyOption.REPLACE_EXISTING);
            }
        }
        List<String> conversations = faults.stream()
                .map(fault -> fault.substring(0, Math.max(0, fault.indexOf(':'))))
                .filter(name -> name.matches("[0-9a-f-]{36}"))
                .distinct()
                .toList();
        for (String conversation : conversations) {
            Files.writeString(
                    directory.resolve(conversation + ".commits"),
                    checker.commits(conversation).stream().map(Commit::toString).collect(Collectors.joining("\n")));
        }
    }

    private static List<String> atRest(Map<String, Integer> threads) throws IOException, InterruptedException {
        List<String> faults = new ArrayList<>(fleet.negativeTimes());
        threads.entrySet().stream()
                .filter(each -> each.getValue() > MOST_THREADS)
                .forEach(each -> faults.add(each.getKey() + " has " + each.getValue() + " threads at rest"));
        return faults;
    }

    private static String gatewayUrl() {
        return fleet.gatewayUrls().getFirst();
    }

    /** Networks have more ways to be in trouble than anything else. */
    private static Fault any(Random random) {
        String only = System.getProperty("fault.only", "");
        List<Fault> all = only.isEmpty()
                ? List.of(Fault.values())
                : Arrays.stream(only.split(",")).map(Fault::valueOf).toList();
        return only.isEmpty() && random.nextInt(4) == 0 ? Fault.NETWORK : all.get(random.nextInt(all.size()));
    }

    private static HttpResponse<String> send(HttpRequest.Builder request, String key)
            throws IOException, InterruptedException {
        return HTTP.send(
                request.header("Authorization", "Bearer " + key)
                        .timeout(Duration.ofSeconds(30))
                        .build(),
                HttpResponse.BodyHandlers.ofString());
    }
}
