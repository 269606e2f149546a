package io.agentserver.gateway.deletion;

import io.agentserver.envelope.TenantId;
import io.agentserver.gateway.billing.Billing;
import io.agentserver.gateway.deletion.DynamoDeletions.Job;
import io.agentserver.gateway.log.LogTopics;
import io.agentserver.gateway.log.TenantRecords;
import io.agentserver.gateway.organism.StaticDelivery;
import io.agentserver.gateway.problems.Unavailable;
import io.agentserver.gateway.tenants.DynamoTenantTable;
import io.agentserver.gateway.tenants.Tenants;
import io.agentserver.gateway.threads.ThreadBuffer;
import io.agentserver.sealing.DynamoTenantKeys;
import io.agentserver.service.OutOfMemory;
import io.agentserver.service.redis.RedisClients;
import io.agentserver.tenancy.TenantDirectory;
import io.agentserver.tenancy.TenantEntry;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * Deletes tenants. {@link #request} revokes one at once; the rest is a job that stands in the table, of which one gateway at a
 * time does the next part, on one thread of its own, and writes down how far it has come. If it dies another goes on, once it
 * has seen the job unchanged for a while of its own clock; should both be alive after all, the parts are harmless to repeat.
 * A store that is away is tried again until it is back.
 */
public final class Deletions implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Deletions.class);
    /** How soon a pod hears of what is published on the {@code tenants} topic (CONTRACTS 5). */
    static final Duration HEARD = Duration.ofSeconds(5);

    /** What is on its way may take so long to end. */
    private static final Duration IN_FLIGHT = Duration.ofSeconds(30);

    private static final Duration LOOK = Duration.ofMillis(500);
    private static final Duration SCAN = Duration.ofMinutes(1);

    private final DynamoDeletions jobs;
    private final Revoked tenants;
    private final List<? extends DeletionStep> steps;
    private final Duration lease;
    private final Clock clock;
    private final LongSupplier nanoTime;
    private final String owner = UUID.randomUUID().toString();
    private final Set<TenantId> open = ConcurrentHashMap.newKeySet();
    private final Map<TenantId, Seen> seen = new HashMap<>(); // the thread's alone, as the next one
    private final Map<TenantId, Long> notBefore = new HashMap<>();
    private long scanned;
    private final Thread thread =
            Thread.ofPlatform().name("tenant-deletion").daemon().unstarted(this::run);
    private final CountDownLatch closing = new CountDownLatch(1);

    /** Those that were told to go. */
    interface Revoked {
        /** Has all keys of a tenant refused; empty: there is no such tenant, or nothing of it any more. */
        Optional<TenantEntry> revoke(TenantId tenant);

        /** Whom this pod knows; empty: it does not know yet. */
        Optional<List<TenantEntry>> all();
    }

    /** Another owner's job, and since when it stands so. */
    private record Seen(String owner, long beat, long since) {}

    /** @param steps in their order */
    Deletions(
            DynamoDeletions jobs,
            Revoked tenants,
            List<? extends DeletionStep> steps,
            Duration lease,
            Clock clock,
            LongSupplier nanoTime) {
        this.jobs = jobs;
        this.tenants = tenants;
        this.steps = List.copyOf(steps);
        this.lease = lease;
        this.clock = clock;
        this.nanoTime = nanoTime;
        this.scanned = nanoTime.getAsLong() - SCAN.toNanos();
    }

    /**
     * All stores of the platform, in the order in which they must go.
     *
     * @param lease after so long without a word another gateway goes on; longer than any part takes
     */
    public static Deletions of(
            DynamoDeletions jobs,
            DynamoTenantTable table,
            DynamoTenantKeys keys,
            Tenants tenants,
            TenantDirectory directory,
            LogTopics topics,
            TenantRecords records,
            ThreadBuffer buffer,
            Billing billing,
            StaticDelivery delivery,
            RedisClients redis,
            Duration lease,
            Clock clock) {
        return new Deletions(
                jobs,
                new Revoked() {
                    @Override
                    public Optional<TenantEntry> revoke(TenantId tenant) {
                        return tenants.revoke(tenant);
                    }

                    @Override
                    public Optional<List<TenantEntry>> all() {
                        if (!directory.isCaughtUp()) {
                            return Optional.empty();
                        }
                        return Optional.of(directory.all().stream()
                                .filter(TenantEntry::isDeleted)
                                .toList());
                    }
                },
                List.of(
                        new LogStep(topics, buffer, IN_FLIGHT, clock),
                        new ConversationsStep(buffer),
                        // after what they are made of
                        new BackupsStep(buffer),
                        new StaticFilesStep(delivery),
                        new DirectoryStep(table, tenants, directory),
                        // from here on no service knows the tenant, and none makes anew what it makes for those it
                        // knows, or opens what is sealed for it
                        new KeysStep(keys),
                        new BillingStep(billing),
                        new RedisKeysStep(redis),
                        new RedisFilesStep(redis),
                        new DirectoryLogStep(records)),
                lease,
                clock,
                System::nanoTime);
    }

    public Deletions start() {
        thread.start();
        return this;
    }

    /**
     * Revokes a tenant, and has all that it has deleted. Repeating it is harmless.
     *
     * @return false: there never was such a tenant
     */
    boolean request(TenantId tenant) {
        Optional<TenantEntry> entry = tenants.revoke(tenant);
        entry.ifPresent(this::open);
        return entry.isPresent() || jobs.find(tenant).isPresent();
    }

    Optional<Deletion> find(TenantId tenant) {
        return jobs.find(tenant).map(Job::deletion);
    }

    @Override
    public void close() {
        closing.countDown(); // not in the middle of a part
        if (!thread.isAlive()) {
            return;
        }
        try {
            thread.join(Duration.ofSeconds(5));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void open(TenantEntry entry) {
        Instant requested = entry.deletedAt() == null ? clock.instant() : entry.deletedAt();
        jobs.create(Deletion.of(entry.tenantId(), requested, steps), owner);
        open.add(entry.tenantId());
    }

    private void run() {
        while (!isClosing()) {
            try {
                look();
            } catch (RuntimeException | Error e) {
                OutOfMemory.endsTheProcess(e);
                LOG.error("the deletion of tenants failed; it goes on", e);
            }
        }
    }

    private boolean isClosing() {
        try {
            return closing.await(LOOK.toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            throw new IllegalStateException("nobody interrupts this thread", e);
        }
    }

    /** One part of each job that is this gateway's. */
    void look() {
        if (nanoTime.getAsLong() - scanned >= SCAN.toNanos()) {
            scan();
        }
        for (TenantId tenant : Set.copyOf(open)) {
            look(tenant);
        }
    }

    /** Whom another pod was told of, and whose request died between revoking and the job. */
    private void scan() {
        try {
            Optional<List<TenantEntry>> revoked = tenants.all();
            if (revoked.isEmpty()) {
                return;
            }
            Set<TenantId> all = new HashSet<>(jobs.open());
            for (TenantEntry entry : revoked.get()) {
                if (!all.contains(entry.tenantId())) {
                    open(entry);
                }
            }
            open.addAll(all);
            scanned = nanoTime.getAsLong();
        } catch (Unavailable e) {
            LOG.warn("which tenants are to be deleted is not known at the moment: {}", e.getMessage());
        }
    }

    private void look(TenantId tenant) {
        long wait = notBefore.getOrDefault(tenant, nanoTime.getAsLong()) - nanoTime.getAsLong();
        if (closing.getCount() == 0 || wait > 0) {
            return;
        }
        try {
            Optional<Job> job = jobs.find(tenant);
            if (job.isEmpty() || job.get().deletion().finishedAt() != null) {
                jobs.close(tenant); // whoever finished it may have died before it did
                forget(tenant);
            } else if (isMine(tenant, job.get())) {
                goOn(tenant, job.get());
            }
        } catch (Unavailable e) {
            LOG.warn("the deletion of tenant {} waits: {}", tenant, e.getMessage());
            rest(tenant, Duration.ofSeconds(2));
        } catch (RuntimeException e) {
            LOG.error("the deletion of tenant {} failed and is tried again", tenant, e);
            rest(tenant, Duration.ofSeconds(10));
        }
    }

    private boolean isMine(TenantId tenant, Job job) {
        if (job.owner().equals(owner)) {
            return true;
        }
        Seen before = seen.get(tenant);
        if (before == null || before.beat() != job.beat() || !before.owner().equals(job.owner())) {
            seen.put(tenant, new Seen(job.owner(), job.beat(), nanoTime.getAsLong()));
            return false;
        }
        return nanoTime.getAsLong() - before.since() >= lease.toNanos();
    }

    private void goOn(TenantId tenant, Job job) {
        Deletion deletion = job.deletion().withAll(steps);
        int index = deletion.next().orElseThrow();
        Deletion.Store store = deletion.stores().get(index);
        DeletionStep step = steps.stream()
                .filter(each -> each.store().equals(store.store()))
                .findFirst()
                .orElseThrow(() -> new IllegalStateException(
                        "store " + store.store() + " is another version's: a gateway of that one must go on"));
        Instant now = clock.instant();
        Deletion.Store begun = store.begun(now);
        if (!job.owner().equals(owner) || store.begunAt() == null) {
            // first it is seen to be ours, and when it began
            jobs.save(job, deletion.with(index, begun, now), owner);
            return;
        }
        DeletionStep.Part part = step.work(tenant, store.cursor(), deletion.requestedAt());
        Instant after = clock.instant();
        Deletion next = deletion.with(index, store.after(part, now, HEARD, after), after);
        if (jobs.save(job, next, owner)) {
            tell(tenant, next, index);
        }
        if (part.freed() == 0 && (part.left() > 0 || part.cursor().isEmpty())) {
            rest(tenant, step.pause());
        }
    }

    private void tell(TenantId tenant, Deletion deletion, int index) {
        Deletion.Store store = deletion.stores().get(index);
        if (store.checkedAt() != null) {
            LOG.info("of tenant {} nothing is left in {}: {} entries were found", tenant, store.store(), store.found());
        }
        if (deletion.finishedAt() != null) {
            LOG.info("tenant {} is deleted", tenant);
            jobs.close(tenant);
            forget(tenant);
        }
    }

    private void rest(TenantId tenant, Duration time) {
        notBefore.put(tenant, nanoTime.getAsLong() + time.toNanos());
    }

    private void forget(TenantId tenant) {
        open.remove(tenant);
        seen.remove(tenant);
        notBefore.remove(tenant);
    }
}
