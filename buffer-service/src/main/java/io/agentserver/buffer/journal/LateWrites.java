package io.agentserver.buffer.journal;

import io.agentserver.buffer.commit.Commit;
import io.agentserver.buffer.store.ConversationKey;
import io.agentserver.buffer.store.ForwardingThreadStore;
import io.agentserver.buffer.store.Look;
import io.agentserver.buffer.store.ThreadStore;
import io.agentserver.envelope.TenantId;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/**
 * Notes conversations that were written, or copied into the hot store, when this process had not looked for deleted tenants for long:
 * it stood still in between, or the store was slow, and the tenant may have been swept for the last time meanwhile. Who looks next sweeps
 * those of deleted ones. Safe on any thread; what is in time costs two readings of a clock.
 */
public final class LateWrites {
    private static final Logger log = LoggerFactory.getLogger(LateWrites.class);
    /** From a mark to the last sweep it is 5 s at least; it is looked for marks each second. */
    private static final Duration IN_TIME = Duration.ofSeconds(3);

    private static final int MOST = 100_000;

    /** @param begun of a monotonic clock, in ns */
    private record Looked(long begun, Set<TenantId> deleted) {}

    private final LongSupplier nanos;
    private final Set<ConversationKey> late = ConcurrentHashMap.newKeySet();
    private volatile Looked looked;

    public LateWrites() {
        this(System::nanoTime);
    }

    LateWrites(LongSupplier nanos) {
        this.nanos = nanos;
        this.looked = new Looked(nanos.getAsLong(), Set.of());
    }

    /** A store whose late writes are noted, those that failed too: they may have got in. */
    public ThreadStore over(ThreadStore store) {
        return new Noted(store);
    }

    /**
     * What was noted so far, and is not any more.
     *
     * @return conversations, also of tenants that are not deleted
     */
    Set<ConversationKey> take() {
        Set<ConversationKey> taken = Set.copyOf(late);
        late.removeAll(taken);
        return taken;
    }

    /** Those that could not be looked after. */
    void putBack(Set<ConversationKey> taken) {
        late.addAll(taken);
    }

    long now() {
        return nanos.getAsLong();
    }

    /**
     * @param begun when the look began, of {@link #now}
     * @param deleted all that there are
     */
    void looked(long begun, Set<TenantId> deleted) {
        looked = new Looked(begun, deleted);
    }

    private <T> T noted(ConversationKey key, Supplier<T> use) {
        try {
            return use.get();
        } finally {
            // both of one look: a write may have been under way when a tenant of it was found
            Looked last = looked;
            if (last.deleted.contains(key.tenant()) || nanos.getAsLong() - last.begun > IN_TIME.toNanos()) {
                note(key);
            }
        }
    }

    private void note(ConversationKey key) {
        if (late.size() < MOST) {
            late.add(key);
        } else {
            log.debug("{} was written late; the later sweeps of deleted tenants have to find it", key);
        }
    }

    private final class Noted extends ForwardingThreadStore {
        Noted(ThreadStore store) {
            super(store);
        }

        @Override
        public List<Commit> read(ConversationKey key, long number, Look look) {
            return noted(key, () -> super.read(key, number, look));
        }

        @Override
        public boolean append(ConversationKey key, Commit commit, long previousActivityMs) {
            return noted(key, () -> super.append(key, commit, previousActivityMs));
        }

        @Override
        public boolean erase(ConversationKey key, Commit erasure) {
            return noted(key, () -> super.erase(key, erasure));
        }
    }
}
