package io.agentserver.billing.ledger;

import io.agentserver.envelope.TenantId;
import org.jspecify.annotations.Nullable;

import java.util.List;
import java.util.function.Consumer;

/**
 * The calls of a batch, without an index of its own, which each posting would pay for: a tenant's calls are read by time from
 * when the batch was sealed, page by page backwards and on, until as many as it has are found. Nearly all were made in the
 * minutes before, so that takes about twice as many reads as the batch has calls; more where a router's clock was wrong.
 */
public final class BatchCalls {
    private static final int PAGE = 500;

    private final LedgerStore store;

    public BatchCalls(LedgerStore store) {
        this.store = store;
    }

    /** From one time into one direction. */
    private final class Walk {
        private final TenantId tenant;
        private final LineOrder order;
        private @Nullable LinePosition after;
        private boolean ended;

        Walk(SealedBatch batch, LineOrder order) {
            this.tenant = batch.tenant();
            this.order = order;
            this.after = LinePosition.at(batch.at());
        }

        List<PostingGroup> next() {
            List<PostingGroup> page = ended ? List.of() : store.list(tenant, Book.CALLS, order, after, PAGE);
            ended = page.size() < PAGE;
            after = page.isEmpty() ? after : LinePosition.of(page.getLast());
            return page;
        }
    }

    /**
     * Each of them, the latest before the sealing first.
     *
     * @return how many of its calls were not found: of a batch that was sealed a moment ago the ledger may not list all yet
     */
    public long forEach(SealedBatch batch, Consumer<PostingGroup> visitor) {
        Walk back = new Walk(batch, LineOrder.NEWEST_FIRST);
        Walk on = new Walk(batch, LineOrder.OLDEST_FIRST);
        long left = batch.calls();
        while (left > 0 && !(back.ended && on.ended)) {
            left -= visit(back.next(), batch, visitor);
            if (left > 0) {
                left -= visit(on.next(), batch, visitor);
            }
        }
        return left;
    }

    private static long visit(List<PostingGroup> page, SealedBatch batch, Consumer<PostingGroup> visitor) {
        List<PostingGroup> found = page.stream()
                .filter(group -> Long.valueOf(batch.number()).equals(group.batch()))
                .toList();
        found.forEach(visitor);
        return found.size();
    }
}
