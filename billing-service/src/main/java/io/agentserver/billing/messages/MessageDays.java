package io.agentserver.billing.messages;

import io.agentserver.envelope.TenantId;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.function.Supplier;

/**
 * How many messages an org's log took on each day (UTC): what its clients sent, and what its listeners sent each other. Every
 * day, at some time, the count of its beginning is written down, for every org, by whichever pod is first; a day between two
 * such counts is their difference. A day of which billing was away all through has no count. {@link #count} blocks, usually
 * for one round trip to log and table at once; safe on any thread.
 */
public final class MessageDays implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(MessageDays.class);
    private static final Duration PAUSE = Duration.ofMinutes(10);

    private final KafkaMessageLog log;
    private final DynamoDayStarts starts;
    private final Supplier<Collection<TenantId>> tenants;
    private final Clock clock;
    private final Set<TenantId> written = new HashSet<>(); // of today; the thread's alone
    private final Thread thread;
    private LocalDate today = LocalDate.MIN;

    public MessageDays(
            KafkaMessageLog log, DynamoDayStarts starts, Supplier<Collection<TenantId>> tenants, Clock clock) {
        this.log = log;
        this.starts = starts;
        this.tenants = tenants;
        this.clock = clock;
        this.thread = Thread.ofVirtual().name("message-days").unstarted(this::run);
    }

    public MessageDays start() {
        thread.start();
        return this;
    }

    /**
     * By day; one whose count is not known is missing.
     *
     * @throws KafkaMessageLog.Away if the log does not answer
     */
    public Map<LocalDate, Long> count(TenantId tenant, LocalDate from) {
        LocalDate now = LocalDate.ofInstant(clock.instant(), ZoneOffset.UTC);
        Optional<Supplier<Long>> ever = log.ever(tenant); // asked here: the table is read meanwhile
        Map<LocalDate, Long> known = new HashMap<>(starts.read(tenant, from, now));
        if (!known.containsKey(now)) {
            beginning(tenant, now).ifPresent(start -> {
                starts.put(tenant, now, start); // who looks next need not ask the log for it
                known.put(now, start);
            });
        }
        Map<LocalDate, Long> counts = new HashMap<>();
        known.forEach((day, start) -> {
            Long end = day.equals(now) ? ever.map(Supplier::get).orElse(null) : known.get(day.plusDays(1));
            if (end != null) {
                counts.put(day, Math.max(0, end - start)); // the end was asked for first
            }
        });
        return counts;
    }

    @Override
    public void close() {
        thread.interrupt();
    }

    private void run() {
        try {
            while (true) {
                try {
                    writeDown();
                } catch (RuntimeException e) {
                    LOG.warn("the day's messages are not counted yet; tried again in {}", PAUSE, e);
                }
                Thread.sleep(PAUSE);
            }
        } catch (InterruptedException closing) {
            Thread.currentThread().interrupt();
        }
    }

    /** Repeating it is harmless. */
    void writeDown() {
        LocalDate now = LocalDate.ofInstant(clock.instant(), ZoneOffset.UTC);
        if (!now.equals(today)) {
            today = now;
            written.clear();
        }
        for (TenantId tenant : tenants.get()) {
            if (!written.contains(tenant)) {
                beginning(tenant, now).ifPresent(start -> {
                    starts.put(tenant, now, start);
                    written.add(tenant);
                });
            }
        }
    }

    private OptionalLong beginning(TenantId tenant, LocalDate day) {
        Instant midnight = day.atStartOfDay(ZoneOffset.UTC).toInstant();
        return log.before(tenant, midnight).map(OptionalLong::of).orElseGet(OptionalLong::empty);
    }
}
