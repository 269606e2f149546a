package io.agentserver.billing.ledger;

import io.agentserver.billing.Calls;
import io.agentserver.envelope.Ids;
import io.agentserver.envelope.TenantId;
import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

import static org.assertj.core.api.Assertions.assertThat;

/** What every outbox of usage promises. Each call's price is 140. */
public abstract class MeterOutboxContract {
    private final TenantId tenant = Calls.newTenant();

    protected abstract LedgerStore store();

    protected abstract MeterOutbox outbox();

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
    void racing_sealers_and_posters_lose_and_double_nothing() throws Exception {
        List<Future<?>> running = new ArrayList<>();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < 4; i++) {
                running.add(threads.submit(() -> {
                    for (int n = 0; n < 10; n++) {
                        post();
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
        outbox().seal(tenant, Ids.v7(), Calls.NOON);
        outbox().pending(tenant).forEach(outbox()::told);
        assertThat(outbox().totals(tenant)).isEqualTo(totals(0, 0, 140 * 40));
    }

    private void post() {
        store().post(tenant, List.of(PostingGroup.of(Calls.call(tenant, Ids.v7()))));
    }

    private static MeterOutbox.Totals totals(long open, long pending, long told) {
        return new MeterOutbox.Totals(new MicroUsd(open), new MicroUsd(pending), new MicroUsd(told));
    }
}
