package io.agentserver.billing.credit;

import io.agentserver.billing.Calls;
import io.agentserver.billing.TestStores;
import io.agentserver.billing.UsageTopic;
import io.agentserver.billing.ledger.Account;
import io.agentserver.billing.ledger.GroupId;
import io.agentserver.billing.ledger.GroupKind;
import io.agentserver.billing.ledger.Ledger;
import io.agentserver.billing.ledger.LedgerStore;
import io.agentserver.billing.ledger.MemoryLedgerStore;
import io.agentserver.billing.ledger.MicroUsd;
import io.agentserver.billing.ledger.PostingGroup;
import io.agentserver.credit.Credit;
import io.agentserver.credit.Hold;
import io.agentserver.credit.Reservation;
import io.agentserver.credit.Standing;
import io.agentserver.envelope.Ids;
import io.agentserver.envelope.TenantId;
import io.agentserver.log.Brokers;
import io.agentserver.log.Topics;
import io.agentserver.service.metrics.TenantGauge;
import io.agentserver.service.redis.RedisClients;
import io.agentserver.tenancy.Plan;
import io.agentserver.tenancy.TenantDirectory;
import io.agentserver.tenancy.TenantEntry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.TopicExistsException;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicReference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

/** New tenants, and what Redis has lost, on a real Redis and a real Kafka. */
class CreditOpeningTest {
    private static final String GROUP = "credit-";
    private static final long START = Plan.DEFAULT.startingCreditMicrousd();

    private final RedisClients redis = RedisClients.connect(TestStores.redisUrl(), Duration.ofSeconds(5));
    private final Credit credit = new Credit(redis);
    private final MemoryLedgerStore store = new MemoryLedgerStore();
    private final CreditPublisher publisher = new CreditPublisher(store, credit);
    private final Ledger ledger = new Ledger(store, publisher);
    private final Admin admin = Admin.create(Map.of(AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG, TestStores.kafka()));
    private final TenantId tenant = newTenant();
    private final TenantDirectory directory = new TenantDirectory(Brokers.plain(TestStores.kafka())).start();
    private final SimpleMeterRegistry metrics = new SimpleMeterRegistry();
    // a group that has posted nothing: with records on the topic it is never drained
    private final CreditOpening opening = new CreditOpening(
            ledger, publisher, credit, directory, new UsageDrain(admin, GROUP + tenant), gauge(), Clock.systemUTC());

    private TenantGauge gauge() {
        return new TenantGauge(
                metrics,
                10,
                new TenantGauge.Meaning("agentserver.credit.microusd", "credit", null, false, Double::sum));
    }

    @AfterEach
    void stop() {
        opening.close();
        directory.close();
        admin.close();
        redis.close();
    }

    @Test
    void a_new_tenant_begins_with_its_plans_credit_once() throws Exception {
        announce();
        opening.start();
        await().atMost(Duration.ofSeconds(10)).until(() -> standing().epoch().isPresent());
        assertThat(standing().available()).isEqualTo(START);
        assertThat(credit.reserve(tenant, Hold.of(UUID.randomUUID(), 1, Duration.ofMinutes(1), "a call")))
                .isInstanceOf(Reservation.Held.class);
        await().until(() -> metrics.find("agentserver.credit.microusd")
                        .tag("tenant", tenant.value())
                        .gauge()
                != null);
        announce();
        assertThat(ledger.balance(tenant).credit().value()).isEqualTo(START);
    }

    @Test
    void usage_that_is_posted_after_its_tenant_was_deleted_leaves_nothing_in_redis() throws Exception {
        begin();
        TenantId gone = newTenant();
        ledger.post(List.of(PostingGroup.credit(
                GroupId.of(GroupKind.ADJUSTMENT, UUID.randomUUID().toString()),
                gone,
                Instant.EPOCH,
                new MicroUsd(1),
                Account.ADJUSTMENTS,
                "late")));
        assertThat(redis.commands().exists("credit:{" + gone + "}:state")).isOne();
        opening.look();
        assertThat(redis.commands().exists("credit:{" + gone + "}:state")).isZero();
        assertThat(standing().epoch()).as("of who is there").isPresent();
    }

    @Test
    void usage_that_is_posted_after_its_tenant_was_deleted_leaves_postings_and_no_sums() throws Exception {
        begin();
        TenantId gone = newTenant();
        TenantId unheardOf = newTenant(); // it may be so new that this process has yet to hear of it
        tell(gone, null);
        await().until(() -> directory.wasDeleted(gone));
        PostingGroup late = PostingGroup.of(Calls.call(gone, Ids.v7()));
        ledger.post(List.of(late, PostingGroup.of(Calls.call(unheardOf, Ids.v7()))));
        LocalDate day = LocalDate.ofInstant(Calls.NOON, ZoneOffset.UTC);
        assertThat(store.usage(gone, day, day)).isNotEmpty();

        opening.look();

        assertThat(store.usage(gone, day, day)).isEmpty();
        assertThat(ledger.find(late.id())).contains(late.in(1));
        assertThat(store.usage(unheardOf, day, day)).isNotEmpty();
    }

    @Test
    void postings_while_it_looks_are_no_loss() throws Exception {
        begin();
        String epoch = standing().epoch().orElseThrow();
        Thread posting = Thread.ofPlatform().start(() -> {
            for (int i = 0; i < 500; i++) {
                ledger.post(List.of(gift(i)));
            }
        });
        while (posting.isAlive()) {
            opening.look();
        }
        assertThat(standing().epoch()).hasValue(epoch);
        assertThat(standing().available()).isEqualTo(START + 500);
    }

    @Test
    void what_redis_has_lost_is_closed_and_opens_once_usage_is_drained() throws Exception {
        begin();
        redis.commands().del("credit:{" + tenant + "}:state");
        assertThat(reserve()).isEqualTo(new Reservation.Closed());
        opening.look();
        assertThat(reserve()).as("until the routers have put their holds back").isEqualTo(new Reservation.Closed());
        await().atMost(Duration.ofSeconds(10)).until(() -> reserve() instanceof Reservation.Held);
    }

    @Test
    void an_older_balance_than_redis_was_told_is_a_loss() throws Exception {
        begin();
        String epoch = standing().epoch().orElseThrow();
        ledger.post(List.of(gift(1)));
        redis.commands().hset("credit:{" + tenant + "}:state", Map.of("balance", "7", "version", "1"));
        opening.look();
        assertThat(standing().epoch()).isPresent().get().isNotEqualTo(epoch);
        assertThat(standing().available()).isEqualTo(START + 1);
    }

    /** {@code usage} is not posted up to its end for minutes: that is the lost tenant's wait, and nobody else's. */
    @Test
    void a_tenant_that_waits_for_its_usage_keeps_no_new_one_waiting() throws Exception {
        begin();
        post(0); // nothing is posted, as far as anybody can see
        try (UsageTopic topic = new UsageTopic()) {
            topic.append(Calls.call(tenant, Ids.v7()));
        }
        redis.commands().del("credit:{" + tenant + "}:state");
        opening.start();
        TenantId another = newTenant();
        announce(another);
        await().atMost(Duration.ofSeconds(10)).until(() -> !isClosed(another));
        assertThat(isClosed(tenant)).isTrue();
        post(Long.MAX_VALUE / 2);
        await().atMost(Duration.ofSeconds(10)).until(() -> !isClosed(tenant));
    }

    @Test
    void a_tenant_whose_ledger_cannot_be_read_keeps_no_other_from_being_opened() throws Exception {
        TenantId another = newTenant();
        LedgerStore broken = BrokenStore.of(
                store, method -> method.equals("find"), GroupId.of(GroupKind.STARTING_CREDIT, tenant.value()));
        CreditPublisher careful = new CreditPublisher(broken, credit);
        try (CreditOpening over = new CreditOpening(
                new Ledger(broken, careful),
                careful,
                credit,
                directory,
                new UsageDrain(ownAdmin(), GROUP + tenant),
                gauge(),
                Clock.systemUTC())) {
            announce();
            announce(another);
            await().until(() -> directory.find(tenant).isPresent()
                    && directory.find(another).isPresent());
            over.look();
            assertThat(isClosed(tenant)).isTrue();
            assertThat(isClosed(another)).isFalse();
        }
    }

    /** A backup has older versions than Redis was told, and is the truth all the same. */
    @Test
    void a_restored_ledger_is_taken_over_though_its_versions_are_older() throws Exception {
        begin();
        for (int i = 0; i < 5; i++) {
            ledger.post(List.of(gift(i)));
        }
        assertThat(standing().available()).isEqualTo(START + 5);
        MemoryLedgerStore restored = new MemoryLedgerStore();
        restored.post(tenant, List.of(gift(0)));
        CreditPublisher after = new CreditPublisher(restored, credit);
        try (CreditOpening over = new CreditOpening(
                new Ledger(restored, after),
                after,
                credit,
                directory,
                new UsageDrain(ownAdmin(), GROUP + tenant),
                gauge(),
                Clock.systemUTC())) {
            over.look();
            assertThat(reserve())
                    .as("until the routers have put their holds back")
                    .isEqualTo(new Reservation.Closed());
            await().atMost(Duration.ofSeconds(10)).until(() -> {
                over.look();
                return reserve() instanceof Reservation.Held;
            });
            assertThat(standing().version()).isEqualTo(2);
            assertThat(standing().available())
                    .as("what it had, its starting credit, less the call")
                    .isEqualTo(START + 1 - 1);
        }
    }

    @Test
    void a_tenant_that_the_restored_ledger_never_knew_is_not_new_for_redis() throws Exception {
        begin();
        for (int i = 0; i < 5; i++) {
            ledger.post(List.of(gift(i)));
        }
        credit.close(tenant);
        MemoryLedgerStore restored = new MemoryLedgerStore();
        CreditPublisher publishing = new CreditPublisher(restored, credit);
        try (CreditOpening over = new CreditOpening(
                new Ledger(restored, publishing),
                publishing,
                credit,
                directory,
                new UsageDrain(ownAdmin(), GROUP + tenant),
                gauge(),
                Clock.systemUTC())) {
            over.look();
            assertThat(reserve()).as("not at once, with the old balance").isEqualTo(new Reservation.Closed());
            await().atMost(Duration.ofSeconds(10)).until(() -> {
                over.look();
                return reserve() instanceof Reservation.Held;
            });
            assertThat(standing().available()).isEqualTo(START - 1);
        }
    }

    /** Whoever restores stops billing before; a process that was left running must not take old balances for newer ones. */
    @Test
    void a_process_that_lives_through_a_restore_closes_credit_with_its_first_posting() throws Exception {
        begin();
        AtomicReference<LedgerStore> current = new AtomicReference<>(store);
        LedgerStore living = BrokenStore.over(current::get, (method, argument) -> {});
        CreditPublisher publishing = new CreditPublisher(living, credit);
        Ledger posting = new Ledger(living, publishing);
        try (CreditOpening over = over(posting, publishing)) {
            for (int i = 0; i < 5; i++) {
                posting.post(List.of(gift(i)));
            }
            over.look();
            assertThat(standing().available()).isEqualTo(START + 5);
            MemoryLedgerStore restored = new MemoryLedgerStore();
            restored.post(tenant, List.of(gift(0)));
            current.set(restored);

            posting.post(List.of(gift(7)));
            assertThat(isClosed(tenant)).isTrue();

            await().atMost(Duration.ofSeconds(10)).until(() -> {
                over.look();
                return reserve() instanceof Reservation.Held;
            });
            assertThat(standing().version()).isEqualTo(3);
            assertThat(standing().available())
                    .as("two gifts, its starting credit, less the call")
                    .isEqualTo(START + 2 - 1);
        }
    }

    /** Another process has seen first that the ledger was restored: what this one told before it counts no more. */
    @Test
    void a_look_that_finds_the_ledger_restored_judges_nobody_by_what_was_before() throws Exception {
        begin();
        AtomicReference<LedgerStore> current = new AtomicReference<>(store);
        LedgerStore living = BrokenStore.over(current::get, (method, argument) -> {});
        CreditPublisher publishing = new CreditPublisher(living, credit);
        Ledger posting = new Ledger(living, publishing);
        try (CreditOpening over = over(posting, publishing)) {
            for (int i = 0; i < 5; i++) {
                posting.post(List.of(gift(i)));
            }
            over.look();
            MemoryLedgerStore restored = new MemoryLedgerStore();
            restored.post(tenant, List.of(gift(0)));
            current.set(restored);
            CreditPublisher other = new CreditPublisher(restored, credit);
            credit.takeOver(tenant, other.balance(tenant));
            String epoch = standing().epoch().orElseThrow();
            assertThat(standing().version()).isEqualTo(1);

            over.look();
            assertThat(standing().epoch()).hasValue(epoch);
            over.look();
            assertThat(standing().epoch()).hasValue(epoch);
        }
    }

    @Test
    void what_redis_has_lost_is_opened_before_anybody_is_looked_over() throws Exception {
        begin();
        List<TenantId> tenants = new ArrayList<>(List.of(tenant));
        for (int i = 0; i < 4; i++) {
            TenantId another = newTenant();
            tenants.add(another);
            announce(another);
        }
        await().until(() -> tenants.stream().allMatch(one -> directory.find(one).isPresent()));
        opening.look();
        List<TenantId> read = new ArrayList<>();
        LedgerStore watched = BrokenStore.over(() -> store, (method, argument) -> {
            if (method.equals("balance") && argument instanceof TenantId one && tenants.contains(one)) {
                read.add(one);
            }
        });
        CreditPublisher publishing = new CreditPublisher(watched, credit);
        for (TenantId lost : tenants) {
            post(0);
            try (UsageTopic topic = new UsageTopic()) {
                topic.append(Calls.call(tenant, Ids.v7()));
            }
            try (CreditOpening over = over(new Ledger(watched, publishing), publishing)) {
                over.look(); // its first: all wait to be looked over
                credit.close(lost);
                over.look();
                post(Long.MAX_VALUE / 2);
                read.clear();
                await().atMost(Duration.ofSeconds(10)).until(() -> {
                    over.look();
                    return read.containsAll(tenants);
                });
                assertThat(read).startsWith(lost);
            }
        }
    }

    @Test
    void a_drain_closes_its_client() {
        Admin own = ownAdmin();
        new UsageDrain(own, "any").close();
        assertThatThrownBy(() -> own.describeCluster().nodes().get()).hasStackTraceContaining("AdminClient is closing");
    }

    private CreditOpening over(Ledger own, CreditPublisher publishing) {
        return new CreditOpening(
                own, publishing, credit, directory, new UsageDrain(admin, GROUP + tenant), gauge(), Clock.systemUTC());
    }

    private boolean isClosed(TenantId one) {
        return credit.standing(one).toCompletableFuture().join().epoch().isEmpty();
    }

    private static TenantId newTenant() {
        return new TenantId("t" + UUID.randomUUID().toString().substring(0, 8));
    }

    private static Admin ownAdmin() {
        return Admin.create(Map.of(AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG, TestStores.kafka()));
    }

    /** The tenant is known and open, and all of {@code usage} counts as posted. */
    private void begin() throws Exception {
        try {
            admin.createTopics(List.of(new NewTopic(Topics.USAGE, 1, (short) 1)))
                    .all()
                    .get();
        } catch (ExecutionException e) {
            if (!(e.getCause() instanceof TopicExistsException)) {
                throw e;
            }
        }
        post(Long.MAX_VALUE / 2);
        announce();
        await().until(() -> directory.isCaughtUp() && directory.find(tenant).isPresent());
        opening.look();
    }

    /** As if the group had posted so far. */
    private void post(long offset) throws Exception {
        Map<TopicPartition, OffsetAndMetadata> far = new HashMap<>();
        admin.describeTopics(List.of(Topics.USAGE))
                .allTopicNames()
                .get()
                .values()
                .forEach(topic -> topic.partitions()
                        .forEach(p -> far.put(
                                new TopicPartition(Topics.USAGE, p.partition()), new OffsetAndMetadata(offset))));
        admin.alterConsumerGroupOffsets(GROUP + tenant, far).all().get();
    }

    private Reservation reserve() {
        return credit.reserve(tenant, Hold.of(UUID.randomUUID(), 1, Duration.ofMinutes(1), "a call"));
    }

    private PostingGroup gift(int number) {
        return PostingGroup.credit(
                GroupId.of(GroupKind.ADJUSTMENT, new UUID(tenant.hashCode(), number).toString()),
                tenant,
                Instant.EPOCH,
                new MicroUsd(1),
                Account.ADJUSTMENTS,
                "a gift");
    }

    private Standing standing() {
        return credit.standing(tenant).toCompletableFuture().join();
    }

    private void announce() throws InterruptedException, ExecutionException {
        announce(tenant);
    }

    private void announce(TenantId who) throws InterruptedException, ExecutionException {
        try {
            admin.createTopics(List.of(
                            new NewTopic(Topics.TENANTS, 1, (short) 1).configs(Map.of("cleanup.policy", "compact"))))
                    .all()
                    .get();
        } catch (ExecutionException e) {
            if (!(e.getCause() instanceof TopicExistsException)) {
                throw e;
            }
        }
        TenantEntry entry =
                new TenantEntry(who.value(), "T", Plan.DEFAULT.wireName(), 1, Instant.EPOCH, 0, List.of(), List.of());
        tell(who, entry.toJson());
    }

    /** @param entry null: it is deleted */
    private static void tell(TenantId who, byte @Nullable [] entry) throws InterruptedException, ExecutionException {
        try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(
                Map.of("bootstrap.servers", TestStores.kafka()),
                new ByteArraySerializer(),
                new ByteArraySerializer())) {
            producer.send(new ProducerRecord<>(Topics.TENANTS, who.value().getBytes(StandardCharsets.UTF_8), entry))
                    .get();
        }
    }
}
