package io.agentserver.tenancy;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.agentserver.envelope.TenantId;
import io.agentserver.envelope.VerificationKey;
import io.agentserver.log.Brokers;
import io.agentserver.log.Topics;
import io.agentserver.service.OutOfMemory;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.InterruptException;
import org.apache.kafka.common.errors.WakeupException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/**
 * The compacted {@code tenants} topic as a local table: every pod reads all of it, from the start, on one thread of its
 * own, and asks it without a network. A look-up is safe on any thread. It is {@link #isFresh fresh} while heartbeats come;
 * a pod that hears none for 30 s must honour no key, for it would not hear of a revocation either. One that stood on the topic
 * when it began to read is as old as its record says, and counts once; the 30 s are those of the monotonic clock. Whatever
 * fails, it reads again.
 */
public final class TenantDirectory implements AutoCloseable {
    /** The key of the heartbeat record; no tenant's id has this form. */
    public static final String HEARTBEAT = "#heartbeat";

    private static final byte[] HEARTBEAT_KEY = HEARTBEAT.getBytes(StandardCharsets.UTF_8);

    private static final Logger LOG = LoggerFactory.getLogger(TenantDirectory.class);
    private static final int MOST_VERIFICATION_KEYS = 10_000;
    private static final Duration STALE_AFTER = Duration.ofSeconds(30);

    private final Map<String, TenantEntry> tenants = new ConcurrentHashMap<>();
    private final Set<String> deleted = ConcurrentHashMap.newKeySet();
    private final KeptOrganisms organisms = new KeptOrganisms();
    private final Map<String, KeyOwner> keysByHash = new ConcurrentHashMap<>();
    /** By their text: to check that a point is on its curve takes several times what a signature takes. */
    private final Cache<String, VerificationKey> verificationKeys =
            Caffeine.newBuilder().maximumSize(MOST_VERIFICATION_KEYS).build();

    private final List<java.util.function.Consumer<TenantEntry>> listeners = new CopyOnWriteArrayList<>();
    private final List<java.util.function.Consumer<TenantId>> removalListeners = new CopyOnWriteArrayList<>();
    private final Supplier<Consumer<byte[], byte[]>> consumers;
    private final LongSupplier nanoTime;
    private final Thread reader;
    private volatile @Nullable Consumer<byte[], byte[]> consumer;
    private volatile @Nullable Long lastHeard; // of the monotonic clock
    private long lastBeatMs; // the record's time; the reader's thread alone
    private volatile boolean caughtUp;
    private volatile boolean closed;

    /** An API key and whose it is. */
    public record KeyOwner(TenantEntry tenant, TenantEntry.Key key) {}

    public TenantDirectory(Brokers brokers) {
        this(brokers, System::nanoTime);
    }

    /** @param nanoTime as {@link System#nanoTime} */
    public TenantDirectory(Brokers brokers, LongSupplier nanoTime) {
        this(() -> brokers.consumer(Map.of(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest")), nanoTime);
    }

    TenantDirectory(Supplier<Consumer<byte[], byte[]>> consumers, LongSupplier nanoTime) {
        this.consumers = consumers;
        this.nanoTime = nanoTime;
        this.reader = Thread.ofPlatform().name("tenant-directory").daemon().unstarted(this::follow);
    }

    public TenantDirectory start() {
        reader.start();
        return this;
    }

    public Optional<TenantEntry> find(TenantId tenant) {
        return Optional.ofNullable(tenants.get(tenant.value()));
    }

    /**
     * Whether there is no such tenant, for certain: whoever has heard of it through a request or a message may drop what is
     * its. One whose deletion is under way is not gone.
     */
    public boolean isGone(TenantId tenant) {
        boolean allRead = caughtUp; // before the look-up, or what was read between would be missed
        return allRead && !tenants.containsKey(tenant.value());
    }

    /** Whether the topic has told that a tenant of this id was deleted; it tells so for a day at least. Its id never comes again. */
    public boolean wasDeleted(TenantId tenant) {
        return deleted.contains(tenant.value());
    }

    public Collection<TenantEntry> all() {
        return List.copyOf(tenants.values());
    }

    /** Empty: it has not come yet, or {@link #isRetired it is retired}. Unzips it. */
    public Optional<OrganismEntry> organism(TenantId tenant, long version) {
        return organisms.find(tenant, version);
    }

    public boolean hasOrganism(TenantId tenant, long version) {
        return organisms.has(tenant, version);
    }

    /** Which versions of a tenant's organism are known here, also of a tenant that is not. */
    public Set<Long> versions(TenantId tenant) {
        return organisms.versions(tenant);
    }

    /**
     * Whether a version is too old to be kept, for certain: the topic has a version before the entry that names it, so that one
     * which is not here behind a newer entry does not come any more.
     */
    public boolean isRetired(TenantId tenant, long version) {
        boolean allRead = caughtUp; // before the look-up, or what was read between would be missed
        TenantEntry entry = tenants.get(tenant.value());
        return allRead && entry != null && version < entry.organismVersion() && !organisms.has(tenant, version);
    }

    /** Versions that the topic has and that are too old to be kept ({@link OrganismEntry#MOST_KEPT}): it need not have them. */
    public List<RetiredOrganism> retired() {
        return organisms.retired();
    }

    /** Whose living key has this hash; expiry and revocation are the caller's to judge by {@link TenantEntry.Key#isAlive}. */
    public Optional<KeyOwner> keyByHash(String hash) {
        return Optional.ofNullable(keysByHash.get(hash));
    }

    /** A tenant's signing key, also a deleted one, or none. Unusable text is none: it was checked when it was registered. */
    public Optional<VerificationKey> signingKey(TenantId tenant, String kid, boolean alsoDeleted) {
        return find(tenant)
                .flatMap(t -> t.signingKey(kid))
                .filter(k -> alsoDeleted || k.deletedAt() == null)
                .flatMap(k -> {
                    VerificationKey known = verificationKeys.getIfPresent(k.jwk());
                    if (known != null) {
                        return Optional.of(known);
                    }
                    try {
                        VerificationKey key = VerificationKey.ofJwk(k.jwk());
                        verificationKeys.put(k.jwk(), key);
                        return Optional.of(key);
                    } catch (VerificationKey.Unfit e) {
                        LOG.error("signing key {} of tenant {} is unusable: {}", kid, tenant, e.getMessage());
                        return Optional.empty();
                    }
                });
    }

    /** Whether all that stood on the topic at the start has been read, and the last heartbeat is at most 30 s old. */
    public boolean isFresh() {
        Long heard = lastHeard;
        return caughtUp && heard != null && nanoTime.getAsLong() - heard < STALE_AFTER.toNanos();
    }

    /** Whether the topic has been read to its end once. */
    public boolean isCaughtUp() {
        return caughtUp;
    }

    /** Calls back, on the reader's thread, for each entry as it comes. */
    public void onChange(java.util.function.Consumer<TenantEntry> listener) {
        listeners.add(listener);
    }

    /** Calls back, on the reader's thread, for each tenant that is deleted. */
    public void onRemoval(java.util.function.Consumer<TenantId> listener) {
        removalListeners.add(listener);
    }

    @Override
    public void close() {
        closed = true;
        Consumer<byte[], byte[]> current = consumer;
        if (current != null) {
            current.wakeup();
        }
        if (!reader.isAlive()) {
            return; // never started, or over
        }
        try {
            reader.join(Duration.ofSeconds(5));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void follow() {
        while (!closed) {
            try (Consumer<byte[], byte[]> opened = consumers.get()) {
                consumer = opened;
                read(opened);
            } catch (WakeupException | InterruptException e) {
                if (!closed) {
                    LOG.warn("tenant directory was woken without being closed; reading again", e);
                    Thread.interrupted(); // or every new consumer would be interrupted too
                    pause(Duration.ofSeconds(1));
                }
            } catch (RuntimeException | Error e) {
                OutOfMemory.endsTheProcess(e);
                // whoever asks has what was read, until it is no longer fresh
                LOG.error("tenant directory lost its log; reading again from the start", e);
                pause(Duration.ofSeconds(1));
            }
        }
    }

    private void read(Consumer<byte[], byte[]> in) {
        List<TopicPartition> partitions = partitions(in);
        if (partitions.isEmpty()) {
            return; // closed while waiting
        }
        in.assign(partitions);
        in.seekToBeginning(partitions);
        Map<TopicPartition, Long> ends = in.endOffsets(partitions);
        while (!closed) {
            for (ConsumerRecord<byte[], byte[]> record : in.poll(Duration.ofMillis(500))) {
                apply(record);
                hear(record, ends.getOrDefault(new TopicPartition(record.topic(), record.partition()), 0L));
            }
            if (!caughtUp && partitions.stream().allMatch(p -> in.position(p) >= ends.getOrDefault(p, 0L))) {
                caughtUp = true;
            }
        }
    }

    private void hear(ConsumerRecord<byte[], byte[]> record, long end) {
        if (record.offset() >= end) {
            lastHeard = nanoTime.getAsLong();
            lastBeatMs = Math.max(lastBeatMs, record.timestamp());
        } else if (Arrays.equals(record.key(), HEARTBEAT_KEY) && record.timestamp() > lastBeatMs) {
            // from before we began: or a pod would be deaf until the next one, seconds after its start
            lastBeatMs = record.timestamp();
            long ageMs = Math.max(0, System.currentTimeMillis() - lastBeatMs);
            lastHeard = nanoTime.getAsLong() - Duration.ofMillis(ageMs).toNanos();
        }
    }

    /** The topic may not be there yet: the first gateway creates it. */
    private List<TopicPartition> partitions(Consumer<byte[], byte[]> in) {
        while (!closed) {
            List<PartitionInfo> found = in.partitionsFor(Topics.TENANTS, Duration.ofSeconds(10));
            if (found != null && !found.isEmpty()) {
                List<TopicPartition> partitions = new ArrayList<>();
                found.forEach(p -> partitions.add(new TopicPartition(p.topic(), p.partition())));
                return partitions;
            }
            pause(Duration.ofMillis(100));
        }
        return List.of();
    }

    private static void pause(Duration time) {
        try {
            Thread.sleep(time);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void apply(ConsumerRecord<byte[], byte[]> record) {
        try {
            String key = new String(record.key(), StandardCharsets.UTF_8);
            if (key.equals(HEARTBEAT)) {
                return;
            }
            if (key.contains("@")) {
                applyOrganism(key, record.value());
            } else {
                applyTenant(key, record.value());
            }
        } catch (RuntimeException e) {
            // one bad record, or who listens to it, must not blind a pod to all later ones
            LOG.error("record {} of topic {} is unreadable and was passed over", record.offset(), record.topic(), e);
        }
    }

    private void applyOrganism(String key, byte @Nullable [] value) {
        if (value == null) {
            organisms.remove(key);
        } else {
            organisms.put(key, value);
        }
    }

    private void applyTenant(String key, byte @Nullable [] value) {
        TenantEntry before = tenants.get(key);
        TenantEntry entry = value == null ? null : TenantEntry.ofJson(value);
        if (before != null && entry != null && entry.revision() < before.revision()) {
            return; // a slower writer's older state
        }
        if (entry != null && deleted.contains(key)) {
            return; // read once more, or written by one who had not heard: an id is never used again
        }
        if (entry == null) {
            deleted.add(key);
            tenants.remove(key);
        } else {
            tenants.put(key, entry);
            entry.apiKeys().forEach(k -> keysByHash.put(k.hash(), new KeyOwner(entry, k)));
        }
        if (before != null) {
            before.apiKeys().stream()
                    .filter(k -> entry == null
                            || entry.apiKeys().stream().noneMatch(n -> n.hash().equals(k.hash())))
                    .forEach(k -> keysByHash.remove(k.hash()));
        }
        if (entry != null) {
            listeners.forEach(l -> l.accept(entry));
        } else if (before != null) {
            removalListeners.forEach(l -> l.accept(before.tenantId()));
        }
    }
}
