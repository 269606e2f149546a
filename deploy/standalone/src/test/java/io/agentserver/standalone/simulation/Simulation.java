package io.agentserver.standalone.simulation;

import io.agentserver.buffer.store.ConversationKey;
import io.agentserver.buffer.store.DueEntry;
import io.agentserver.buffer.store.DueStore;
import io.agentserver.buffer.store.Look;
import io.agentserver.buffer.store.MemoryThreadStore;
import io.agentserver.buffer.store.Retention;
import io.agentserver.buffer.store.ShardKey;
import io.agentserver.envelope.Envelope;
import io.agentserver.envelope.EnvelopeDocument;
import io.agentserver.envelope.EnvelopeToken;
import io.agentserver.envelope.MessageId;
import io.agentserver.envelope.Meta;
import io.agentserver.envelope.Reading;
import io.agentserver.envelope.ThreadId;
import io.agentserver.log.RecordHeaders;
import io.agentserver.pump.flow.LogRecord;
import io.agentserver.pump.flow.MessageFlows;
import io.agentserver.pump.flow.PumpMetrics;
import io.agentserver.pump.handler.Handlers;
import io.agentserver.pump.trace.Tracing;
import io.agentserver.standalone.checker.ConversationChecker;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.UUID;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Clients, a log, pumps and buffers, with everything that may happen to them in an order that a seed says: polls, steps, commits,
 * kills before and after each call, zombies, rebalances, lost offsets, restarts of buffers, time. Then all heals, and the checker
 * reads what is in the store.
 */
final class Simulation {
    private static final int PUMPS = 3;
    private static final int MOST_ROUNDS_TO_REST = 200_000;
    /** Longer than any timer, retry or time-out here; what sleeps on is late. */
    private static final Duration SOON = Duration.ofMinutes(5);

    private final Platform platform;
    private final Random random;
    private final SimulatedClock clock = new SimulatedClock();
    private final MemoryThreadStore threads = new MemoryThreadStore(Retention.ofAll(Duration.ofHours(24)), clock);
    private final DueStore due;
    private final SimulatedLog log = new SimulatedLog(clock);
    private final SimulatedBuffer buffer;
    private final SimulatedServices services;
    private final List<SimulatedPump> pumps = new ArrayList<>();
    private final EnvelopeToken tokens = new EnvelopeToken(clock);
    private final Map<ThreadId, List<ConversationChecker.Sent>> sent = new LinkedHashMap<>();
    private final List<ThreadId> cancelled = new ArrayList<>();
    private int messages;

    /** What is broken, and the checker must find. */
    enum Broken {
        NOTHING,
        /** Offsets are committed before their messages are finished. */
        COMMITS_EARLY,
        /** A message may be completed without its late answer. */
        OVERLOOKS_ANSWERS,
        /** A client's message that comes again is taken for another one. */
        FORGETS_MESSAGES
    }

    Simulation(Platform platform, long seed, DueStore due, Broken broken) {
        this.platform = platform;
        this.random = new Random(seed);
        this.due = due;
        this.buffer = new SimulatedBuffer(threads, due, clock, random, broken);
        this.services = new SimulatedServices(buffer, random);
        for (int i = 0; i < PUMPS; i++) {
            pumps.add(new SimulatedPump(this::parts, log, broken == Broken.COMMITS_EARLY));
        }
        IntStream.range(0, SimulatedLog.PARTITIONS).forEach(p -> any(pumps).assign(p));
    }

    private MessageFlows.Parts parts() {
        return new MessageFlows(
                        platform.keys(),
                        platform.mac(),
                        platform.tenants(),
                        platform.organisms(),
                        buffer,
                        log,
                        new Handlers(new Handling(clock), services, clock),
                        new PumpMetrics(new SimpleMeterRegistry()),
                        Tracing.none(),
                        _ -> 1,
                        clock)
                .parts();
    }

    /** @return what the checker says */
    List<String> run(int actions) {
        for (int i = 0; i < actions; i++) {
            act();
            clock.move(Duration.ofMillis(1));
        }
        List<String> faults = new ArrayList<>();
        if (!comesToRest(clock.millis() + SOON.toMillis())) {
            faults.add("it does not come to rest");
        }
        ConversationChecker checker = new ConversationChecker();
        sent.forEach((conversation, all) -> checker.check(
                conversation.toString(),
                threads.read(new ConversationKey(Platform.TENANT, conversation), 1, Look.CONSISTENT),
                all.stream()
                        .map(message -> new ConversationChecker.Sent(
                                message.message(), answer(conversation, message), cancelled.contains(conversation)))
                        .toList()));
        faults.addAll(checker.faults());
        faults.addAll(services.faults());
        log.deadLetters().stream()
                .map(letter -> reason(letter))
                .filter(reason -> !reason.contains("answered 202"))
                .forEach(reason -> faults.add("a dead letter: " + reason));
        int commits = commits();
        if (!comesToRest(Long.MAX_VALUE) || commits() != commits) {
            faults.add("what was left in the due index did something");
        }
        return faults;
    }

    /**
     * A timer that sleeps for an hour, a cancel, and all the time there is.
     *
     * @return what is wrong
     */
    List<String> cancelATimer() {
        MessageId id = anId();
        ThreadId conversation = ThreadId.ofFirstMessage(Platform.TENANT, id);
        send(conversation, id, "<Alarm><After>1h</After><Text>m</Text></Alarm>", "");
        List<String> faults = new ArrayList<>();
        if (!comesToRest(clock.millis()) || nextDueMs() == Long.MAX_VALUE) {
            faults.add("it does not sleep");
        }
        buffer.cancel(conversation);
        int commits = commits();
        long logged = log.length();
        if (!comesToRest(Long.MAX_VALUE)) {
            faults.add("its entry stays in the due index");
        }
        if (commits() != commits || log.length() != logged) {
            faults.add("it rings");
        }
        return faults;
    }

    private int commits() {
        return sent.keySet().stream()
                .mapToInt(conversation -> threads.read(
                                new ConversationKey(Platform.TENANT, conversation), 1, Look.CONSISTENT)
                        .size())
                .sum();
    }

    /** What must come of it: what the clerk was told is taken; if it was told nothing, what the journal took, if anything. */
    private String answer(ThreadId conversation, ConversationChecker.Sent message) {
        if (!message.answer().isEmpty()) {
            return message.answer();
        }
        return services.takenOf(message.message())
                .or(() -> journalled(conversation, message.message()))
                .or(() -> services.saidAtOnce(message.message()))
                .orElse(ConversationChecker.Sent.TIMEOUT);
    }

    private Optional<String> journalled(ThreadId conversation, String message) {
        return threads.read(new ConversationKey(Platform.TENANT, conversation), 1, Look.CONSISTENT).stream()
                .flatMap(commit -> commit.getChangesList().stream())
                .filter(change -> change.getAnswered().getMessage().equals(message))
                .findFirst()
                .map(change -> change.getAnswered().getAnswer().getContent());
    }

    private static String reason(LogRecord letter) {
        byte[] reason = letter.headers().getOrDefault(RecordHeaders.REASON, new byte[0]);
        return new String(reason, StandardCharsets.UTF_8);
    }

    private void act() {
        int what = random.nextInt(1_000);
        if (what < 40) {
            send();
        } else if (what < 250) {
            any(pumps).poll(random.nextInt(SimulatedLog.PARTITIONS));
        } else if (what < 800) {
            List<Baton.Task> tasks = tasks();
            if (!tasks.isEmpty()) {
                any(tasks).step();
            }
        } else if (what < 880) {
            any(pumps).commit(random.nextInt(SimulatedLog.PARTITIONS));
        } else if (what < 910) {
            any(pumps).askWhatIsDue();
        } else if (what < 920) {
            services.answerOne();
        } else if (what < 940) {
            clock.move(Duration.ofMillis(random.nextInt(1_500)));
        } else if (what < 955) {
            any(pumps).restart();
        } else if (what < 975) {
            rebalance(random.nextBoolean());
        } else if (what < 985) {
            buffer.restartOne();
        } else if (what < 987) {
            int partition = random.nextInt(SimulatedLog.PARTITIONS);
            log.commit(partition, random.nextInt((int) log.committed(partition) + 1)); // offsets were lost
            rebalance(true);
        } else if (what < 992) {
            services.kill();
        } else if (what < 995 && !sent.isEmpty()) {
            ThreadId conversation = any(List.copyOf(sent.keySet()));
            cancelled.add(conversation);
            buffer.cancel(conversation);
        }
    }

    private void rebalance(boolean knows) {
        int partition = random.nextInt(SimulatedLog.PARTITIONS);
        for (SimulatedPump pump : pumps) {
            if (pump.holds(partition)) {
                pump.revoke(partition, knows);
            }
        }
        any(pumps).assign(partition);
    }

    /**
     * Nothing goes wrong any more.
     *
     * @param untilMs what is due later is left
     */
    private boolean comesToRest(long untilMs) {
        for (int round = 0; round < MOST_ROUNDS_TO_REST; round++) {
            for (SimulatedPump pump : pumps) {
                IntStream.range(0, SimulatedLog.PARTITIONS).forEach(pump::poll);
                List.copyOf(pump.tasks()).forEach(Baton.Task::step);
                List.copyOf(services.tasks()).forEach(Baton.Task::step);
                IntStream.range(0, SimulatedLog.PARTITIONS).forEach(pump::commit);
            }
            if (pumps.stream().allMatch(SimulatedPump::isAtRest)
                    && services.tasks().isEmpty()
                    && !services.answerReliably()) {
                long next = nextDueMs();
                if (next > untilMs || next == Long.MAX_VALUE) {
                    return true;
                }
                clock.move(Duration.ofMillis(Math.max(1_000, next - clock.millis())));
                any(pumps).askWhatIsDue();
            }
        }
        return false;
    }

    private long nextDueMs() {
        return IntStream.range(0, ShardKey.SHARDS)
                .mapToObj(shard -> due.due(shard, Long.MAX_VALUE, 1))
                .flatMap(List::stream)
                .mapToLong(DueEntry::dueMs)
                .min()
                .orElse(Long.MAX_VALUE);
    }

    private MessageId anId() {
        return new MessageId(new UUID(random.nextLong() & ~0xf000L | 0x7000L, random.nextLong() >>> 2 | 1L << 63));
    }

    private void send() {
        boolean goesOn = !sent.isEmpty() && random.nextInt(3) > 0;
        MessageId id = anId();
        ThreadId conversation = goesOn ? any(List.copyOf(sent.keySet())) : ThreadId.ofFirstMessage(Platform.TENANT, id);
        String text = "m" + ++messages;
        int count = 1 + random.nextInt(5);
        String payload;
        String answer;
        switch (random.nextInt(9)) {
            case 0, 1 -> {
                payload = "<Say><Text>" + text + "</Text></Say>";
                answer = "<Text>" + text + "</Text>";
            }
            case 2 -> {
                payload = "<Alarm><After>" + random.nextInt(5_000) + "ms</After><Text>" + text + "</Text></Alarm>";
                answer = "<Ring><Text>" + text + "</Text></Ring>";
            }
            case 3 -> {
                payload = "<Parcel><Text>" + text + "</Text></Parcel>";
                answer = "<Text>" + text + "</Text>";
            }
            case 4 -> {
                payload = "<Race><Text>" + text + "</Text><Count>" + count + "</Count></Race>";
                answer = "<answer>" + text + ".";
            }
            case 5 -> {
                payload = "<Nap><Text>" + text + "</Text><Count>" + count + "</Count></Nap>";
                answer = all(text, count);
            }
            case 6 -> {
                payload = "<File><Text>" + text + "</Text></File>";
                answer = SimulatedServices.filed(text);
            }
            case 7 -> {
                payload = "<Form><Text>" + text + "</Text></Form>";
                answer = ""; // the clerk's book says
            }
            default -> {
                payload = "<Plan><Text>" + text + "</Text><Count>" + count + "</Count></Plan>";
                answer = all(text, count);
            }
        }
        send(conversation, id, payload, answer);
    }

    private void send(ThreadId conversation, MessageId id, String payload, String answer) {
        Envelope envelope = switch (EnvelopeDocument.make(
                new Meta("client", null, conversation, id, null, null, null, null), payload)) {
            case Reading.Read(EnvelopeDocument document) ->
                tokens.signForClient(document, Platform.TENANT, platform.keys().signing());
            case Reading.Malformed _, Reading.Invalid _, Reading.TooLarge _ ->
                throw new IllegalArgumentException(payload);
        };
        byte[] key = conversation.toString().getBytes(StandardCharsets.UTF_8);
        log.add(new LogRecord(
                Platform.TOPIC,
                key,
                envelope.bytes(),
                Map.of(RecordHeaders.MAC, platform.mac().of(Platform.TOPIC, key, envelope.bytes()))));
        sent.computeIfAbsent(conversation, _ -> new ArrayList<>())
                .add(new ConversationChecker.Sent(id.toString(), answer, false));
    }

    private static String all(String text, int count) {
        return IntStream.range(0, count)
                .mapToObj(i -> text + "." + i)
                .collect(Collectors.joining(",", "<answer>", "</answer>"));
    }

    private List<Baton.Task> tasks() {
        return Stream.concat(pumps.stream().map(SimulatedPump::tasks), Stream.of(services.tasks()))
                .flatMap(List::stream)
                .toList();
    }

    private <T> T any(List<T> all) {
        return all.get(random.nextInt(all.size()));
    }
}
