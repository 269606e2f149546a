package io.agentserver.buffer.backup;

import io.agentserver.envelope.TenantId;

import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;

/** Which tenants are deleted, read once for all that ask meanwhile: a restore asks twice for each of a million conversations. */
final class SharedMarks {
    private final Supplier<Set<TenantId>> deleted;
    private final AtomicLong asked = new AtomicLong();
    private final ReentrantLock reading = new ReentrantLock();
    private long answered;
    private Set<TenantId> marked = Set.of();

    /** @param deleted looks at the store */
    SharedMarks(Supplier<Set<TenantId>> deleted) {
        this.deleted = deleted;
    }

    /** By a look at the store that began after this call. */
    boolean has(TenantId tenant) {
        long mine = asked.incrementAndGet();
        reading.lock();
        try {
            if (answered < mine) {
                long all = asked.get();
                marked = deleted.get();
                answered = all;
            }
            return marked.contains(tenant);
        } finally {
            reading.unlock();
        }
    }

    /** Who waits for a look that is not its own; for tests. */
    int waiting() {
        return reading.getQueueLength();
    }
}
