package io.agentserver.gateway.deletion;

import io.agentserver.envelope.TenantId;
import io.agentserver.gateway.problems.Unavailable;
import io.agentserver.gateway.tenants.DynamoTenantTable;
import io.agentserver.localstores.LocalDynamo;
import io.agentserver.tenancy.TenantEntry;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.UUID;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * The job in its table, over stores that are lists, by gateways that die before, in and after each of their steps. Time is the
 * test's own.
 */
class DeletionsTest {
    private static final Instant NOW = Instant.parse("2026-11-30T12:00:00Z");
    private static final Duration LEASE = Duration.ofSeconds(20);

    @SuppressWarnings("NullAway.Init")
    private static LocalDynamo server;

    @SuppressWarnings("NullAway.Init")
    private static DynamoDbClient dynamo;

    private final TenantId tenant =
            new TenantId("t" + UUID.randomUUID().toString().substring(0, 8));
    private final Map<String, List<String>> stores = new HashMap<>();
    private final List<TenantEntry> revoked = new ArrayList<>();
    private final List<String> calls = new ArrayList<>();
    private long nanos = 1_000_000_000_000L;
    private @Nullable Runnable death; // what happens in the next call of a store

    @BeforeAll
    static void start() {
        server = LocalDynamo.inMemory(0);
        dynamo = DynamoDbClient.builder()
                .endpointOverride(server.endpoint())
                .region(Region.US_EAST_1)
                .credentialsProvider(StaticCredentialsProvider.create(AwsBasicCredentials.create("local", "local")))
                .build();
        new DynamoTenantTable(dynamo).createIfAbsent();
    }

    @AfterAll
    static void stop() {
        dynamo.close();
        server.close();
    }

    @Test
    void empties_each_store_in_its_order_and_looks_again() {
        fill("a", 5);
        fill("b", 2);
        Deletions deletions = gateway();
        assertThat(deletions.request(tenant)).isTrue();

        runToTheEnd(deletions);

        assertThat(stores.values()).allMatch(List::isEmpty);
        Deletion receipt = deletions.find(tenant).orElseThrow();
        assertThat(receipt.finishedAt()).isNotNull();
        assertThat(receipt.stores()).extracting(Deletion.Store::store).containsExactly("a", "b");
        assertThat(receipt.stores()).extracting(Deletion.Store::found).containsExactly(5L, 2L);
        assertThat(receipt.stores()).extracting(Deletion.Store::left).containsOnly(0L);
        assertThat(receipt.stores()).allMatch(store -> store.checkedAt() != null);
        assertThat(calls.lastIndexOf("a")).isLessThan(calls.indexOf("b"));
    }

    @Test
    void asks_a_store_once_more_when_every_pod_has_heard_of_it() {
        fill("a", 1);
        Deletions deletions = gateway();
        deletions.request(tenant);
        deletions.look();
        deletions.look();
        pass(Duration.ofSeconds(2));
        deletions.look();
        fill("a", 1); // by a pod that had not heard yet
        pass(Duration.ofSeconds(2));
        deletions.look();
        deletions.look();
        runToTheEnd(deletions);
        assertThat(stores.get("a")).isEmpty();
        assertThat(deletions.find(tenant).orElseThrow().stores().getFirst().found())
                .isEqualTo(2);
    }

    /** It hears of the tenant by its first part, and so do all who write into it. */
    @Test
    void a_store_that_was_away_at_first_is_asked_once_more_as_well() {
        fill("a", 0);
        Deletions deletions = gateway();
        deletions.request(tenant);
        deletions.look(); // it is ours, and has begun
        death = () -> {
            throw new Unavailable("away", null);
        };
        deletions.look();
        pass(Duration.ofSeconds(10));
        deletions.look(); // now it is told, and has nothing yet
        fill("a", 1); // by who was told a moment later
        pass(Duration.ofSeconds(2));
        runToTheEnd(deletions);
        assertThat(stores.get("a")).isEmpty();
    }

    @Test
    void a_look_that_began_before_every_pod_had_heard_of_it_does_not_count_as_the_last_one() {
        fill("first half", 0);
        Deletions deletions = gateway(List.of(new HalvesStep()));
        deletions.request(tenant);
        deletions.look(); // it is ours, and has begun
        deletions.look();
        assertThat(calls).containsExactly("first half");
        fill("first half", 1); // by a pod that had not heard yet, behind the look's back
        pass(Duration.ofSeconds(6));
        deletions.look();
        assertThat(calls).containsExactly("first half", "second half");
        runToTheEnd(deletions);
        assertThat(stores.get("first half")).isEmpty();
    }

    @Test
    void another_gateway_goes_on_where_one_died_wherever_that_was() {
        long seed = new Random().nextLong();
        System.out.println("seed " + seed);
        Random random = new Random(seed);
        fill("a", 9);
        fill("b", 9);
        Deletions alive = gateway();
        alive.request(tenant);
        int deaths = 0;
        while (alive.find(tenant).orElseThrow().finishedAt() == null) {
            if (random.nextInt(4) == 0) {
                // kill -9 in the store's call: it may have done its work, and nobody has written that down
                death = () -> {
                    throw new Killed();
                };
            }
            try {
                alive.look();
            } catch (Killed e) {
                alive = gateway(); // takes over once the job has stood still for long enough
                deaths++;
            }
            pass(Duration.ofSeconds(random.nextInt(8)));
        }
        System.out.println(deaths + " deaths");
        assertThat(stores.values()).allMatch(List::isEmpty);
    }

    @Test
    void leaves_a_job_to_whoever_works_on_it() {
        fill("a", 9);
        Deletions first = gateway();
        Deletions second = gateway();
        first.request(tenant);
        second.look();
        for (int i = 0; i < 3; i++) {
            first.look();
            pass(LEASE.minusSeconds(1));
            int before = calls.size();
            second.look();
            assertThat(calls).as("what the second has done").hasSize(before);
        }
        pass(LEASE.plusSeconds(1));
        second.look(); // sees that it has moved since
        pass(LEASE.plusSeconds(1));
        second.look();
        int before = calls.size();
        second.look();
        assertThat(calls).as("now that the first is silent").hasSizeGreaterThan(before);
    }

    @Test
    void finds_whom_another_pod_was_told_to_delete_and_whose_request_died_before_its_job() {
        fill("a", 1);
        revoked.add(entry().withDeletion(NOW)); // the entry was written, and then the process died
        Deletions deletions = gateway();
        deletions.look();
        assertThat(deletions.find(tenant)).isPresent();
        runToTheEnd(deletions);
        assertThat(stores.get("a")).isEmpty();
    }

    /** While gateways of two versions are there, or after an update in the middle of a job. */
    @Test
    void a_job_that_an_older_gateway_has_made_goes_through_the_stores_that_one_did_not_know() {
        fill("a", 1);
        fill("b", 1);
        Deletions older = gateway(List.of(new ListStep("a")));
        older.request(tenant);
        older.look();
        Deletions newer = gateway();
        newer.look();
        pass(LEASE.plusSeconds(1));
        runToTheEnd(newer);
        assertThat(stores.values()).allMatch(List::isEmpty);
        Deletion receipt = newer.find(tenant).orElseThrow();
        assertThat(receipt.stores()).extracting(Deletion.Store::store).containsExactly("a", "b");
        assertThat(receipt.stores()).allMatch(store -> store.checkedAt() != null);
    }

    @Test
    void waits_for_a_store_that_is_away() {
        fill("a", 2);
        Deletions deletions = gateway();
        deletions.request(tenant);
        deletions.look();
        death = () -> {
            throw new Unavailable("away", null);
        };
        deletions.look();
        assertThat(stores.get("a")).hasSize(2);
        pass(Duration.ofSeconds(3));
        runToTheEnd(deletions);
        assertThat(stores.get("a")).isEmpty();
    }

    @Test
    void a_repeat_is_the_same_job_and_a_stranger_is_none() {
        Deletions deletions = gateway();
        deletions.request(tenant);
        deletions.look();
        Deletion before = deletions.find(tenant).orElseThrow();
        pass(Duration.ofSeconds(1));
        assertThat(deletions.request(tenant)).isTrue();
        assertThat(deletions.find(tenant)).contains(before);
        assertThat(gateway(false).request(new TenantId("nobody-" + tenant))).isFalse();
    }

    private void runToTheEnd(Deletions deletions) {
        for (int i = 0; i < 200 && deletions.find(tenant).orElseThrow().finishedAt() == null; i++) {
            deletions.look();
            pass(Duration.ofSeconds(1));
        }
        assertThat(deletions.find(tenant).orElseThrow().finishedAt()).isNotNull();
    }

    private void fill(String store, int entries) {
        List<String> all = stores.computeIfAbsent(store, _ -> new ArrayList<>());
        for (int i = 0; i < entries; i++) {
            all.add("entry " + i);
        }
    }

    private void pass(Duration time) {
        nanos += time.toNanos();
    }

    private Deletions gateway() {
        return gateway(true);
    }

    private Deletions gateway(boolean known) {
        return gateway(known, List.of(new ListStep("a"), new ListStep("b")));
    }

    private Deletions gateway(List<DeletionStep> steps) {
        return gateway(true, steps);
    }

    private Deletions gateway(boolean known, List<DeletionStep> steps) {
        Deletions.Revoked tenants = new Deletions.Revoked() {
            @Override
            public Optional<TenantEntry> revoke(TenantId one) {
                return known ? Optional.of(entry().withDeletion(NOW)) : Optional.empty();
            }

            @Override
            public Optional<List<TenantEntry>> all() {
                return Optional.of(List.copyOf(revoked));
            }
        };
        Clock clock = new Clock() {
            @Override
            public Instant instant() {
                return NOW.plusNanos(nanos - 1_000_000_000_000L);
            }

            @Override
            public ZoneOffset getZone() {
                return ZoneOffset.UTC;
            }

            @Override
            public Clock withZone(java.time.ZoneId zone) {
                return this;
            }
        };
        return new Deletions(new DynamoDeletions(dynamo), tenants, steps, LEASE, clock, () -> nanos);
    }

    private TenantEntry entry() {
        return new TenantEntry(tenant.value(), "T", "dev", 1, NOW, 0, List.of(), List.of());
    }

    /** As a process that ends: nothing catches it. */
    private static final class Killed extends Error {
        private static final long serialVersionUID = 1L;
    }

    /** Deletes two entries a call. */
    private final class ListStep implements DeletionStep {
        private final String name;

        ListStep(String name) {
            this.name = name;
        }

        @Override
        public String store() {
            return name;
        }

        @Override
        public Part work(TenantId of, String cursor, Instant requestedAt) {
            if (!of.equals(tenant)) {
                return Part.of(0, ""); // another test's
            }
            calls.add(name);
            List<String> entries = stores.computeIfAbsent(name, _ -> new ArrayList<>());
            Runnable now = death;
            death = null;
            if (now != null && entries.size() % 2 == 0) {
                now.run();
            }
            int some = Math.min(2, entries.size());
            entries.subList(0, some).clear();
            if (now != null) {
                now.run();
            }
            return Part.of(some, entries.isEmpty() ? "" : "more");
        }
    }

    /** One store, which takes two calls to be looked through. */
    private final class HalvesStep implements DeletionStep {
        @Override
        public String store() {
            return "halves";
        }

        @Override
        public Part work(TenantId of, String cursor, Instant requestedAt) {
            if (!of.equals(tenant)) {
                return Part.of(0, "");
            }
            String half = cursor.isEmpty() ? "first half" : "second half";
            calls.add(half);
            List<String> entries = stores.computeIfAbsent(half, _ -> new ArrayList<>());
            int freed = entries.size();
            entries.clear();
            return Part.of(freed, cursor.isEmpty() ? "second half" : "");
        }
    }
}
