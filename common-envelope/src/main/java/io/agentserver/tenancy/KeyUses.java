package io.agentserver.tenancy;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.agentserver.envelope.TenantId;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/**
 * When API keys were last used, to the minute. {@link #saw} is for every request: it asks nobody, never fails, and notes each key at
 * most once a minute. What is noted goes to where it is kept every five seconds, on a thread of its own, and when the process ends;
 * while that is away it waits here, of at most 100,000 keys. What a killed process had noted and not passed on is lost: the key's next
 * use makes up for it.
 */
public final class KeyUses implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(KeyUses.class);
    private static final Duration EVERY = Duration.ofMinutes(1);
    private static final Duration PERIOD = Duration.ofSeconds(5);
    private static final Duration AT_THE_END = Duration.ofSeconds(2);
    private static final int MOST = 100_000;

    /** One key's use; {@code at} in whole seconds. */
    public record Use(TenantId tenant, String keyId, Instant at) {
        public Use {
            at = at.truncatedTo(ChronoUnit.SECONDS);
        }
    }

    /** Where uses are kept, or passed on to; the latest of a key's wins. Idempotent. Blocks. */
    @FunctionalInterface
    public interface Keeper {
        /**
         * @throws IllegalStateException if it will never take this one
         * @throws RuntimeException if it is away
         */
        void keep(Use use);
    }

    /** Uses that other services have noted and that this one is to keep: each is given out once. Blocks. */
    @FunctionalInterface
    public interface Others {
        Others NONE = List::of;

        /** @throws RuntimeException if they cannot be asked */
        List<Use> take();
    }

    private record Key(TenantId tenant, String id) {}

    private final Keeper keeper;
    private final Others others;
    private final Cache<Key, Instant> noted =
            Caffeine.newBuilder().maximumSize(MOST).build();
    private final Map<Key, Instant> waiting = new ConcurrentHashMap<>();
    private final ScheduledExecutorService thread = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().name("key-uses").daemon().factory());
    private boolean told; // that something is away; its thread alone

    public KeyUses(Keeper keeper, Others others) {
        this.keeper = keeper;
        this.others = others;
    }

    public KeyUses start() {
        var _ = thread.scheduleWithFixedDelay(this::pass, PERIOD.toMillis(), PERIOD.toMillis(), TimeUnit.MILLISECONDS);
        return this;
    }

    /** A living key was sent now, and whose it is. */
    public void saw(TenantId tenant, String keyId, Instant now) {
        Key key = new Key(tenant, keyId);
        Instant last = noted.getIfPresent(key);
        if (last == null || !now.isBefore(last.plus(EVERY))) {
            noted.put(key, now);
            wait(new Use(tenant, keyId, now));
        }
    }

    /** The key's last use that this process has noted itself, whether or not it is kept yet. */
    public Optional<Instant> here(TenantId tenant, String keyId) {
        return Optional.ofNullable(noted.getIfPresent(new Key(tenant, keyId)))
                .map(at -> at.truncatedTo(ChronoUnit.SECONDS));
    }

    @Override
    public void close() {
        if (thread.isShutdown()) {
            return;
        }
        thread.execute(this::pass);
        thread.shutdown();
        try {
            if (!thread.awaitTermination(AT_THE_END.toMillis(), TimeUnit.MILLISECONDS)) {
                LOG.warn("of {} API keys it will not be known that they were used just now", waiting.size());
                thread.shutdownNow();
            }
        } catch (InterruptedException e) {
            thread.shutdownNow();
            Thread.currentThread().interrupt();
        }
    }

    private void wait(Use use) {
        Key key = new Key(use.tenant(), use.keyId());
        if (waiting.size() < MOST || waiting.containsKey(key)) {
            waiting.merge(key, use.at(), (one, other) -> one.isAfter(other) ? one : other);
        }
    }

    /** One round; on the thread alone, which must outlive whatever fails. */
    void pass() {
        boolean asked = isDone("uses of API keys at other services cannot be asked for", this::take);
        boolean passedOn = isDone("uses of API keys cannot be kept at the moment; they wait", this::keepAll);
        told = !asked || !passedOn;
    }

    private void take() {
        if (waiting.size() < MOST) {
            others.take().forEach(this::wait);
        }
    }

    /** At the first that cannot be kept now it ends: the rest would have to wait as long, each by itself. */
    private void keepAll() {
        for (Iterator<Map.Entry<Key, Instant>> each = waiting.entrySet().iterator(); each.hasNext(); ) {
            Map.Entry<Key, Instant> next = each.next();
            Key key = next.getKey();
            Instant at = next.getValue();
            try {
                keeper.keep(new Use(key.tenant(), key.id(), at));
            } catch (IllegalStateException never) {
                LOG.error("the last use of API key {} of tenant {} cannot be kept", key.id(), key.tenant(), never);
            }
            waiting.remove(key, at); // not if a later one has come
        }
    }

    private boolean isDone(String orElse, Runnable work) {
        try {
            work.run();
            return true;
        } catch (RuntimeException e) {
            if (!told) { // and not every five seconds
                LOG.warn("{}: {}", orElse, e.toString());
            }
            return false;
        }
    }
}
