package io.agentserver.billing.usage;

import io.agentserver.billing.Calls;
import io.agentserver.billing.TestStores;
import io.agentserver.billing.UsageTopic;
import io.agentserver.billing.ledger.GroupId;
import io.agentserver.billing.ledger.Ledger;
import io.agentserver.billing.ledger.LedgerStore;
import io.agentserver.billing.ledger.MicroUsd;
import io.agentserver.billing.ledger.PostingGroup;
import io.agentserver.billing.ledger.dynamo.DynamoLedgerStore;
import io.agentserver.billing.ledger.dynamo.LedgerTable;
import io.agentserver.envelope.Ids;
import io.agentserver.envelope.TenantId;
import io.agentserver.log.Brokers;
import io.agentserver.log.Topics;
import io.agentserver.usage.UsageRecord;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.MockConsumer;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

/** The real topic, the real ledger. */
class UsageConsumerTest {
    private static final Duration SOON = Duration.ofSeconds(30);
    private static final DynamoDbClient DYNAMO = TestStores.dynamo();
    private static final LedgerStore STORE = new DynamoLedgerStore(DYNAMO);

    private final TenantId tenant = Calls.newTenant();
    private final String group = "billing-" + Ids.v7();
    private final SimpleMeterRegistry metrics = new SimpleMeterRegistry();

    @BeforeAll
    static void makeTopicAndTable() {
        LedgerTable.createIfAbsent(DYNAMO);
        UsageTopic.create();
    }

    @AfterAll
    static void close() {
        DYNAMO.close();
    }

    @Test
    void posts_each_receipt_once_however_often_it_comes() {
        List<UUID> receipts = Stream.generate(Ids::v7).limit(40).toList();
        try (UsageTopic topic = new UsageTopic()) {
            for (int round = 0; round < 3; round++) {
                receipts.forEach(receipt -> topic.append(Calls.call(tenant, receipt)));
            }
        }

        try (UsageConsumer consumer = consumer(STORE)) {
            awaitCommitted();
        }

        assertThat(credit()).isEqualTo(new MicroUsd(-140 * 40));
        assertThat(metrics.counter("agentserver.billing.usage", "outcome", "repeated")
                        .count())
                .isGreaterThanOrEqualTo(80);
    }

    @Test
    void a_second_reading_from_the_start_changes_nothing() {
        try (UsageTopic topic = new UsageTopic()) {
            Stream.generate(Ids::v7).limit(10).forEach(receipt -> topic.append(Calls.call(tenant, receipt)));
        }
        try (UsageConsumer consumer = consumer(STORE)) {
            awaitCommitted();
        }

        UsageTopic.resetOffsets(group);
        try (UsageConsumer again = consumer(STORE)) {
            awaitCommitted();
        }

        assertThat(credit()).isEqualTo(new MicroUsd(-1_400));
    }

    @Test
    void keeps_trying_and_commits_nothing_while_the_store_is_away() {
        AtomicInteger refusals = new AtomicInteger(3);
        UUID receipt = Ids.v7();
        try (UsageTopic topic = new UsageTopic()) {
            topic.append(Calls.call(tenant, receipt));
        }
        LedgerStore away = beforeEachPost(STORE, () -> {
            if (refusals.getAndDecrement() > 0) {
                assertThat(UsageTopic.lag(group)).isPositive();
                throw new IllegalStateException("the store is away");
            }
        });

        try (UsageConsumer consumer = consumer(away)) {
            awaitCommitted();
        }

        assertThat(refusals.get()).isNegative();
        assertThat(credit()).isEqualTo(new MicroUsd(-140));
        assertThat(metrics.counter("agentserver.billing.usage.failures").count())
                .isEqualTo(3);
    }

    @Test
    void a_failure_after_the_posting_but_before_the_commit_posts_nothing_twice() {
        AtomicInteger failures = new AtomicInteger(1);
        UUID receipt = Ids.v7();
        try (UsageTopic topic = new UsageTopic()) {
            topic.append(Calls.call(tenant, receipt));
        }
        LedgerStore losesItsAnswer = afterEachPost(STORE, () -> {
            if (failures.getAndDecrement() > 0) {
                throw new IllegalStateException("the answer was lost");
            }
        });

        try (UsageConsumer consumer = consumer(losesItsAnswer)) {
            awaitCommitted();
        }

        assertThat(failures.get()).isNegative();
        assertThat(credit()).isEqualTo(new MicroUsd(-140));
        assertThat(STORE.find(GroupId.ofReceipt(receipt)))
                .map(PostingGroup::tenant)
                .contains(tenant);
    }

    @Test
    void puts_aside_what_is_no_usage_record_and_goes_on() {
        String key = tenant.value();
        try (UsageTopic topic = new UsageTopic()) {
            topic.append(key, "no JSON at all".getBytes(StandardCharsets.UTF_8));
            topic.append(key, "{\"tenant\":\"Not A Tenant\"}".getBytes(StandardCharsets.UTF_8));
            topic.append(key, null);
            topic.append("another-tenant", Calls.call(tenant, Ids.v7()).toJson());
            topic.append(Calls.call(tenant, Ids.v7()));
        }

        try (UsageConsumer consumer = consumer(STORE)) {
            awaitCommitted();
        }

        assertThat(credit()).isEqualTo(new MicroUsd(-140));
        assertThat(metrics.counter("agentserver.rejected", "reason", "invalid-usage-record")
                        .count())
                .isGreaterThanOrEqualTo(4);
        assertThat(STORE.rejected().filter(r -> r.key().equals(key))).hasSize(3);
        assertThat(STORE.rejected()
                        .filter(r -> r.key().equals("another-tenant"))
                        .map(r -> r.reason()))
                .contains("tenant: <" + tenant + "> is not the record's key");
    }

    @Test
    void puts_aside_what_the_ledger_can_never_take_and_posts_what_came_with_it() {
        UUID poison = Ids.v7();
        List<UUID> good = Stream.generate(Ids::v7).limit(5).toList();
        try (UsageTopic topic = new UsageTopic()) {
            good.subList(0, 3).forEach(receipt -> topic.append(Calls.call(tenant, receipt)));
            topic.append(Calls.call(tenant, poison));
            good.subList(3, 5).forEach(receipt -> topic.append(Calls.call(tenant, receipt)));
        }
        AtomicInteger away = new AtomicInteger(1);
        LedgerStore picky = faulty(
                STORE,
                groups -> {
                    if (groups.stream().anyMatch(group -> group.id().equals(GroupId.ofReceipt(poison)))) {
                        if (groups.size() == 1 && away.getAndDecrement() > 0) {
                            throw new IllegalStateException("the store is away");
                        }
                        throw new ArithmeticException("long overflow");
                    }
                },
                () -> {});

        try (UsageConsumer consumer = consumer(picky)) {
            awaitCommitted();
        }

        assertThat(credit()).isEqualTo(new MicroUsd(-140 * 5));
        assertThat(STORE.rejected().filter(r -> r.key().equals(tenant.value())))
                .singleElement()
                .satisfies(r -> assertThat(r.reason()).isEqualTo("long overflow"));
        assertThat(metrics.counter("agentserver.rejected", "reason", "invalid-usage-record")
                        .count())
                .isEqualTo(1);
    }

    @Test
    void groups_that_are_too_much_together_are_posted_alone() {
        try (UsageTopic topic = new UsageTopic()) {
            Stream.generate(Ids::v7).limit(4).forEach(receipt -> topic.append(Calls.call(tenant, receipt)));
        }
        LedgerStore small = faulty(
                STORE,
                groups -> {
                    if (groups.size() > 1) {
                        throw new ArithmeticException("long overflow");
                    }
                },
                () -> {});

        try (UsageConsumer consumer = consumer(small)) {
            awaitCommitted();
        }

        assertThat(credit()).isEqualTo(new MicroUsd(-140 * 4));
        assertThat(STORE.rejected().filter(r -> r.key().equals(tenant.value()))).isEmpty();
    }

    @Test
    void whatever_its_consumer_throws_it_reads_on_with_a_new_one() {
        UUID receipt = Ids.v7();
        Queue<Consumer<byte[], byte[]>> consumers = new ConcurrentLinkedQueue<>();
        consumers.add(new OneRecord(Calls.call(tenant, receipt)) {
            @Override
            public synchronized void subscribe(Collection<String> topics) {
                throw new NoClassDefFoundError("a test's");
            }
        });
        consumers.add(new OneRecord(Calls.call(tenant, receipt)) {
            @Override
            public synchronized void seek(TopicPartition partition, long offset) {
                throw new IllegalStateException("No current assignment for partition " + partition);
            }
        });
        OneRecord whole = new OneRecord(Calls.call(tenant, receipt));
        consumers.add(whole);

        try (UsageConsumer consumer =
                new UsageConsumer(consumers::remove, new Ledger(STORE), Clock.systemUTC(), metrics).start()) {
            await().atMost(SOON)
                    .until(() -> whole.committed(Set.of(OneRecord.PARTITION)).get(OneRecord.PARTITION) != null);
            assertThat(consumer.isRunning()).isTrue();
        }

        assertThat(credit()).isEqualTo(new MicroUsd(-140));
    }

    private static class OneRecord extends MockConsumer<byte[], byte[]> {
        static final TopicPartition PARTITION = new TopicPartition(Topics.USAGE, 0);

        OneRecord(UsageRecord record) {
            super("earliest");
            updateBeginningOffsets(Map.of(PARTITION, 0L));
            schedulePollTask(() -> {
                rebalance(List.of(PARTITION));
                addRecord(new ConsumerRecord<>(
                        PARTITION.topic(), 0, 0, record.tenant().getBytes(StandardCharsets.UTF_8), record.toJson()));
            });
        }
    }

    private UsageConsumer consumer(LedgerStore store) {
        return new UsageConsumer(
                        Brokers.plain(TestStores.kafka()), group, new Ledger(store), Clock.systemUTC(), metrics)
                .start();
    }

    private void awaitCommitted() {
        await().atMost(SOON).until(() -> UsageTopic.lag(group) == 0);
    }

    private MicroUsd credit() {
        return STORE.balance(tenant).credit();
    }

    private static LedgerStore beforeEachPost(LedgerStore store, Runnable fault) {
        return faulty(store, _ -> fault.run(), () -> {});
    }

    private static LedgerStore afterEachPost(LedgerStore store, Runnable fault) {
        return faulty(store, _ -> {}, fault);
    }

    /** The real store, with a fault around its {@code post}. */
    private static LedgerStore faulty(
            LedgerStore store, java.util.function.Consumer<List<PostingGroup>> before, Runnable after) {
        return (LedgerStore) Proxy.newProxyInstance(
                LedgerStore.class.getClassLoader(), new Class<?>[] {LedgerStore.class}, (proxy, method, arguments) -> {
                    boolean posts = method.getName().equals("post");
                    if (posts) {
                        before.accept(groups(arguments));
                    }
                    try {
                        Object result = method.invoke(store, arguments);
                        if (posts) {
                            after.run();
                        }
                        return result;
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                });
    }

    /** The second argument of {@code post}. */
    @SuppressWarnings("unchecked")
    private static List<PostingGroup> groups(Object[] arguments) {
        return (List<PostingGroup>) arguments[1];
    }
}
