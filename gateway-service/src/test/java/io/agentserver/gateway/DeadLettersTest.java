package io.agentserver.gateway;

import io.agentserver.envelope.Envelope;
import io.agentserver.envelope.EnvelopeDocument;
import io.agentserver.envelope.EnvelopeToken;
import io.agentserver.envelope.Ids;
import io.agentserver.envelope.MessageId;
import io.agentserver.envelope.Meta;
import io.agentserver.envelope.TenantId;
import io.agentserver.envelope.ThreadId;
import io.agentserver.gateway.RunningGateway.Answer;
import io.agentserver.localstores.LocalStores;
import io.agentserver.log.RecordMac;
import io.agentserver.log.Topics;
import io.grpc.Status;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

import java.io.IOException;
import java.net.http.HttpRequest;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

import static org.assertj.core.api.Assertions.assertThat;

/** Dead letters, as the pump leaves them on the topic, through the API. */
@ExtendWith(GatewayExtension.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class DeadLettersTest {
    private static final Instant NOON = Instant.parse("2026-03-01T12:00:00Z");
    private static final RecordMac MAC = new RecordMac(RunningGateway.SECRET);

    private final BufferDouble buffer = new BufferDouble();
    private final LocalStores stores;
    private final RunningGateway withoutBuffer;
    private final RunningGateway gateway;
    private final DeadLetterWriter writer;
    private String tenant = "";
    private String key = "";

    DeadLettersTest(LocalStores stores, RunningGateway withoutBuffer) throws IOException {
        this.stores = stores;
        this.withoutBuffer = withoutBuffer;
        this.gateway = RunningGateway.on(stores, Map.of("AGENTSERVER_BUFFER_ADDRESS", buffer.address()));
        this.writer = new DeadLetterWriter(stores);
    }

    @AfterAll
    void stop() {
        writer.close();
        gateway.close();
        buffer.close();
    }

    @BeforeEach
    void a_tenant_with_an_organism() {
        buffer.beforeRead = _ -> {};
        tenant = "d" + Ids.v7().toString().substring(0, 35).replace("-", "x");
        key = gateway.createTenant(tenant);
        assertThat(gateway.putOrganism(key, AdmissionTest.ORGANISM).status()).isEqualTo(200);
    }

    // reading

    @Test
    void lists_the_newest_first_page_by_page_without_their_payloads() {
        List<String> written = new ArrayList<>();
        for (int i = 0; i < 11; i++) {
            written.addFirst(letter(admitted("N" + i), NOON.plusSeconds(i)));
        }
        List<String> seen = new ArrayList<>();
        String cursor = "";
        do {
            Answer page = list("?limit=4" + cursor);
            assertThat(page.status()).as(page.body()).isEqualTo(200);
            assertThat(page.body()).doesNotContain("Name", "envelope", "N1");
            page.json()
                    .path("data")
                    .forEach(letter -> seen.add(letter.path("id").asString()));
            cursor = "&cursor=" + page.json().path("next_cursor").asString("");
            if (seen.size() == 4) { // what comes meanwhile moves nothing
                letter(admitted("late"), NOON.plusSeconds(100));
            }
        } while (cursor.length() > "&cursor=".length());

        assertThat(seen).isEqualTo(written);
    }

    @Test
    void lists_nothing_where_there_is_nothing() {
        assertThat(list("").body()).isEqualTo("{\"data\":[]}");
    }

    @Test
    void tells_what_a_letter_is_about_and_shows_its_envelope_to_whoever_inspects_it() {
        ConsumerRecord<byte[], byte[]> message = admitted("World");
        String id = letter(message, NOON);
        Envelope envelope = envelope(message);

        JsonNode listed = list("").json().path("data").path(0);
        assertThat(listed.path("id").asString()).isEqualTo(id);
        assertThat(listed.path("message_id").asString())
                .isEqualTo(String.valueOf(envelope.meta().id()));
        assertThat(listed.path("thread_id").asString())
                .isEqualTo(String.valueOf(envelope.meta().thread()));
        assertThat(listed.path("conversation_id")).isEqualTo(listed.path("thread_id"));
        assertThat(listed.path("turn_id")).isEqualTo(listed.path("message_id"));
        assertThat(listed.path("from").asString()).isEqualTo("console");
        assertThat(listed.path("to").asString()).isEqualTo("greeter");
        assertThat(listed.path("root").asString()).isEqualTo("Greeting");
        assertThat(listed.path("reason").asString()).isEqualTo("as the test wants it");
        assertThat(listed.path("attempts").asInt()).isEqualTo(3);
        assertThat(listed.path("first_failure").asString()).isEqualTo("2026-03-01T11:59:53Z");
        assertThat(listed.path("last_failure").asString()).isEqualTo("2026-03-01T12:00:00Z");
        assertThat(listed.path("original_partition").asInt()).isEqualTo(2);
        assertThat(listed.path("original_offset").asInt()).isEqualTo(41);
        Answer inspected = gateway.get("/v1/dead-letters/" + id, key);
        assertThat(inspected.json().path("envelope").asString()).isEqualTo(envelope.xml());
        assertThat(inspected.json().path("message_id")).isEqualTo(listed.path("message_id"));
    }

    @Test
    void names_no_class_of_the_platform_in_a_reason() {
        ConsumerRecord<byte[], byte[]> message = admitted("World");
        writer.write(
                tenant,
                message.key(),
                message.value(),
                null,
                "the pump failed: java.lang.IllegalStateException: no 1.5 of x; not completed: io.a.b.Pump$Failed",
                NOON);
        assertThat(list("").json().path("data").path(0).path("reason").asString())
                .isEqualTo("the pump failed: no 1.5 of x; not completed: ");
    }

    @Test
    void answers_the_same_for_what_is_not_there_and_for_what_is_another_tenants() {
        String id = letter(admitted("World"), NOON);
        String owner = key;
        a_tenant_with_an_organism();

        String unknown = bytes(gateway.get("/v1/dead-letters/0-7", key), 404);
        for (String path :
                List.of(id, "0-0", "99999-0", "0-999999999999999999", "0-9999999999999999999", "00-0", "x")) {
            assertThat(bytes(gateway.get("/v1/dead-letters/" + path, key), 404)).isEqualTo(unknown);
            assertThat(bytes(redrive(path), 404)).isEqualTo(unknown);
        }
        assertThat(gateway.get("/v1/dead-letters/" + id, owner).status()).isEqualTo(200);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "limit=0",
                "limit=101",
                "limit=x",
                "cursor=x",
                "cursor=before.",
                "cursor=before.0-1.0-2",
                "cursor=before.01-1",
                "cursor=from.0-1"
            })
    void says_400_to_a_page_that_cannot_be(String query) {
        Answer answer = list("?" + query);
        assertThat(answer.status()).as(answer.body()).isEqualTo(400);
        assertThat(answer.problem()).isEqualTo("invalid-request");
    }

    @Test
    void shows_to_readers_and_redrives_for_those_who_may_write() {
        String id = letter(admitted("World"), NOON);
        String all = key;
        key = keyWith(all, "messages:write");
        assertThat(list("").status()).isEqualTo(403);
        assertThat(gateway.get("/v1/dead-letters/" + id, key).status()).isEqualTo(403);
        assertThat(redrive(id).status()).isEqualTo(403);
        key = keyWith(all, "threads:read");
        assertThat(list("").status()).isEqualTo(200);
        assertThat(gateway.get("/v1/dead-letters/" + id, key).status()).isEqualTo(200);
        assertThat(redrive(id).status()).isEqualTo(403);
        assertThat(redriveMany("{}").status()).isEqualTo(403);
        key = keyWith(all, "dead-letters:write");
        assertThat(list("").status()).isEqualTo(200);
        assertThat(redrive(id).status()).isEqualTo(202);
        assertThat(redriveMany("{}").status()).isEqualTo(200);
    }

    // one again

    @Test
    void sends_a_clients_message_again_as_a_new_one_at_its_threads_end() {
        String foreign = "<c:ticket xmlns:c=\"urn:crm\">17</c:ticket>";
        Answer sent = gateway.post("/v1/messages", key, "application/xml", greeting("World", foreign));
        assertThat(sent.status()).as(sent.body()).isEqualTo(202);
        ConsumerRecord<byte[], byte[]> message = LogReader.all(stores, tenant).getFirst();
        Envelope dead = envelope(message);
        MessageId expected = new MessageId(Ids.v5(dead.meta().requiredId().value(), "redrive"));

        Answer answer = redrive(letter(message, NOON));

        assertThat(answer.status()).as(answer.body()).isEqualTo(202);
        assertThat(answer.json().path("message_id").asString()).isEqualTo(expected.toString());
        assertThat(answer.json().path("turn_id")).isEqualTo(answer.json().path("message_id"));
        assertThat(answer.json().path("thread_id")).isEqualTo(sent.json().path("thread_id"));
        assertThat(answer.json().path("status").asString()).isEqualTo("accepted");
        assertThat(answer.header("Location")).isEqualTo(sent.header("Location"));
        Envelope again = envelopes().getLast();
        assertThat(again.meta().id()).isEqualTo(expected);
        assertThat(again.meta().thread()).isEqualTo(dead.meta().thread());
        assertThat(again.meta().from()).isEqualTo("console");
        assertThat(again.meta().to()).isEqualTo("greeter");
        assertThat(again.payload()).isEqualTo(dead.payload());
        assertThat(again.xml()).contains(foreign);
        assertThat(new EnvelopeToken(Clock.systemUTC())
                        .verifyOnLog(
                                again,
                                (issuer, kid) -> issuer.equals("agentserver")
                                        ? gateway.platformKeys().find(kid)
                                        : Optional.empty()))
                .isEqualTo(new EnvelopeToken.Verification.Verified(new TenantId(tenant), 0));
    }

    @Test
    void redrives_twice_with_one_effect_and_the_first_answer() {
        String id = letter(admitted("World"), NOON);
        Answer first = redrive(id);
        Answer again = redrive(id);

        assertThat(again.status()).as(again.body()).isEqualTo(202);
        assertThat(again.json()).isEqualTo(first.json());
        assertThat(LogReader.all(stores, tenant)).hasSize(2);
    }

    @Test
    void gives_many_redrives_of_one_at_once_the_same_answer() throws Exception {
        String id = letter(admitted("World"), NOON);
        List<Future<Answer>> answers = new ArrayList<>();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < 30; i++) {
                answers.add(threads.submit(() -> redrive(id)));
            }
        }
        for (Future<Answer> answer : answers) {
            assertThat(answer.get().status()).as(answer.get().body()).isEqualTo(202);
            assertThat(answer.get().json()).isEqualTo(answers.getFirst().get().json());
        }
        assertThat(envelopes().stream().map(e -> e.meta().id()).distinct()).hasSize(2);
    }

    @Test
    void believes_the_mac_that_the_message_had_where_the_token_says_nothing() {
        ConsumerRecord<byte[], byte[]> message = admitted("World");
        byte[] unsigned = envelope(message).signedForm().getBytes(StandardCharsets.UTF_8);
        String topic = Topics.messages(new TenantId(tenant));
        byte[] its = MAC.of(topic, message.key(), unsigned);
        byte[] anothers = MAC.of("messages.another", message.key(), unsigned);

        String believed = writer.write(tenant, message.key(), unsigned, its, "x", NOON);
        String not = writer.write(tenant, message.key(), unsigned, anothers, "x", NOON);

        assertThat(redrive(not).status()).isEqualTo(409);
        assertThat(redrive(believed).status()).isEqualTo(202);
    }

    @Test
    void sends_nothing_again_and_shows_nothing_of_what_nobody_can_vouch_for() {
        ConsumerRecord<byte[], byte[]> theirs = admitted("Canary");
        a_tenant_with_an_organism();
        ConsumerRecord<byte[], byte[]> message = admitted("World");
        String changed = new String(message.value(), StandardCharsets.UTF_8).replace("World", "Canary");
        List<String> ids = new ArrayList<>();
        ids.add(written(message.key(), changed));
        ids.add(written(message.key(), "Canary, no XML"));
        ids.add(written(message.key(), "<Canary"));
        ids.add(written(message.key(), ""));
        ids.add(written(
                "Canary".getBytes(StandardCharsets.UTF_8), new String(message.value(), StandardCharsets.UTF_8)));
        ids.add(written(theirs.key(), new String(theirs.value(), StandardCharsets.UTF_8)));

        assertThat(list("").json().path("data")).hasSize(ids.size());
        assertThat(list("").body()).doesNotContain("Canary", "message_id", "console");
        for (String id : ids) {
            Answer inspected = gateway.get("/v1/dead-letters/" + id, key);
            assertThat(inspected.json().path("attempts").asInt()).isEqualTo(3);
            assertThat(inspected.body()).doesNotContain("Canary", "envelope");
            Answer refused = redrive(id);
            assertThat(refused.status()).as(refused.body()).isEqualTo(409);
            assertThat(refused.problem()).isEqualTo("conflict");
            assertThat(refused.json().path("detail").asString()).contains("could not be verified");
        }
        assertThat(LogReader.all(stores, tenant)).hasSize(1);
    }

    @Test
    void says_409_to_a_step_inside_a_turn_whose_thread_is_closed() {
        ThreadId root = new ThreadId(Ids.v7());
        MessageId turn = MessageId.create();
        MessageId id = turn.output(0);
        Meta meta = Meta.ofOutput("greeter", "greeter", root.child(id), id, root, turn, turn);
        Envelope step = new EnvelopeToken(Clock.systemUTC())
                .signOutput(
                        EnvelopeDocument.stamp(meta, "<Greeting><Name>x</Name></Greeting>")
                                .orElseThrow(),
                        new TenantId(tenant),
                        gateway.platformKeys().signing(),
                        1);
        String letter = written(root.child(id).toString().getBytes(StandardCharsets.UTF_8), step.xml());

        JsonNode listed = list("").json().path("data").path(0);
        assertThat(listed.path("conversation_id").asString()).isEqualTo(root.toString());
        assertThat(listed.path("turn_id").asString()).isEqualTo(turn.toString());
        Answer refused = redrive(letter);
        assertThat(refused.status()).isEqualTo(409);
        assertThat(refused.json().path("detail").asString()).contains("its thread is closed", "SystemError");
        assertThat(LogReader.all(stores, tenant)).isEmpty();
    }

    @Test
    void says_409_to_the_platforms_own_boot_message() {
        assertThat(gateway.putOrganism(key, AdmissionTest.ORGANISM + "    boot: true\n")
                        .status())
                .isEqualTo(200);
        Answer refused = redrive(letter(LogReader.all(stores, tenant).getFirst(), NOON));
        assertThat(refused.status()).isEqualTo(409);
        assertThat(refused.json().path("detail").asString()).contains("the platform's own");
    }

    @Test
    void says_409_to_a_thread_that_the_journal_has_closed() {
        ConsumerRecord<byte[], byte[]> message = admitted("World");
        buffer.closed.add(new String(message.key(), StandardCharsets.UTF_8));
        Answer refused = redrive(letter(message, NOON));

        assertThat(refused.status()).as(refused.body()).isEqualTo(409);
        assertThat(refused.json().path("detail").asString()).contains("closed");
        assertThat(LogReader.all(stores, tenant)).hasSize(1);
    }

    @Test
    void says_503_while_nobody_knows_whether_the_thread_is_closed() {
        tenant = "e" + tenant.substring(1);
        key = withoutBuffer.createTenant(tenant);
        assertThat(withoutBuffer.putOrganism(key, AdmissionTest.ORGANISM).status())
                .isEqualTo(200);
        assertThat(withoutBuffer
                        .post("/v1/messages", key, "application/xml", greeting("World", ""))
                        .status())
                .isEqualTo(202);
        String id = letter(LogReader.all(stores, tenant).getFirst(), NOON);

        for (String path : List.of(id + "/redrive", "redrive")) {
            Answer away = withoutBuffer.post("/v1/dead-letters/" + path, key, "application/json", "{}");
            assertThat(away.status()).as(away.body()).isEqualTo(503);
            assertThat(away.header("Retry-After")).isNotEmpty();
        }
        assertThat(LogReader.all(stores, tenant)).hasSize(1);
    }

    @Test
    void refuses_what_the_organism_of_today_does_not_take() {
        String id = letter(admitted("World"), NOON);
        assertThat(gateway.putOrganism(key, AdmissionTest.ORGANISM.replace("Name: string", "Name: int"))
                        .status())
                .isEqualTo(200);
        Answer unfit = redrive(id);
        assertThat(unfit.status()).isEqualTo(422);
        assertThat(unfit.problem()).isEqualTo("invalid-payload");
        assertThat(unfit.json().path("pointer").asString()).isEqualTo("/message/Greeting/Name");

        assertThat(gateway.putOrganism(key, AdmissionTest.ORGANISM).status()).isEqualTo(200);
        assertThat(redrive(id).status()).isEqualTo(202);
    }

    // many again

    @Test
    void redrives_many_the_oldest_first_and_says_what_came_of_each() {
        String thread = Ids.v7().toString();
        List<String> ids = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            ids.add(letter(admittedTo(thread, "N" + i), NOON.minusSeconds(i))); // the clocks of pumps may differ
        }
        ids.add(written(thread.getBytes(StandardCharsets.UTF_8), "no XML"));
        int before = LogReader.all(stores, tenant).size();

        Answer first = redriveMany("{\"rate\":100,\"limit\":2}");
        assertThat(first.status()).as(first.body()).isEqualTo(200);
        assertThat(first.json().path("data")).hasSize(2);
        Answer second = redriveMany(
                "{\"rate\":100,\"cursor\":\"" + first.json().path("next_cursor").asString() + "\"}");
        assertThat(second.json().path("data")).hasSize(2);
        assertThat(second.json().has("next_cursor")).isFalse();

        List<JsonNode> all = new ArrayList<>(first.json().path("data").values());
        all.addAll(second.json().path("data").values());
        assertThat(all).extracting(item -> item.path("id").asString()).isEqualTo(ids);
        assertThat(all.subList(0, 3)).allSatisfy(item -> {
            assertThat(item.path("status").asString()).isEqualTo("accepted");
            assertThat(item.path("thread_id").asString()).isEqualTo(thread);
        });
        assertThat(all.get(3).path("problem").path("type").asString())
                .isEqualTo("https://xml-pipeline.org/problems/conflict");
        assertThat(all.get(3).path("problem").path("status").asInt()).isEqualTo(409);
        List<Envelope> again = envelopes().subList(before, before + 3);
        assertThat(again).extracting(Envelope::payload).containsExactly(payload("N0"), payload("N1"), payload("N2"));
        assertThat(again)
                .extracting(e -> String.valueOf(e.meta().id()))
                .isEqualTo(all.subList(0, 3).stream()
                        .map(item -> item.path("message_id").asString())
                        .toList());
    }

    @Test
    void redrives_what_stands_in_all_partitions_once() {
        List<String> ids = new ArrayList<>();
        for (int i = 0; i < 12; i++) {
            ids.add(letter(admitted("N" + i), NOON.plusSeconds(i)));
        }
        List<String> redriven = new ArrayList<>();
        String cursor = "";
        do {
            Answer batch = redriveMany("{\"rate\":100,\"limit\":5,\"cursor\":\"" + cursor + "\"}");
            batch.json()
                    .path("data")
                    .forEach(item -> redriven.add(item.path("id").asString()));
            cursor = batch.json().path("next_cursor").asString("");
        } while (!cursor.isEmpty());

        assertThat(redriven).isEqualTo(ids);
        redriveMany("{\"rate\":100}");
        assertThat(LogReader.all(stores, tenant)).hasSize(24);
    }

    @Test
    void ends_a_batch_where_the_platform_cannot_go_on_and_goes_on_from_there() {
        String thread = Ids.v7().toString();
        for (int i = 0; i < 2; i++) {
            letter(admittedTo(thread, "N" + i), NOON.plusSeconds(i));
        }
        ConsumerRecord<byte[], byte[]> stuck = admitted("stuck");
        letter(stuck, NOON.plusSeconds(2));
        letter(admitted("N3"), NOON.plusSeconds(3));
        String its = new String(stuck.key(), StandardCharsets.UTF_8);
        buffer.beforeRead = conversation -> {
            if (conversation.equals(its)) {
                throw Status.UNAVAILABLE.asRuntimeException();
            }
        };

        Answer first = redriveMany("{\"rate\":100}");
        assertThat(first.json().path("data")).hasSize(2);
        String rest =
                "{\"rate\":100,\"cursor\":\"" + first.json().path("next_cursor").asString() + "\"}";
        assertThat(redriveMany(rest).status()).isEqualTo(503);
        buffer.beforeRead = _ -> {};
        Answer last = redriveMany(rest);
        assertThat(last.json().path("data")).hasSize(2);
        assertThat(last.json().path("data").path(0).path("thread_id").asString())
                .isEqualTo(its);
        assertThat(last.json().has("next_cursor")).isFalse();
    }

    @Test
    void runs_one_batch_of_a_tenant_at_a_time() throws Exception {
        letter(admitted("World"), NOON);
        CountDownLatch begun = new CountDownLatch(1);
        CountDownLatch goOn = new CountDownLatch(1);
        buffer.beforeRead = _ -> {
            begun.countDown();
            await(goOn);
        };
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            Future<Answer> first = threads.submit(() -> redriveMany("{}"));
            await(begun);
            Answer second = redriveMany("{}");
            goOn.countDown();
            assertThat(second.status()).as(second.body()).isEqualTo(409);
            assertThat(first.get().json().path("data")).hasSize(1);
        }
        assertThat(redriveMany("{}").status()).isEqualTo(200);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            422 | unknown-field  | /ids    | {"ids":["0-0"]}
            422 | invalid-field  | /rate   | {"rate":0}
            422 | invalid-field  | /rate   | {"rate":101}
            422 | invalid-field  | /rate   | {"rate":1.5}
            422 | invalid-field  | /rate   | {"rate":"10"}
            422 | invalid-field  | /limit  | {"limit":101}
            422 | invalid-field  | /limit  | {"limit":99999999999}
            422 | invalid-field  | /cursor | {"cursor":"before.0-1"}
            400 | malformed-json |         | []
            """)
    void refuses_a_batch_that_is_none(int status, String problem, String pointer, String body) {
        Answer answer = redriveMany(body);
        assertThat(answer.status()).as(answer.body()).isEqualTo(status);
        assertThat(answer.problem()).isEqualTo(problem);
        assertThat(answer.json().path("pointer").asString("")).isEqualTo(pointer == null ? "" : pointer);
    }

    // what the tests send and read

    private Answer list(String query) {
        return gateway.get("/v1/dead-letters" + query, key);
    }

    private Answer redrive(String id) {
        return gateway.send(gateway.request("/v1/dead-letters/" + id + "/redrive")
                .header("Authorization", "Bearer " + key)
                .POST(HttpRequest.BodyPublishers.noBody()));
    }

    private Answer redriveMany(String json) {
        return gateway.post("/v1/dead-letters/redrive", key, "application/json", json);
    }

    private String keyWith(String maker, String scope) {
        return gateway.post("/v1/keys", maker, "application/json", "{\"name\":\"x\",\"scopes\":[\"" + scope + "\"]}")
                .json()
                .path("secret")
                .asString();
    }

    private static String payload(String name) {
        return "<Greeting><Name>" + name + "</Name></Greeting>";
    }

    private static String greeting(String name, String meta) {
        return AdmissionTest.envelope(
                "<from>console</from><to>greeter</to>" + meta,
                "<Greeting xmlns=\"\"><Name>" + name + "</Name></Greeting>");
    }

    private ConsumerRecord<byte[], byte[]> admitted(String name) {
        return sent(greeting(name, ""));
    }

    private ConsumerRecord<byte[], byte[]> admittedTo(String thread, String name) {
        return sent(greeting(name, "<thread>" + thread + "</thread>"));
    }

    /** As it stands on the log. */
    private ConsumerRecord<byte[], byte[]> sent(String xml) {
        Answer answer = gateway.post("/v1/messages", key, "application/xml", xml);
        assertThat(answer.status()).as(answer.body()).isEqualTo(202);
        String id = answer.json().path("message_id").asString();
        return LogReader.all(stores, tenant).stream()
                .filter(r -> id.equals(
                        new String(r.headers().lastHeader("message-id").value(), StandardCharsets.UTF_8)))
                .findFirst()
                .orElseThrow();
    }

    private String letter(ConsumerRecord<byte[], byte[]> message, Instant lastFailure) {
        return writer.write(
                tenant,
                message.key(),
                message.value(),
                message.headers().lastHeader("mac").value(),
                "as the test wants it",
                lastFailure);
    }

    private String written(byte[] recordKey, String value) {
        return writer.write(
                tenant, recordKey, value.getBytes(StandardCharsets.UTF_8), null, "as the test wants it", NOON);
    }

    private static Envelope envelope(ConsumerRecord<byte[], byte[]> record) {
        return EnvelopeDocument.readOwn(new String(record.value(), StandardCharsets.UTF_8));
    }

    private List<Envelope> envelopes() {
        return LogReader.all(stores, tenant).stream()
                .map(DeadLettersTest::envelope)
                .toList();
    }

    private static String bytes(Answer answer, int status) {
        assertThat(answer.status()).as(answer.body()).isEqualTo(status);
        return answer.body().replaceAll("\"request_id\":\"[^\"]*\"", "");
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
