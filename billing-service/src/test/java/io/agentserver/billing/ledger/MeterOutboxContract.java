package io.agentserver.billing.ledger;

import io.agentserver.billing.Calls;
import io.agentserver.envelope.Ids;
import io.agentserver.envelope.TenantId;
import io.agentserver.usage.UsageRecord;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

/** What every outbox of usage promises. Each call's price is 140. */
public abstract class MeterOutboxContract {
    private final TenantId tenant = Calls.newTenant();

    protected abstract LedgerStore store();

    protected abstract MeterOutbox outbox();

    /** The same ledger as another process has it. */
    protected abstract LedgerStore pod();

    @Test
    void what_is_posted_is_open_then_pending_then_told() {
        post();
        assertThat(outbox().totals(tenant)).isEqualTo(totals(140, 0, 0));

        outbox().seal(tenant, Ids.v7(), Calls.NOON);
        assertThat(outbox().totals(tenant)).isEqualTo(totals(0, 140, 0));
        post();
        assertThat(outbox().totals(tenant)).isEqualTo(totals(140, 140, 0));

        outbox().told(outbox().pending(tenant).getFirst());
        assertThat(outbox().totals(tenant)).isEqualTo(totals(140, 0, 140));
        assertThat(outbox().pending(tenant)).isEmpty();
    }

    @Test
    void a_receipt_that_is_posted_again_is_in_one_batch() {
        PostingGroup group = PostingGroup.of(Calls.call(tenant, Ids.v7()));
        store().post(tenant, List.of(group));
        outbox().seal(tenant, Ids.v7(), Calls.NOON);
        store().post(tenant, List.of(group));

        outbox().seal(tenant, Ids.v7(), Calls.NOON.plusSeconds(1));

        assertThat(outbox().pending(tenant))
                .singleElement()
                .satisfies(batch -> assertThat(batch.amount()).isEqualTo(new MicroUsd(140)));
    }

    @Test
    void seals_nothing_where_nothing_is_open() {
        outbox().seal(tenant, Ids.v7(), Calls.NOON);

        assertThat(outbox().pending(tenant)).isEmpty();
        assertThat(outbox().totals(tenant)).isEqualTo(totals(0, 0, 0));
    }

    @Test
    void keeps_a_batch_as_it_was_sealed_and_when_it_was_first_tried() {
        UUID id = Ids.v7();
        post();
        outbox().seal(tenant, id, Calls.NOON);
        MeterBatch batch = outbox().pending(tenant).getFirst();
        assertThat(batch).isEqualTo(new MeterBatch(id, tenant, Calls.NOON, new MicroUsd(140), null));

        outbox().tried(batch, Calls.NOON.plusSeconds(5));
        outbox().tried(batch, Calls.NOON.plusSeconds(9));
        assertThat(outbox().pending(tenant).getFirst().firstTried()).isEqualTo(Calls.NOON.plusSeconds(5));

        outbox().untried(batch);
        assertThat(outbox().pending(tenant).getFirst().firstTried()).isNull();
    }

    @Test
    void a_batch_that_is_told_twice_counts_once() {
        post();
        outbox().seal(tenant, Ids.v7(), Calls.NOON);
        MeterBatch batch = outbox().pending(tenant).getFirst();

        outbox().told(batch);
        outbox().told(batch);
        outbox().tried(batch, Calls.NOON);

        assertThat(outbox().totals(tenant)).isEqualTo(totals(0, 0, 140));
    }

    @Test
    void a_call_names_the_batch_that_it_is_in() {
        UUID first = Ids.v7();
        PostingGroup early = post();
        outbox().seal(tenant, first, Calls.NOON);
        PostingGroup late = post();

        assertThat(batchOf(early)).isEqualTo(1);
        assertThat(batchOf(late)).isEqualTo(2);
        SealedBatch batch = new SealedBatch(1, first, tenant, Calls.NOON, new MicroUsd(140), new MicroUsd(140), 1);
        assertThat(outbox().sealed(tenant, 1)).contains(batch);
        assertThat(outbox().sealed(first)).contains(batch);
        assertThat(outbox().sealed(tenant, 2)).as("open").isEmpty();
        assertThat(outbox().sealed(Ids.v7())).isEmpty();
        assertThat(outbox().isTold(batch)).isFalse();

        outbox().told(outbox().pending(tenant).getFirst());

        assertThat(outbox().isTold(batch)).isTrue();
        assertThat(outbox().sealed(first)).contains(batch);
    }

    @Test
    void a_pod_that_did_not_hear_of_the_sealing_posts_into_the_next_batch() {
        LedgerStore other = pod();
        PostingGroup there = post(other);
        outbox().seal(tenant, Ids.v7(), Calls.NOON);

        PostingGroup late = PostingGroup.of(Calls.call(tenant, Ids.v7()));
        other.post(tenant, List.of(there, late)); // one of them is there, and the batch is not open any more

        assertThat(batchOf(there)).isEqualTo(1);
        assertThat(batchOf(late)).isEqualTo(2);
        assertThat(outbox().totals(tenant)).isEqualTo(totals(140, 140, 0));
    }

    /** Even if nothing else would refuse the posting. */
    @Test
    void nothing_gets_into_a_batch_that_is_sealed() {
        LedgerStore other = pod();
        post(other);
        outbox().seal(tenant, Ids.v7(), Calls.NOON);

        PostingGroup late = post(other);

        assertThat(batchOf(late)).isEqualTo(2);
        assertThat(outbox().open(tenant))
                .isEqualTo(new MeterOutbox.Open(2, new MicroUsd(140), new MicroUsd(140), null, null));
        assertThat(outbox().sealed(tenant, 1).orElseThrow().calls()).isEqualTo(1);
    }

    @Test
    void shows_all_that_stripe_was_or_is_to_be_told() {
        UUID first = Ids.v7();
        UUID second = Ids.v7();
        post();
        outbox().seal(tenant, first, Calls.NOON);
        outbox().told(outbox().pending(tenant).getFirst());
        post();
        outbox().seal(tenant, second, Calls.NOON.plusSeconds(1));

        List<UUID> ids = new ArrayList<>();
        outbox().forEachEvent(tenant, event -> ids.add(event.id()));

        assertThat(ids).containsExactlyInAnyOrder(first, second);
    }

    @Test
    void calls_that_cost_nothing_wait_for_one_that_does() {
        PostingGroup free = PostingGroup.of(free());
        store().post(tenant, List.of(free));
        outbox().seal(tenant, Ids.v7(), Calls.NOON);
        assertThat(outbox().pending(tenant)).isEmpty();

        post();
        outbox().seal(tenant, Ids.v7(), Calls.NOON);

        assertThat(batchOf(free)).isEqualTo(1);
        assertThat(outbox().sealed(tenant, 1))
                .get()
                .extracting(SealedBatch::calls)
                .isEqualTo(2L);
    }

    @Test
    void money_that_comes_in_is_in_no_batch() {
        PostingGroup topUp = PostingGroup.transfer(
                GroupId.of(GroupKind.TOP_UP, "pi_" + Ids.v7()),
                tenant,
                Calls.NOON,
                MicroUsd.ofCents(500),
                Account.stripeBalance(true),
                Account.creditOf(tenant));
        store().post(tenant, List.of(topUp));
        outbox().seal(tenant, Ids.v7(), Calls.NOON);

        assertThat(store().find(topUp.id())).contains(topUp);
        assertThat(outbox().totals(tenant)).isEqualTo(totals(0, 0, 0));
    }

    @Test
    void all_batches_are_read_in_their_order() {
        for (int i = 0; i < 12; i++) {
            post();
            outbox().seal(tenant, Ids.v7(), Calls.NOON.plusSeconds(i));
        }

        List<Long> numbers = new ArrayList<>();
        outbox().forEachSealed(tenant, batch -> numbers.add(batch.number()));

        assertThat(numbers).containsExactly(1L, 2L, 3L, 4L, 5L, 6L, 7L, 8L, 9L, 10L, 11L, 12L);
    }

    /** Long before it was sealed, for billing was away; after it, by a router whose clock is ahead; and among others. */
    @Test
    void the_calls_of_a_batch_are_found_whenever_they_were_made() {
        post(Calls.NOON.minusSeconds(20));
        outbox().seal(tenant, Ids.v7(), Calls.NOON.minusSeconds(10));
        List<PostingGroup> mine = Stream.of(
                        Calls.NOON.minus(Duration.ofDays(100)),
                        Calls.NOON.minusSeconds(30),
                        Calls.NOON,
                        Calls.NOON.plus(Duration.ofHours(2)))
                .map(this::post)
                .toList();
        UUID id = Ids.v7();
        outbox().seal(tenant, id, Calls.NOON);
        post(Calls.NOON.plusSeconds(1));

        assertThat(calls(id)).containsExactlyInAnyOrderElementsOf(ids(mine));
    }

    @Test
    void what_a_batch_has_is_known_when_its_tenant_is_gone() {
        List<PostingGroup> mine = List.of(post(), post(Calls.NOON.minus(Duration.ofDays(40))));
        UUID id = Ids.v7();
        outbox().seal(tenant, id, Calls.NOON);
        outbox().told(outbox().pending(tenant).getFirst());

        new Ledger(store()).forgetUsage(tenant);

        assertThat(calls(id)).containsExactlyInAnyOrderElementsOf(ids(mine));
        assertThat(outbox().isTold(outbox().sealed(id).orElseThrow())).isTrue();
    }

    @Test
    void racing_sealers_and_posters_lose_and_double_nothing() throws Exception {
        List<Future<?>> running = new ArrayList<>();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < 4; i++) {
                LedgerStore pod = pod();
                running.add(threads.submit(() -> {
                    for (int n = 0; n < 10; n++) {
                        post(pod);
                    }
                }));
                running.add(threads.submit(() -> {
                    for (int n = 0; n < 10; n++) {
                        outbox().seal(tenant, Ids.v7(), Calls.NOON);
                        outbox().pending(tenant).forEach(outbox()::told);
                    }
                }));
            }
        }
        for (Future<?> each : running) {
            each.get();
        }

        assertThat(outbox().totals(tenant).all()).isEqualTo(new MicroUsd(140 * 40));
        for (int i = 0; i < 3; i++) { // what a race has left half sealed is a batch of its own
            outbox().seal(tenant, Ids.v7(), Calls.NOON);
        }
        outbox().pending(tenant).forEach(outbox()::told);
        assertThat(outbox().totals(tenant)).isEqualTo(totals(0, 0, 140 * 40));
        assertThatEachBatchHasTheCallsThatNameIt(tenant);
    }

    protected final void assertThatEachBatchHasTheCallsThatNameIt(TenantId whose) {
        Map<Long, List<PostingGroup>> named = new HashMap<>();
        store().forEach(
                        group -> {
                            Long batch = group.batch();
                            if (group.tenant().equals(whose) && batch != null) {
                                named.computeIfAbsent(batch, _ -> new ArrayList<>())
                                        .add(group);
                            }
                        },
                        broken -> fail(broken.toString()));
        Map<Long, Long> calls = new HashMap<>();
        named.forEach((batch, groups) -> calls.put(batch, (long) groups.size()));
        Map<Long, Long> sealed = new HashMap<>();
        outbox().forEachSealed(whose, batch -> {
            sealed.put(batch.number(), batch.calls());
            assertThat(batch.isWhole()).isTrue();
            assertThat(batch.amount()).isEqualTo(new MicroUsd(140 * batch.calls()));
        });
        assertThat(calls).as("calls by batch").isEqualTo(sealed);
    }

    private PostingGroup post() {
        return post(store());
    }

    private PostingGroup post(LedgerStore pod) {
        PostingGroup group = PostingGroup.of(Calls.call(tenant, Ids.v7()));
        pod.post(tenant, List.of(group));
        return group;
    }

    private PostingGroup post(Instant at) {
        PostingGroup group = PostingGroup.of(Calls.call(tenant, Ids.v7(), at, "m", null));
        store().post(tenant, List.of(group));
        return group;
    }

    private UsageRecord free() {
        UsageRecord call = Calls.call(tenant, Ids.v7());
        return new UsageRecord(
                call.receipt(),
                call.tenant(),
                call.conversation(),
                call.thread(),
                call.message(),
                call.listener(),
                call.route(),
                call.provider(),
                call.model(),
                call.inputTokens(),
                call.cachedInputTokens(),
                call.outputTokens(),
                call.estimated(),
                call.cacheHit(),
                call.stub(),
                0,
                0,
                call.at());
    }

    private @Nullable Long batchOf(PostingGroup group) {
        return store().find(group.id()).orElseThrow().batch();
    }

    private List<GroupId> calls(UUID id) {
        List<GroupId> found = new ArrayList<>();
        assertThat(new BatchCalls(store()).forEach(outbox().sealed(id).orElseThrow(), call -> found.add(call.id())))
                .as("not found")
                .isZero();
        return found;
    }

    private static List<GroupId> ids(List<PostingGroup> groups) {
        return groups.stream().map(PostingGroup::id).toList();
    }

    private static MeterOutbox.Totals totals(long open, long pending, long told) {
        return new MeterOutbox.Totals(new MicroUsd(open), new MicroUsd(pending), new MicroUsd(told));
    }
}
