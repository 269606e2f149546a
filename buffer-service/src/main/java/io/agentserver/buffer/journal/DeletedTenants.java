package io.agentserver.buffer.journal;

import io.agentserver.buffer.store.ConversationKey;
import io.agentserver.buffer.store.StoreUnavailableException;
import io.agentserver.buffer.store.TenantErasure;
import io.agentserver.envelope.TenantId;
import io.agentserver.service.OutOfMemory;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.time.Duration;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.function.Predicate;

/**
 * Whom this process serves no more. It looks at the store's marks each second, on a thread of its own, so that a tenant which
 * another process was told to forget is refused here within a second or two; and sweeps, on another, what this one has written late of
 * such a tenant: a store that hangs there keeps nobody from hearing. While the store is away it knows whom it knew.
 */
public final class DeletedTenants implements Predicate<TenantId>, AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(DeletedTenants.class);
    private static final Duration PERIOD = Duration.ofSeconds(1);

    private final TenantErasure store;
    private final LateWrites late;
    private final Consumer<TenantId> forget;
    private final ScheduledExecutorService thread = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().name("deleted-tenants").daemon().factory());
    private final ExecutorService sweeper = Executors.newSingleThreadExecutor(
            Thread.ofPlatform().name("deleted-tenants-sweep").daemon().factory());
    private final Set<ConversationKey> unswept = ConcurrentHashMap.newKeySet();
    private final AtomicBoolean isSweeping = new AtomicBoolean();
    private volatile Set<TenantId> known = Set.of();

    /**
     * @param late what this process has written without having looked for long
     * @param forget called for each after it is refused, and again when something of it came late: what this process remembers of it is
     *     to go
     */
    public DeletedTenants(TenantErasure store, LateWrites late, Consumer<TenantId> forget) {
        this.store = store;
        this.late = late;
        this.forget = forget;
    }

    /** Returns when those of before are known, and what was written of them is swept. */
    public DeletedTenants start() {
        look();
        sweep();
        var _ = thread.scheduleWithFixedDelay(
                this::lookAgain, PERIOD.toMillis(), PERIOD.toMillis(), TimeUnit.MILLISECONDS);
        return this;
    }

    @Override
    public boolean test(TenantId tenant) {
        return known.contains(tenant);
    }

    /**
     * Refuses a tenant from now on, for ever and in every process, and frees a part of what the store has of it.
     *
     * @param cursor see {@link TenantErasure#sweep}
     */
    public TenantErasure.Swept erase(TenantId tenant, String cursor) {
        refuse(tenant);
        return store.sweep(tenant, cursor);
    }

    /** Refuses a tenant from now on, for ever and in every process. */
    public void refuse(TenantId tenant) {
        if (!test(tenant)) {
            store.mark(tenant);
            add(Set.of(tenant));
        }
    }

    @Override
    public void close() {
        thread.shutdownNow();
        sweeper.shutdownNow();
    }

    private void look() {
        Set<ConversationKey> written = late.take();
        try {
            long begun = late.now();
            add(store.marked()); // after the writes: a tenant that is marked later is swept later too
            late.looked(begun, known);
        } catch (RuntimeException | Error e) {
            late.putBack(written);
            throw e;
        }
        written.stream().filter(key -> test(key.tenant())).forEach(unswept::add);
    }

    private void sweep() {
        for (ConversationKey key : Set.copyOf(unswept)) {
            unswept.remove(key); // first: it may be written again meanwhile
            try {
                forget.accept(key.tenant());
                store.sweep(key);
            } catch (RuntimeException | Error e) {
                unswept.add(key);
                throw e;
            }
            log.info("{} was written while its tenant was deleted: it is swept once more", key);
        }
    }

    private void lookAgain() {
        again(this::look);
        if (!unswept.isEmpty() && isSweeping.compareAndSet(false, true)) {
            sweeper.execute(() -> {
                again(this::sweep);
                isSweeping.set(false);
            });
        }
    }

    private static void again(Runnable part) {
        try {
            part.run();
        } catch (StoreUnavailableException e) {
            log.debug("the deleted tenants are looked for again in {}", PERIOD, e);
        } catch (RuntimeException | Error e) {
            OutOfMemory.endsTheProcess(e);
            // a scheduled task that throws is never run again
            log.error("the deleted tenants could not be looked for", e);
        }
    }

    private synchronized void add(Set<TenantId> marked) {
        Set<TenantId> fresh = new HashSet<>(marked);
        fresh.removeAll(known);
        if (fresh.isEmpty()) {
            return;
        }
        Set<TenantId> all = new HashSet<>(known);
        all.addAll(fresh);
        known = Set.copyOf(all);
        fresh.forEach(forget);
    }
}
