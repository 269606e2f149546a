package io.agentserver.gateway.deadletters;

import io.agentserver.envelope.TenantId;
import io.agentserver.gateway.deadletters.KafkaDeadLetterLog.Reading;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * A tenant's dead letters, page by page. A page costs at most its size in records of each partition, whose payloads are let go
 * one by one. Safe on any thread.
 */
public final class DeadLetters {
    /** Of each partition: an envelope may have a quarter of a MiB. */
    private static final int WHOLE_AT_ONCE = 10;

    private final KafkaDeadLetterLog log;
    private final LetterReader reader;

    public DeadLetters(KafkaDeadLetterLog log, LetterReader reader) {
        this.log = log;
        this.reader = reader;
    }

    /**
     * @param next where the next page begins, in every partition
     * @param more whether there is one
     */
    record Page(List<DeadLetter> letters, Places next, boolean more) {
        Page {
            letters = List.copyOf(letters);
        }
    }

    /** Empty: there is no such one. */
    Optional<LetterReader.Opened> find(TenantId tenant, LetterId id) {
        try (Reading reading = log.open(tenant)) {
            Span span = reading.spans().get(id.partition());
            if (span == null || !span.has(id.offset())) {
                return Optional.empty();
            }
            Map<Integer, Span> one = Map.of(id.partition(), new Span(id.offset(), id.offset() + 1));
            return reading.read(one, logged -> reader.open(tenant, logged)).stream()
                    .findFirst();
        }
    }

    /** Those before some places, the newest first. What comes meanwhile is on none of the next pages. */
    Page newest(TenantId tenant, Places before, int limit) {
        try (Reading reading = log.open(tenant)) {
            Map<Integer, Span> spans = reading.spans();
            Map<Integer, Span> windows = new TreeMap<>();
            spans.forEach((partition, span) -> windows.put(
                    partition, span.upTo(before.in(partition, span.to())).last(limit)));
            Merge merge = new Merge(read(reading, tenant, windows), true, limit);
            Map<Integer, Long> next = new TreeMap<>();
            windows.forEach((partition, window) -> next.put(
                    partition, merge.next(partition).map(offset -> offset + 1).orElse(window.from())));
            boolean more = spans.entrySet().stream()
                    .anyMatch(s ->
                            next.getOrDefault(s.getKey(), 0L) > s.getValue().from());
            return new Page(merge.taken(), new Places(next), more);
        }
    }

    /** Those from some places on, the oldest first: those of one thread, which is in one partition, in their order. */
    Page oldest(TenantId tenant, Places from, int limit) {
        try (Reading reading = log.open(tenant)) {
            Map<Integer, Span> spans = reading.spans();
            Map<Integer, Span> windows = new TreeMap<>();
            spans.forEach((partition, span) -> windows.put(
                    partition, span.startingAt(from.in(partition, span.from())).first(limit)));
            Merge merge = new Merge(read(reading, tenant, windows), false, limit);
            Map<Integer, Long> next = new TreeMap<>();
            windows.forEach((partition, window) ->
                    next.put(partition, merge.next(partition).orElse(window.to())));
            boolean more = spans.entrySet().stream()
                    .anyMatch(s ->
                            next.getOrDefault(s.getKey(), 0L) < s.getValue().to());
            return new Page(merge.taken(), new Places(next), more);
        }
    }

    /**
     * Letters as the API shows one, with their envelopes.
     *
     * @param next where the next page begins; empty: no more
     */
    public record Whole(List<Map<String, Object>> letters, String next) {
        public Whole {
            letters = List.copyOf(letters);
        }
    }

    /**
     * Some of each partition, each partition's the oldest first.
     *
     * @param cursor the {@code next} of the page before; empty: from the start
     * @throws io.agentserver.gateway.problems.Unavailable if the log does not answer
     */
    public Whole whole(TenantId tenant, String cursor) {
        Places from = Places.parse(Places.Kind.FROM, cursor)
                .orElseThrow(() -> new IllegalArgumentException("cursor: <" + cursor + "> is none of this list"));
        try (Reading reading = log.open(tenant)) {
            Map<Integer, Long> next = new TreeMap<>();
            Map<Integer, Span> windows = new TreeMap<>();
            boolean more = false;
            for (Map.Entry<Integer, Span> each : reading.spans().entrySet()) {
                Span span = each.getValue();
                Span window =
                        span.startingAt(from.in(each.getKey(), span.from())).first(WHOLE_AT_ONCE);
                windows.put(each.getKey(), window);
                next.put(each.getKey(), window.to());
                more |= window.to() < span.to();
            }
            List<Map<String, Object>> letters =
                    reading.read(windows, logged -> LetterJson.of(reader.open(tenant, logged)));
            return new Whole(letters, more ? new Places(next).text(Places.Kind.FROM) : "");
        }
    }

    private List<DeadLetter> read(Reading reading, TenantId tenant, Map<Integer, Span> windows) {
        return reading.read(windows, logged -> reader.open(tenant, logged).letter());
    }
}
