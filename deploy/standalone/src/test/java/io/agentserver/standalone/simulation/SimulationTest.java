package io.agentserver.standalone.simulation;

import io.agentserver.buffer.store.DueEntry;
import io.agentserver.buffer.store.DueStore;
import io.agentserver.buffer.store.MemoryDueStore;
import io.agentserver.localstores.LocalKafka;
import io.agentserver.log.Brokers;
import io.agentserver.log.RecordMac;
import io.agentserver.log.Topics;
import io.agentserver.organism.OrganismParser;
import io.agentserver.pump.flow.LogRecord;
import io.agentserver.pump.flow.Organisms;
import io.agentserver.pump.handler.Handlers;
import io.agentserver.pump.log.KafkaOutbox;
import io.agentserver.service.PlatformKeys;
import io.agentserver.standalone.simulation.Simulation.Broken;
import io.agentserver.tenancy.OrganismEntry;
import io.agentserver.tenancy.TenantDirectory;
import io.agentserver.tenancy.TenantEntry;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.admin.NewTopic;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.random.RandomGenerator;
import java.util.stream.LongStream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

/** {@code -Dseed=…} runs one again, alone; {@code -Dsimulations=…} says how many (default 100). */
class SimulationTest {
    private static final int ACTIONS = 3_000;

    @SuppressWarnings("NullAway.Init")
    private static LocalKafka kafka;

    @SuppressWarnings("NullAway.Init")
    private static Platform platform;

    @BeforeAll
    static void publishTheTenant(@TempDir Path directory) throws Exception {
        kafka = LocalKafka.start(directory.resolve("kafka"), 0);
        Path file = directory.resolve("key.json");
        PlatformKeys.createIfAbsent(file);
        try (Admin admin = Admin.create(Map.of(AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG, kafka.bootstrap()))) {
            admin.createTopics(List.of(new NewTopic(Topics.TENANTS, 1, (short) 1)))
                    .all()
                    .get();
        }
        TenantEntry tenant = new TenantEntry("demo", "Demo", "dev", 1, Instant.EPOCH, 1, List.of(), List.of());
        OrganismEntry organism = new OrganismEntry("demo", 1, Handling.ORGANISM, Instant.EPOCH);
        try (KafkaOutbox outbox = new KafkaOutbox(Brokers.plain(kafka.bootstrap()))) {
            outbox.append(List.of(
                    record(OrganismEntry.key(Platform.TENANT, 1), organism.toJson()), record("demo", tenant.toJson())));
        }
        TenantDirectory tenants = new TenantDirectory(Brokers.plain(kafka.bootstrap())).start();
        await().atMost(Duration.ofSeconds(30))
                .until(() -> tenants.find(Platform.TENANT).isPresent() && tenants.isCaughtUp());
        platform = new Platform(
                PlatformKeys.load(file),
                tenants,
                new Organisms(tenants, new OrganismParser(Handlers.builtinNames(), Set.of())),
                new RecordMac(new byte[32]));
    }

    @AfterAll
    static void stop() {
        platform.tenants().close();
        kafka.close();
    }

    @Test
    void whatever_happens_each_message_takes_effect_once_and_in_order() {
        Long again = Long.getLong("seed");
        int count = again == null ? Integer.getInteger("simulations", 100) : 1;
        for (int i = 0; i < count; i++) {
            long seed = again == null ? RandomGenerator.getDefault().nextLong() : again;
            List<String> faults;
            try {
                faults = new Simulation(platform, seed, new MemoryDueStore(), Broken.NOTHING).run(ACTIONS);
            } catch (RuntimeException | AssertionError e) {
                throw new AssertionError("-Dseed=" + seed + ": " + e, e);
            }
            assertThat(faults).as("-Dseed=" + seed).isEmpty();
        }
    }

    @Test
    void the_checker_finds_what_is_committed_too_early() {
        assertThat(LongStream.range(0, 20)
                        .mapToObj(seed -> new Simulation(platform, seed, new MemoryDueStore(), Broken.COMMITS_EARLY)
                                .run(ACTIONS)))
                .as("offsets that are reset later bring back some of it")
                .anyMatch(faults -> !faults.isEmpty());
    }

    @Test
    void the_checker_finds_an_answer_that_was_taken_and_overlooked() {
        assertThat(LongStream.range(0, 20)
                        .mapToObj(seed -> new Simulation(platform, seed, new MemoryDueStore(), Broken.OVERLOOKS_ANSWERS)
                                .run(ACTIONS)))
                .as("some come between a begin and a complete")
                .anyMatch(faults -> !faults.isEmpty());
    }

    @Test
    void the_checker_finds_that_repeats_are_not_recognised() {
        assertThat(LongStream.range(0, 20)
                        .mapToObj(seed -> new Simulation(platform, seed, new MemoryDueStore(), Broken.FORGETS_MESSAGES)
                                .run(ACTIONS)))
                .as("offsets that are reset bring back some that are done")
                .anyMatch(faults -> !faults.isEmpty());
    }

    @Test
    void a_timer_whose_conversation_is_cancelled_rings_no_more_and_its_entry_goes() {
        assertThat(new Simulation(platform, 7, new MemoryDueStore(), Broken.NOTHING).cancelATimer())
                .isEmpty();
    }

    @Test
    void the_checker_finds_a_due_index_that_forgets() {
        DueStore forgetful = new DueStore() {
            @Override
            public void put(DueEntry entry) {}

            @Override
            public void remove(DueEntry entry) {}

            @Override
            public List<DueEntry> due(int shard, long nowMs, int limit) {
                return List.of();
            }

            @Override
            public void check() {}
        };
        assertThat(new Simulation(platform, 7, forgetful, Broken.NOTHING).run(ACTIONS))
                .isNotEmpty();
    }

    private static LogRecord record(String key, byte[] value) {
        return new LogRecord(Topics.TENANTS, key.getBytes(StandardCharsets.UTF_8), value, Map.of());
    }
}
