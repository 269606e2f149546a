package io.agentserver.billing.reconcile;

import io.agentserver.billing.Calls;
import io.agentserver.billing.TestStores;
import io.agentserver.billing.UsageTopic;
import io.agentserver.billing.ledger.GroupId;
import io.agentserver.billing.ledger.LedgerStore;
import io.agentserver.billing.ledger.PostingGroup;
import io.agentserver.billing.ledger.dynamo.DynamoLedgerStore;
import io.agentserver.billing.ledger.dynamo.DynamoMeterOutbox;
import io.agentserver.billing.ledger.dynamo.LedgerTable;
import io.agentserver.billing.stripe.PaymentSweep;
import io.agentserver.billing.stripe.StripePayments;
import io.agentserver.envelope.Ids;
import io.agentserver.envelope.TenantId;
import io.agentserver.log.Brokers;
import io.agentserver.usage.UsageRecord;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;
import software.amazon.awssdk.services.dynamodb.model.AttributeValue;
import software.amazon.awssdk.services.dynamodb.model.ReturnValue;

import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** The balances, over the real DynamoDB and topic, which other tests write to as well. Each call's price is 140 micro-USD. */
class ReconcileLedgerTest {
    private static final DynamoDbClient DYNAMO = TestStores.dynamo();

    @TempDir
    static Path directory;

    private final TenantId tenant = Calls.newTenant();
    private final LedgerStore store = new DynamoLedgerStore(DYNAMO);
    private final List<Runnable> undo = new ArrayList<>();
    private List<String> seen = List.of();

    @BeforeAll
    static void makeTableAndTopic() {
        UsageTopic.create();
        LedgerTable.createIfAbsent(DYNAMO);
    }

    @AfterEach
    void leaveNothingWrongToOtherTests() {
        undo.forEach(Runnable::run);
    }

    @AfterAll
    static void close() {
        DYNAMO.close();
    }

    @Test
    void a_balance_that_is_not_the_sum_of_its_postings_is_a_difference() {
        called(Instant.now().minus(Duration.ofDays(3)));
        called(Instant.now());
        change("credit_microusd", 5);

        assertThat(differences(() -> {}))
                .containsExactly("balance of " + tenant + ": -0.000275 USD, its postings sum to -0.000280 USD");
    }

    @Test
    void usage_that_nobody_gathered_for_stripe_is_a_difference() {
        called(Instant.now());
        change("unmetered_microusd", -40);

        assertThat(differences(() -> {}))
                .containsExactly(
                        "usage of " + tenant + ": 0.000140 USD posted, 0.000100 USD told to Stripe or to be told");
    }

    @Test
    void the_balances_of_a_tenant_that_is_posted_to_at_every_look_are_compared_all_the_same() {
        called(Instant.now().minus(Duration.ofDays(3)));
        change("credit_microusd", 1_000);
        change("metered_microusd", 2_000);

        assertThat(differences(() -> called(Instant.now())))
                .hasSize(2)
                .anyMatch(text -> text.startsWith("balance of " + tenant + ": "))
                .anyMatch(text -> text.startsWith("usage of " + tenant + ": "));
    }

    @Test
    void a_tenant_that_is_posted_to_at_every_look_has_no_difference_if_all_is_well() {
        called(Instant.now().minus(Duration.ofDays(3)));

        assertThat(differences(() -> called(Instant.now()))).isEmpty();
        assertThat(seen).anyMatch(line -> line.matches("balances: [0-9]+ tenants, [1-9][0-9]* of them while .*"));
    }

    /** Billing was away for hours, and posts now what was called meanwhile: behind the look that has passed by. */
    @Test
    void what_is_posted_long_after_its_call_is_none() {
        called(Instant.now().minus(Duration.ofDays(3)));

        assertThat(differences(() -> called(Instant.now().minus(Duration.ofHours(2)))))
                .noneMatch(text -> text.startsWith("balance"))
                .noneMatch(text -> text.startsWith("usage of"));
    }

    @Test
    void a_group_that_does_not_sum_to_0_is_a_difference_and_hides_no_other() {
        UsageRecord call = call(Instant.now());
        used(call);
        post(call);
        breakGroup(call);
        UsageRecord lost = call(Instant.now().minus(Duration.ofDays(1)));
        used(lost);

        GroupId broken = GroupId.ofReceipt(call.receipt());
        assertThat(differences(() -> {}))
                .containsExactlyInAnyOrder(
                        "posting group " + broken + " of " + tenant + ": posting group " + broken
                                + " sums to 0.000001 USD, not to 0",
                        "receipt " + lost.receipt() + " of " + tenant + ": a usage record, but not posted");
        assertThat(seen)
                .anyMatch(line -> line.startsWith("ledger: ") && line.endsWith("; 1 that cannot be read"))
                .anyMatch(line -> line.startsWith("balances: ") && line.contains("; 1 not, for a group"));
    }

    @Test
    void a_meter_event_of_other_calls_than_name_it_is_a_difference() {
        called(Instant.now());
        UsageRecord call = call(Instant.now());
        used(call);
        post(call);
        UUID event = seal();
        assertThat(differences(() -> {})).isEmpty();
        assertThat(seen)
                .anyMatch(line -> line.matches("meter events: [1-9][0-9]*, each of what the calls in it cost.*"));

        setBatch(call, null);
        undo.add(() -> setBatch(call, 1L));

        assertThat(differences(() -> {}))
                .containsExactly("meter event " + event + ", batch 1 of " + tenant
                        + ": 1 calls of 0.000140 USD in all name it, it should have 2 of 0.000280 USD");
    }

    @Test
    void a_meter_event_of_another_amount_than_its_calls_is_a_difference() {
        called(Instant.now());
        UUID event = seal();
        addToBatch("amount_microusd", 60);
        undo.add(() -> addToBatch("amount_microusd", -60));

        assertThat(differences(() -> {}))
                .containsExactlyInAnyOrder(
                        "meter event " + event + ", batch 1 of " + tenant
                                + ": 1 calls of 0.000140 USD in all name it, it should have 1 of 0.000200 USD",
                        "meter event " + event + ", batch 1 of " + tenant
                                + ": 0.000200 USD, but Stripe was or is to be told of 0.000140 USD");
    }

    @Test
    void a_batch_that_has_calls_and_became_no_meter_event_is_a_difference() {
        called(Instant.now());
        seal();
        called(Instant.now());
        seal();
        loseFirstBatch();

        assertThat(differences(() -> {}))
                .containsExactly("batch 1 of " + tenant
                        + ": 1 calls of 0.000140 USD in all name it, but it became no meter event");
    }

    @Test
    void a_latest_batch_that_is_lost_is_a_difference() {
        called(Instant.now());
        seal();
        loseFirstBatch();

        assertThat(differences(() -> {}))
                .containsExactly("batch 1 of " + tenant
                        + ": 1 calls of 0.000140 USD in all name it, but it became no meter event");
    }

    /** No call names it, if an older version made them all. */
    @Test
    void a_batch_that_is_lost_is_a_difference_whether_a_call_names_it_or_not() {
        UsageRecord call = call(Instant.now());
        used(call);
        post(call);
        setBatch(call, null);
        add("named_microusd", -140);
        add("named_calls", -1);
        seal();
        called(Instant.now());
        seal();
        loseFirstBatch();

        assertThat(differences(() -> {}))
                .containsExactly("batch 1 of " + tenant
                        + ": 0 calls of 0.000000 USD in all name it, but it became no meter event");
    }

    @Test
    void a_call_in_a_batch_that_there_cannot_be_yet_is_a_difference() {
        UsageRecord call = call(Instant.now());
        used(call);
        post(call);
        setBatch(call, 999L);
        undo.add(() -> setBatch(call, 1L));

        assertThat(differences(() -> {})).containsExactly("calls of " + tenant + " name batch 999, but open is 1");
    }

    /** Their sum is right. */
    @Test
    void meter_events_of_more_and_of_less_that_no_older_version_explains_are_differences() {
        called(Instant.now());
        add("unmetered_microusd", 60);
        UUID more = seal();
        called(Instant.now());
        add("unmetered_microusd", -60);
        UUID less = seal();
        undo.add(() -> evenOut(1));
        undo.add(() -> evenOut(2));

        assertThat(differences(() -> {}))
                .containsExactlyInAnyOrder(
                        "meter event " + more + ", batch 1 of " + tenant
                                + ": 0.000200 USD, its calls cost 0.000140 USD,"
                                + " and no older version of billing explains that",
                        "meter event " + less + ", batch 2 of " + tenant
                                + ": 0.000080 USD, its calls cost 0.000140 USD,"
                                + " and no older version of billing explains that");
    }

    @Test
    void a_meter_event_of_less_is_none_where_an_older_version_told_of_the_rest() {
        called(Instant.now());
        called(Instant.now());
        UUID id = UUID.randomUUID();
        Instant at = Instant.now().minusSeconds(60);
        DYNAMO.putItem(request -> request.tableName("ledger")
                .item(Map.of(
                        "pk", AttributeValue.fromS("tenant#" + tenant),
                        "sk", AttributeValue.fromS("meter#" + at + "#" + id),
                        "id", AttributeValue.fromS(id.toString()),
                        "tenant", AttributeValue.fromS(tenant.value()),
                        "at", AttributeValue.fromS(at.toString()),
                        "amount_microusd", AttributeValue.fromN("140"))));
        add("unmetered_microusd", -140);
        seal();

        assertThat(differences(() -> {})).isEmpty();
    }

    @Test
    void a_meter_event_that_says_something_else_than_its_batch_is_a_difference() {
        called(Instant.now());
        UUID event = seal();
        Instant at = new DynamoMeterOutbox(DYNAMO).pending(tenant).getFirst().at();
        Map<String, AttributeValue> key = Map.of(
                "pk",
                AttributeValue.fromS("tenant#" + tenant),
                "sk",
                AttributeValue.fromS("meter#" + at + "#" + event));
        add(key, "amount_microusd", 60);
        undo.add(() -> add(key, "amount_microusd", -60));
        change("metered_microusd", -60); // so that the sum is right

        assertThat(differences(() -> {}))
                .containsExactly("meter event " + event + ", batch 1 of " + tenant
                        + ": 0.000140 USD, but Stripe was or is to be told of 0.000200 USD");
    }

    @Test
    void a_batch_that_stays_aside_is_a_difference() throws IOException {
        called(Instant.now());
        Instant before = Instant.now().minus(Duration.ofHours(2));
        leaveAside(before);
        undo.add(this::seal);

        try (StripePayments stripe = new StripePayments(store)) {
            assertThat(differences(() -> {}, stripe.sweep()))
                    .containsExactly("batch 1 of " + tenant + ": moved aside at " + before
                            + " and not written down, so Stripe is told of nothing since");
        }
    }

    @Test
    void a_batch_that_was_just_moved_aside_is_none() throws IOException {
        called(Instant.now());
        leaveAside(Instant.now());
        undo.add(this::seal);

        try (StripePayments stripe = new StripePayments(store)) {
            assertThat(differences(() -> {}, stripe.sweep())).isEmpty();
        }
    }

    @Test
    void meter_events_beside_an_older_version_are_counted_and_are_none() {
        UsageRecord call = call(Instant.now());
        used(call);
        post(call);
        called(Instant.now());
        setBatch(call, null); // as if an older version had posted it
        add("named_microusd", -140);
        add("named_calls", -1);
        seal();

        assertThat(differences(() -> {})).isEmpty();
        assertThat(seen).anyMatch(line -> line.matches("meter events: .*; [1-9][0-9]* of them were made beside an .*"));
    }

    /** @param afterTheLedger done at each look, when it has read the ledger and before it compares balances */
    private List<String> differences(Runnable afterTheLedger) {
        return differences(afterTheLedger, null);
    }

    private List<String> differences(Runnable afterTheLedger, @Nullable PaymentSweep stripe) {
        Reconciliation.Places places = new Reconciliation.Places(
                watched(afterTheLedger),
                new DynamoMeterOutbox(DYNAMO),
                new KafkaUsageRecords(Brokers.plain(TestStores.kafka())),
                null,
                stripe);
        Report report = new Reconciliation(places, Clock.systemUTC(), Duration.ZERO, directory, 1_000).compare();
        seen = report.seen();
        return report.differences().stream()
                .map(Difference::text)
                .filter(text -> text.contains(tenant.value()))
                .toList();
    }

    private LedgerStore watched(Runnable afterTheLedger) {
        return (LedgerStore) Proxy.newProxyInstance(
                LedgerStore.class.getClassLoader(), new Class<?>[] {LedgerStore.class}, (_, method, given) -> {
                    if (method.getName().equals("rejected")) {
                        afterTheLedger.run();
                    }
                    try {
                        return method.invoke(store, given);
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                });
    }

    private void called(Instant at) {
        UsageRecord call = call(at);
        used(call);
        post(call);
    }

    private UsageRecord call(Instant at) {
        return Calls.call(tenant, Ids.v7(), at, "openai/gpt-x", "greeter");
    }

    private static void used(UsageRecord call) {
        try (UsageTopic topic = new UsageTopic()) {
            topic.append(call);
        }
    }

    private void post(UsageRecord call) {
        store.post(tenant, List.of(PostingGroup.of(call)));
    }

    /** The meter event's identifier. */
    private UUID seal() {
        UUID id = UUID.randomUUID();
        new DynamoMeterOutbox(DYNAMO).seal(tenant, id, Instant.now());
        return id;
    }

    private void loseFirstBatch() {
        Map<String, AttributeValue> kept = DYNAMO.deleteItem(
                        request -> request.tableName("ledger").key(batchKey()).returnValues(ReturnValue.ALL_OLD))
                .attributes();
        undo.add(() -> DYNAMO.putItem(request -> request.tableName("ledger").item(kept)));
    }

    private void addToBatch(String attribute, long by) {
        DYNAMO.updateItem(request -> request.tableName("ledger")
                .key(batchKey())
                .updateExpression("ADD " + attribute + " :by")
                .expressionAttributeValues(Map.of(":by", AttributeValue.fromN(Long.toString(by)))));
    }

    private Map<String, AttributeValue> batchKey() {
        return Map.of("pk", AttributeValue.fromS("tenant#" + tenant), "sk", AttributeValue.fromS("batch#0000000001"));
    }

    private static void setBatch(UsageRecord call, @Nullable Long batch) {
        DYNAMO.updateItem(request -> {
            request.tableName("ledger")
                    .key(Map.of(
                            "pk", AttributeValue.fromS("group#" + GroupId.ofReceipt(call.receipt())),
                            "sk", AttributeValue.fromS("group")))
                    .updateExpression(batch == null ? "REMOVE meter_batch" : "SET meter_batch = :batch");
            if (batch != null) {
                request.expressionAttributeValues(Map.of(":batch", AttributeValue.fromN(Long.toString(batch))));
            }
        });
    }

    /** As a fault in the ledger would. */
    private void change(String sum, long by) {
        add(sum, by);
        undo.add(() -> add(sum, -by));
    }

    /** As a crash between the two steps of sealing does. */
    private void leaveAside(Instant at) {
        DynamoDbClient dying = (DynamoDbClient) Proxy.newProxyInstance(
                DynamoDbClient.class.getClassLoader(), new Class<?>[] {DynamoDbClient.class}, (_, method, given) -> {
                    if (method.getName().equals("transactWriteItems")) {
                        throw new IllegalStateException("killed here");
                    }
                    return method.invoke(DYNAMO, given);
                });
        assertThatThrownBy(() -> new DynamoMeterOutbox(dying).seal(tenant, UUID.randomUUID(), at))
                .hasMessage("killed here");
    }

    private void evenOut(long batch) {
        DYNAMO.updateItem(request -> request.tableName("ledger")
                .key(Map.of(
                        "pk", AttributeValue.fromS("tenant#" + tenant),
                        "sk", AttributeValue.fromS("batch#%010d".formatted(batch))))
                .updateExpression("REMOVE named_microusd SET amount_microusd = :price")
                .expressionAttributeValues(Map.of(":price", AttributeValue.fromN("140"))));
        new DynamoMeterOutbox(DYNAMO)
                .pending(tenant).stream()
                        .skip(batch - 1)
                        .limit(1)
                        .forEach(event -> add(
                                Map.of(
                                        "pk", AttributeValue.fromS("tenant#" + tenant),
                                        "sk", AttributeValue.fromS("meter#" + event.at() + "#" + event.id())),
                                "amount_microusd",
                                140 - event.amount().value()));
    }

    private void add(String sum, long by) {
        add(Map.of("pk", AttributeValue.fromS("tenant#" + tenant), "sk", AttributeValue.fromS("balance")), sum, by);
    }

    private static void add(Map<String, AttributeValue> key, String sum, long by) {
        DYNAMO.updateItem(request -> request.tableName("ledger")
                .key(key)
                .updateExpression("ADD " + sum + " :by")
                .expressionAttributeValues(Map.of(":by", AttributeValue.fromN(Long.toString(by)))));
    }

    private void breakGroup(UsageRecord call) {
        setFirstAmount(call, 141);
        undo.add(() -> setFirstAmount(call, 140));
    }

    private static void setFirstAmount(UsageRecord call, long amount) {
        DYNAMO.updateItem(request -> request.tableName("ledger")
                .key(Map.of(
                        "pk", AttributeValue.fromS("group#" + GroupId.ofReceipt(call.receipt())),
                        "sk", AttributeValue.fromS("group")))
                .updateExpression("SET postings[0].amount_microusd = :amount")
                .expressionAttributeValues(Map.of(":amount", AttributeValue.fromN(Long.toString(amount)))));
    }
}
