package io.agentserver.buffer.backup;

import io.agentserver.buffer.store.DueStore;
import io.agentserver.buffer.store.Leases;
import io.agentserver.buffer.store.ShardKey;
import io.agentserver.buffer.store.StoreUnavailableException;
import io.agentserver.buffer.store.TenantErasure;
import io.agentserver.service.OutOfMemory;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.function.LongSupplier;
import java.util.stream.IntStream;

/**
 * Keeps the backup up to date: of each shard that is this process's by a lease, what is due. A lease that is lost in the middle of a
 * run, so that two write a shard at once, costs work and does no harm. On virtual threads of its own.
 */
public final class BackupRuns implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(BackupRuns.class);
    private static final Duration EVERY = Duration.ofSeconds(1);
    /** A lease that was not renewed for so long may have been another's meanwhile. */
    private static final Duration LEASE = Duration.ofSeconds(5);

    private static final Duration LEASES_AWAY = Duration.ofMinutes(1);
    private static final int SHARDS_AT_ONCE = 4;
    private static final int DRILL_ROUNDS = 60;
    private static final int EXPIRY_ROUNDS = 3_600;

    private final Leases leases;
    private final BackupBucket bucket;
    private final BackupNames names;
    private final BackupExpiry expiry;
    private final BackupProgress progress;
    private final StoreClock clock;
    private final List<ShardRun> shards = new ArrayList<>();
    private final String owner = UUID.randomUUID().toString();
    private final LongSupplier nanoTime;
    private long renewed; // these two are the loop's alone
    private long told;
    private final Set<Integer> running = ConcurrentHashMap.newKeySet();
    private final Semaphore atOnce = new Semaphore(SHARDS_AT_ONCE);
    private final ExecutorService work = Executors.newVirtualThreadPerTaskExecutor();
    private final Thread thread = Thread.ofVirtual().name("backup").unstarted(this::loop);

    /**
     * @param index what has changed
     * @param leases on its shards
     * @param clock by which entries of the index are due
     */
    BackupRuns(
            ConversationBackups backups,
            BackupBucket bucket,
            BackupNames names,
            DueStore index,
            Leases leases,
            TenantErasure deleted,
            BackupTimes times,
            BackupProgress progress,
            StoreClock clock,
            Clock own,
            LongSupplier nanoTime) {
        this.leases = leases;
        this.bucket = bucket;
        this.names = names;
        this.progress = progress;
        this.expiry = new BackupExpiry(bucket, names, deleted, times, progress, own);
        this.clock = clock;
        this.nanoTime = nanoTime;
        this.renewed = nanoTime.getAsLong();
        this.told = renewed;
        for (int shard = 0; shard < ShardKey.SHARDS; shard++) {
            shards.add(new ShardRun(shard, backups, bucket, names, index, deleted, times, progress, clock));
        }
    }

    public BackupRuns start() {
        thread.start();
        return this;
    }

    @Override
    public void close() {
        thread.interrupt();
        work.shutdownNow();
        try {
            leases.release(owner);
        } catch (StoreUnavailableException e) {
            log.debug("the shards are free when the lease is over", e);
        }
    }

    /** All that is due, whoever's it is, on the caller's thread. */
    public void runAll() {
        clock.look();
        shards.forEach(ShardRun::run);
    }

    private void loop() {
        try {
            for (long round = 0; ; round++) {
                look(round);
                Thread.sleep(EVERY);
            }
        } catch (InterruptedException closed) {
            // what is due, another process backs up
        }
    }

    /** Begins what is to be done now, and does not wait for it. */
    void look(long round) {
        try {
            long asked = nanoTime.getAsLong();
            List<Integer> mine = leases.renew(owner);
            clock.look();
            if (nanoTime.getAsLong() - renewed > LEASE.toNanos()) {
                shards.forEach(ShardRun::lose);
            }
            renewed = asked;
            told = asked;
            if (!mine.contains(0)) {
                progress.expiryFailing(false);
            }
            for (int shard = 0; shard < ShardKey.SHARDS; shard++) {
                if (!mine.contains(shard)) {
                    if (!running.contains(shard)) {
                        shards.get(shard).lose();
                    }
                } else if (running.add(shard)) {
                    begin(shard, shards.get(shard)::run);
                }
            }
            if (round % EXPIRY_ROUNDS == 0 && mine.contains(0) && running.add(ShardKey.SHARDS)) {
                begin(ShardKey.SHARDS, expiry::sweep);
            }
            if (round % DRILL_ROUNDS == 0) {
                progress.drilled(Drilled.read(bucket, names));
            }
        } catch (StoreUnavailableException e) {
            log.debug("the backup waits: {}", e.getMessage(), e);
            tellIfLong(e);
        } catch (RuntimeException | Error e) {
            OutOfMemory.endsTheProcess(e);
            log.error("the backup failed, and goes on", e);
        }
    }

    /** Nobody begins a run then, so nothing else would tell. */
    private void tellIfLong(StoreUnavailableException why) {
        if (nanoTime.getAsLong() - told > LEASES_AWAY.toNanos()) {
            log.warn("nothing is backed up, for whose the shards are is not to be found out: {}", why.getMessage());
            IntStream.range(0, ShardKey.SHARDS).forEach(shard -> progress.failing(shard, true));
            told = nanoTime.getAsLong();
        }
    }

    /** @param place a shard, or what is no shard's */
    private void begin(int place, Runnable task) {
        work.execute(() -> {
            try {
                atOnce.acquire();
                try {
                    task.run();
                } finally {
                    atOnce.release();
                }
            } catch (InterruptedException closed) {
                Thread.currentThread().interrupt();
            } catch (StoreUnavailableException e) {
                log.warn("the backup of {} waits: {}", place, e.getMessage());
            } catch (RuntimeException | Error e) {
                OutOfMemory.endsTheProcess(e);
                log.error("the backup of {} failed, and is tried again", place, e);
            } finally {
                running.remove(place);
            }
        });
    }
}
