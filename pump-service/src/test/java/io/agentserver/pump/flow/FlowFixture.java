package io.agentserver.pump.flow;

import io.agentserver.buffer.v1.CompleteRequest;
import io.agentserver.envelope.Envelope;
import io.agentserver.envelope.EnvelopeDocument;
import io.agentserver.envelope.EnvelopeToken;
import io.agentserver.envelope.Meta;
import io.agentserver.envelope.Reading;
import io.agentserver.envelope.TenantId;
import io.agentserver.localstores.LocalKafka;
import io.agentserver.log.Brokers;
import io.agentserver.log.RecordHeaders;
import io.agentserver.log.RecordMac;
import io.agentserver.log.Topics;
import io.agentserver.organism.OrganismParser;
import io.agentserver.pump.handler.HandlerCall;
import io.agentserver.pump.handler.HandlerOutput;
import io.agentserver.pump.handler.HandlerResult;
import io.agentserver.pump.handler.Handlers;
import io.agentserver.pump.handler.MessageHandler;
import io.agentserver.pump.handler.Spent;
import io.agentserver.pump.handler.SystemErrors.Code;
import io.agentserver.pump.log.KafkaOutbox;
import io.agentserver.pump.testing.Calls;
import io.agentserver.pump.trace.Tracing;
import io.agentserver.service.FairGate;
import io.agentserver.service.PlatformKeys;
import io.agentserver.tenancy.OrganismEntry;
import io.agentserver.tenancy.TenantDirectory;
import io.agentserver.tenancy.TenantEntry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.admin.NewTopic;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

/** A flow whose journal and model are the test's, and whose tenants come from a real topic. */
abstract class FlowFixture {
    static final String ORGANISM = """
            organism: {name: mixed, limits: {hops: 6}}
            listeners:
              - {name: greeter, description: Greets., agent: true, handler: llm, prompt: Greet., payload: {root: Greeting, fields: {Name: string}}, peers: [{name: shouter, hand_over: true}], retries: 1, timeout: 400ms}
              - {name: shouter, description: Shouts., handler: 'builtin:upper', payload: {root: GreetingResponse, fields: {Message: string}}, response: {root: ShoutedResponse, fields: {Message: string}}}
              - {name: service, description: A service., handler: http, url: 'https://example.com/x', secret: whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD, payload: {root: Job, fields: {Text: string}}, peers: [shouter, left, timed], retries: 1}
              - {name: patient, description: A service that comes back., handler: http, url: 'https://example.com/y', secret: whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD, payload: {root: Ask, fields: {Text: string}}, retries: 20}
              - {name: timed, description: A service that takes its time., handler: http, url: 'https://example.com/z', secret: whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD, payload: {root: Timed, fields: {Text: string}}, timeout: 2h}
              - {name: left, description: One of two., handler: 'builtin:echo', broadcast: true, payload: {root: Poll, fields: {Question: string}}}
              - {name: right, description: The other., handler: 'builtin:echo', broadcast: true, payload: {root: Poll, fields: {Question: string}}}
            """;

    static final TenantId DEMO = Calls.DEMO;
    static final RecordMac MAC = new RecordMac(new byte[32]);

    @TempDir
    @SuppressWarnings("NullAway.Init")
    static Path directory;

    @SuppressWarnings("NullAway.Init")
    static LocalKafka kafka;

    @SuppressWarnings("NullAway.Init")
    static TenantDirectory tenants;

    @SuppressWarnings("NullAway.Init")
    static PlatformKeys keys;

    final TinyJournal journal = new TinyJournal();
    final List<LogRecord> log = new ArrayList<>();
    final SimpleMeterRegistry registry = new SimpleMeterRegistry();
    final EnvelopeToken tokens = new EnvelopeToken(Clock.systemUTC());
    final List<Duration> pauses = new ArrayList<>();
    Outbox outbox = log::addAll;
    MessageHandler llm = _ -> HandlerResult.failed(Code.HANDLER, "no model");
    final BlockingQueue<HandlerCall> unwanted = new LinkedBlockingQueue<>();
    MessageHandler http = _ -> HandlerResult.failed(Code.HANDLER, "no service");

    @BeforeAll
    static void publishTheTenant() throws Exception {
        kafka = LocalKafka.start(directory.resolve("kafka"), 0);
        Path file = directory.resolve("key.json");
        PlatformKeys.createIfAbsent(file);
        keys = PlatformKeys.load(file);
        try (Admin admin = Admin.create(Map.of(AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG, kafka.bootstrap()))) {
            admin.createTopics(List.of(new NewTopic(Topics.TENANTS, 1, (short) 1)))
                    .all()
                    .get();
        }
        TenantEntry tenant = new TenantEntry("demo", "Demo", "dev", 1, Instant.EPOCH, 1, List.of(), List.of());
        OrganismEntry organism = new OrganismEntry("demo", 1, ORGANISM, Instant.EPOCH);
        OrganismEntry other = new OrganismEntry(
                "demo", 2, ORGANISM.replace("prompt: Greet.,", "prompt: Greet., history: {slots: 3},"), Instant.EPOCH);
        try (KafkaOutbox outbox = new KafkaOutbox(Brokers.plain(kafka.bootstrap()))) {
            outbox.append(List.of(
                    LogRecord.of(Topics.TENANTS, bytes(OrganismEntry.key(DEMO, 1)), organism.toJson()),
                    LogRecord.of(Topics.TENANTS, bytes(OrganismEntry.key(DEMO, 2)), other.toJson()),
                    LogRecord.of(Topics.TENANTS, bytes("demo"), tenant.toJson())));
        }
        tenants = new TenantDirectory(Brokers.plain(kafka.bootstrap())).start();
        await().atMost(Duration.ofSeconds(30)).until(() -> tenants.find(DEMO).isPresent() && tenants.isCaughtUp());
    }

    @AfterAll
    static void stop() {
        tenants.close();
        kafka.close();
    }

    @BeforeEach
    void openTheTurnNow() {
        journal.openedAtMs = Clock.systemUTC().millis();
    }

    static HandlerResult done(HandlerOutput output) {
        return new HandlerResult.Done(List.of(output), Spent.NOTHING);
    }

    CompleteRequest last() {
        return journal.completed.getLast();
    }

    void step(LogMessage message) {
        handle(message, journal);
    }

    void handle(LogMessage message, ThreadBuffer with) {
        assertThat(flow(with).handle(message, () -> false)).isTrue();
    }

    /** Until nothing is left on the log. */
    void run(LogMessage message) {
        Deque<LogMessage> todo = new ArrayDeque<>(List.of(message));
        int read = log.size();
        while (!todo.isEmpty()) {
            step(todo.remove());
            for (; read < log.size(); read++) {
                LogRecord record = log.get(read);
                if (!record.topic().equals(Topics.messages(DEMO))) {
                    continue; // a dead letter is nobody's work
                }
                todo.add(new LogMessage(
                        record.topic(),
                        0,
                        read,
                        0,
                        record.key(),
                        record.value(),
                        record.headers().get(RecordHeaders.MAC),
                        null));
            }
        }
    }

    FairGate<TenantId> gate = new FairGate<>(64, _ -> 1);
    HistoryRoom histories = new HistoryRoom(64 * 1024 * 1024);
    Duration parkAfter = HandlerRuns.PARK_AFTER;

    MessageFlow flow(ThreadBuffer with) {
        return parts(with).flow();
    }

    /** Its pauses are noted and take no time. */
    MessageFlows.Parts parts(ThreadBuffer with) {
        return new MessageFlows(
                        keys,
                        MAC,
                        tenants,
                        new Organisms(tenants, new OrganismParser(Handlers.builtinNames(), Set.of())),
                        with,
                        records -> outbox.append(records),
                        new Handlers(call -> llm.handle(call), new Http(), Clock.systemUTC()),
                        new PumpMetrics(registry),
                        Tracing.none(),
                        _ -> 1,
                        Clock.systemUTC())
                .parts(new Patience(pauses::add), gate, histories, parkAfter);
    }

    LogMessage client(@Nullable String to, String payload) {
        return switch (EnvelopeDocument.make(
                new Meta("console", to, Calls.ROOT, Calls.MESSAGE, null, null, null, null), payload)) {
            case Reading.Read(EnvelopeDocument document) ->
                message(tokens.signForClient(document, DEMO, keys.signing()));
            case Reading.Malformed _, Reading.Invalid _, Reading.TooLarge _ ->
                throw new IllegalArgumentException(payload);
        };
    }

    static LogMessage message(Envelope signed) {
        byte[] key = bytes(signed.meta().requiredThread().toString());
        return new LogMessage(
                "messages.demo", 0, 0, 0, key, signed.bytes(), MAC.of("messages.demo", key, signed.bytes()), null);
    }

    static String text(LogRecord record, String header) {
        byte[] bytes = record.headers().get(header);
        return bytes == null ? "" : new String(bytes, StandardCharsets.UTF_8);
    }

    static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    /** The service as it is by then. */
    private final class Http implements MessageHandler {
        @Override
        public HandlerResult handle(HandlerCall call) {
            return http.handle(call);
        }

        @Override
        public void unwanted(HandlerCall call) {
            unwanted.add(call);
        }
    }
}
