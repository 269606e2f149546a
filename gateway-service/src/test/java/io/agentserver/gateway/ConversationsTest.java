package io.agentserver.gateway;

import com.google.protobuf.ByteString;
import io.agentserver.buffer.v1.AwaitTurnReply;
import io.agentserver.buffer.v1.CaughtUp;
import io.agentserver.buffer.v1.Gap;
import io.agentserver.buffer.v1.Slot;
import io.agentserver.buffer.v1.SlotState;
import io.agentserver.buffer.v1.Turn;
import io.agentserver.buffer.v1.TurnState;
import io.agentserver.buffer.v1.WatchEvent;
import io.agentserver.envelope.EnvelopeDocument;
import io.agentserver.envelope.Ids;
import io.agentserver.gateway.RunningGateway.Answer;
import io.agentserver.gateway.limits.OpenRequests;
import io.agentserver.gateway.threads.EventStreams;
import io.agentserver.gateway.threads.ThreadBuffer;
import io.agentserver.localstores.LocalStores;
import io.agentserver.service.ServiceApplication;
import io.grpc.Status;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.boot.SpringBootConfiguration;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Import;
import org.springframework.context.annotation.Primary;
import tools.jackson.databind.JsonNode;

import java.io.IOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

import static org.assertj.core.api.Assertions.assertThat;

/** What the gateway makes of what the buffer says. */
@ExtendWith(GatewayExtension.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ConversationsTest {
    /** More than any heap of a test has room for: without a bound there would be no end to filling it. */
    private static final int MOST_REQUESTS = 100_000;

    private static final String GREETING = "<Greeting xmlns=\"\"><Name>x</Name></Greeting>";

    /** A gateway whose streams say that they are there after a second, and not after 15. */
    @SpringBootConfiguration(proxyBeanMethods = false)
    @EnableAutoConfiguration
    @Import(GatewayConfiguration.class)
    static class Talkative {
        @Bean
        @Primary
        EventStreams talkativeStreams(ThreadBuffer buffer) {
            return new EventStreams(buffer, Duration.ofSeconds(1));
        }
    }

    private final BufferDouble buffer = new BufferDouble();
    private final LocalStores stores;
    private final RunningGateway gateway;
    private String tenant = "";
    private String key = "";

    ConversationsTest(LocalStores stores) throws IOException {
        this.stores = stores;
        this.gateway = new RunningGateway(ServiceApplication.start(
                Talkative.class,
                "gateway",
                RunningGateway.settings(stores, Map.of("AGENTSERVER_BUFFER_ADDRESS", buffer.address()))));
    }

    @AfterAll
    void stop() {
        gateway.close();
        buffer.close();
    }

    @BeforeEach
    void a_tenant_with_an_organism() {
        buffer.awaited = null;
        buffer.watched = List.of();
        buffer.turnState = TurnState.TURN_OPEN;
        buffer.turnWaits.clear();
        key = newTenant();
    }

    private String newTenant() {
        tenant = "c" + Ids.v7().toString().substring(0, 35).replace("-", "x");
        String made = gateway.createTenant(tenant);
        assertThat(gateway.putOrganism(made, AdmissionTest.ORGANISM).status()).isEqualTo(200);
        return made;
    }

    @ParameterizedTest
    @EnumSource(
            value = Status.Code.class,
            names = {"INTERNAL", "UNKNOWN", "DATA_LOSS", "NOT_FOUND", "INVALID_ARGUMENT", "UNAVAILABLE"})
    void answers_202_when_the_buffer_cannot_tell_the_response(Status.Code code) {
        buffer.failAwaiting(code.toStatus());
        Answer answer = waiting();
        assertThat(answer.status()).as(answer.body()).isEqualTo(202);
    }

    @ParameterizedTest
    @ValueSource(strings = {"AAAA", "%00", "%F0%9F%98%80", "x"})
    void says_400_to_a_cursor_that_is_none_of_the_buffers(String cursor) {
        Answer answer = gateway.get("/v1/threads?cursor=" + cursor, key);
        assertThat(answer.status()).as(answer.body()).isEqualTo(400);
        assertThat(answer.problem()).isEqualTo("invalid-request");
    }

    @ParameterizedTest
    @CsvSource({"'', newest", "?order=desc, newest", "?order=asc, oldest"})
    void lists_conversations_from_the_end_that_was_asked_for(String order, String first) {
        assertThat(gateway.get("/v1/threads" + order, key).body()).contains("\"id\":\"" + first + "\"");
    }

    @Test
    void the_operator_reads_how_much_is_kept_of_a_tenant_added_up() {
        String path = "/admin/v1/tenants/" + tenant + "/stats";
        buffer.statsParts = 3;
        JsonNode stats = gateway.get(path, RunningGateway.ADMIN_KEY).json();
        assertThat(stats.path("conversations").asLong()).isEqualTo(6);
        assertThat(stats.path("slots").asLong()).isEqualTo(15);
        assertThat(stats.path("bytes").asLong()).isEqualTo(3_300);
        assertThat(stats.path("shards").values())
                .extracting(shard ->
                        shard.path("shard").asInt() + ": " + shard.path("bytes").asLong())
                .containsExactly("3: 300", "15: 3000");
        assertThat(stats.has("next_cursor")).isFalse();

        buffer.statsParts = 21;
        JsonNode most = gateway.get(path, RunningGateway.ADMIN_KEY).json();
        assertThat(most.path("conversations").asLong()).isEqualTo(40);
        JsonNode rest = gateway.get(path + "?cursor=" + most.path("next_cursor").asString(), RunningGateway.ADMIN_KEY)
                .json();
        assertThat(rest.path("conversations").asLong()).isEqualTo(2);
        assertThat(rest.has("next_cursor")).isFalse();
        assertThat(gateway.get("/admin/v1/tenants/nobody-here/stats", RunningGateway.ADMIN_KEY)
                        .status())
                .isEqualTo(404);
        assertThat(gateway.get(path, key).status()).isEqualTo(401);
    }

    @Test
    void names_the_next_page_also_where_the_buffer_has_cut_this_one_short() {
        String thread = Ids.v7().toString();
        buffer.slots.put(
                thread,
                Slot.newBuilder().setSequence(7).setMessage(Ids.v7().toString()).build());
        String path = "/v1/threads/" + thread + "/messages?limit=50";
        buffer.lastSequence = 7;
        assertThat(gateway.get(path, key).body()).contains("\"data\":[{").doesNotContain("next_cursor");
        buffer.lastSequence = 9;
        assertThat(gateway.get(path, key).body()).contains("\"next_cursor\":\"7\"");
        assertThat(gateway.get(path + "&cursor=7", key).body())
                .contains("\"data\":[]")
                .doesNotContain("next_cursor");
    }

    @Test
    void cancels_a_conversation_for_whoever_may_write_to_it() {
        String thread = Ids.v7().toString();
        buffer.slots.put(
                thread,
                Slot.newBuilder().setSequence(1).setMessage(Ids.v7().toString()).build());
        Answer answer = gateway.post("/v1/threads/" + thread + "/cancel", key, "application/json", "");
        assertThat(answer.status()).as(answer.body()).isEqualTo(200);
        assertThat(answer.body()).contains("\"state\":\"cancelled\"", thread);
        assertThat(buffer.cancelled).containsExactly(tenant + "#" + thread);
        assertThat(gateway.post("/v1/threads/nonsense/cancel", key, "application/json", "")
                        .status())
                .isEqualTo(404);
        assertThat(gateway.post("/v1/threads/" + thread + "/cancel", "as_live_x", "application/json", "")
                        .status())
                .isEqualTo(401);
        assertThat(buffer.cancelled).hasSize(1);
    }

    @Test
    void erases_a_conversation_for_whoever_may_write_to_it() {
        String thread = Ids.v7().toString();
        buffer.slots.put(
                thread,
                Slot.newBuilder().setSequence(1).setMessage(Ids.v7().toString()).build());
        Answer answer = gateway.delete("/v1/threads/" + thread, key);
        assertThat(answer.status()).as(answer.body()).isEqualTo(204);
        assertThat(answer.body()).isEmpty();
        assertThat(buffer.erased).containsExactly(tenant + "#" + thread);
        assertThat(gateway.get("/v1/threads/" + thread, key).status())
                .as("at once: who waits gets no answer of this buffer")
                .isEqualTo(404);
        assertThat(gateway.delete("/v1/threads/nonsense", key).status()).isEqualTo(404);
        assertThat(gateway.delete("/v1/threads/" + thread, "as_live_x").status())
                .isEqualTo(401);
        assertThat(buffer.erased).hasSize(1);
    }

    @Test
    void asks_the_journal_which_of_two_contents_stands() {
        String id = Ids.v7().toString();
        String thread = Ids.v7().toString();
        String stands = message(thread, id, "stands");
        assertThat(gateway.post("/v1/messages", newTenant(), "application/xml", stands)
                        .status())
                .isEqualTo(202);
        byte[] digest = EnvelopeDocument.readOwn(
                        new String(LogReader.all(stores, tenant).getFirst().value(), StandardCharsets.UTF_8))
                .digest();
        key = newTenant();
        assertThat(send(message(thread, id, "here")).status()).isEqualTo(202);
        assertThat(send(stands).status()).as("as far as this pod knows").isEqualTo(422);

        // another pod had admitted that at the same time, and it was first
        buffer.slots.put(
                thread,
                Slot.newBuilder()
                        .setSequence(1)
                        .setMessage(id)
                        .setDigest(ByteString.copyFrom(digest))
                        .build());
        assertThat(send(stands).status()).isEqualTo(202);
        assertThat(send(message(thread, id, "another")).status()).isEqualTo(422);
    }

    @Test
    @Timeout(30) // or a stream without an end would never be told of
    void a_stream_ends_with_the_key_that_asked_for_it() throws Exception {
        String thread = conversation();
        Answer made = gateway.post(
                "/v1/keys", key, "application/json", "{\"name\":\"reader\",\"scopes\":[\"threads:read\"]}");
        OpenRequests streams = gateway.bean(OpenRequests.class);
        long before = streams.waiting();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            Future<Answer> stream = threads.submit(() -> gateway.get(
                    "/v1/threads/" + thread + "/events",
                    made.json().path("secret").asString()));
            Awaitility.await().until(() -> streams.waiting() > before);
            assertThat(gateway.delete("/v1/keys/" + made.json().path("id").asString(), key)
                            .status())
                    .isEqualTo(204);
            Answer ended = stream.get(5, TimeUnit.SECONDS);
            assertThat(ended.status()).isEqualTo(200);
            assertThat(ended.body()).contains("event: slot").doesNotContain("event: done");
        }
    }

    @Test
    @Timeout(30) // or a stream without an end would never be told of
    void a_stream_ends_when_its_key_expires() throws Exception {
        String thread = conversation();
        Instant end = Instant.now().plusSeconds(3);
        Answer made = gateway.post(
                "/v1/keys",
                key,
                "application/json",
                "{\"name\":\"reader\",\"scopes\":[\"threads:read\"],\"expires_at\":\"" + end + "\"}");
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            Future<Answer> stream = threads.submit(() -> gateway.get(
                    "/v1/threads/" + thread + "/events",
                    made.json().path("secret").asString()));
            assertThat(stream.get(8, TimeUnit.SECONDS).status()).isEqualTo(200);
            assertThat(Instant.now()).isAfterOrEqualTo(end);
        }
    }

    @Test
    @Timeout(30) // or a stream without an end would never be told of
    void says_404_to_a_stream_of_a_turn_that_the_conversation_does_not_have() {
        String thread = conversation();
        Answer answer = gateway.get("/v1/threads/" + thread + "/events?turn=" + Ids.v7(), key);
        assertThat(answer.status()).as(answer.body()).isEqualTo(404);
    }

    @Test
    @Timeout(30) // or a stream without a comment would be read for ever
    void a_stream_in_which_nothing_comes_says_that_it_is_there() throws Exception {
        HttpRequest request = gateway.request("/v1/threads/" + conversation() + "/events")
                .header("Authorization", "Bearer " + key)
                .build();
        HttpClient http = HttpClient.newHttpClient();
        try (Stream<String> lines =
                http.send(request, HttpResponse.BodyHandlers.ofLines()).body()) {
            List<String> comments = lines.filter(line -> !line.isEmpty())
                    .dropWhile(line -> line.matches("(event|id|data): .*"))
                    .limit(2)
                    .toList();
            assertThat(comments).as("behind the slots").containsExactly(": keep-alive", ": keep-alive");
        } finally {
            http.shutdownNow();
        }
    }

    @Test
    @Timeout(30) // or a stream without an end would never be told of
    void a_stream_tells_of_slots_that_are_gone() {
        buffer.watched = List.of(
                event().setGap(Gap.newBuilder().setThrough(5)).build(),
                slot(6, Ids.v7().toString()),
                event().setCaughtUp(CaughtUp.newBuilder().setFound(true)).build());
        Answer answer = gateway.send(gateway.request("/v1/threads/" + conversation() + "/events")
                .header("Authorization", "Bearer " + key)
                .header("Last-Event-ID", "2"));
        assertThat(answer.status()).as(answer.body()).isEqualTo(200);
        assertThat(answer.header("Content-Type")).startsWith("text/event-stream");
        assertThat(answer.body())
                .startsWith("event: gap\ndata: {\"through\":5}\n\nevent: slot\nid: 6\ndata: {")
                .endsWith("event: done\ndata: {\"last_sequence\":6}\n\n");
    }

    @Test
    @Timeout(30) // or a stream without an end would never be told of
    void a_stream_of_a_turn_ends_with_it_whatever_comes_then() {
        String thread = conversation();
        String turn = Objects.requireNonNull(buffer.slots.get(thread)).getMessage();
        String next = Ids.v7().toString();
        buffer.watched = List.of(
                slot(1, turn),
                slot(2, next),
                event().setCaughtUp(CaughtUp.newBuilder().setFound(true).setOpenTurn(turn))
                        .build(),
                slot(3, turn),
                event().setTurnEnded(Turn.newBuilder().setId(turn).setState(TurnState.TURN_ENDED))
                        .build(),
                slot(4, next));
        String path = "/v1/threads/" + thread + "/events?turn=" + turn;
        String body = gateway.get(path, key).body();
        assertThat(body.lines().filter(line -> line.startsWith("id: "))).containsExactly("id: 1", "id: 2", "id: 3");
        assertThat(body).endsWith("event: done\ndata: {\"last_sequence\":3,\"turn\":\"" + turn + "\"}\n\n");

        buffer.turnState = TurnState.TURN_ENDED;
        buffer.watched =
                List.of(event().setCaughtUp(CaughtUp.newBuilder().setFound(true).setOpenTurn(next))
                        .build());
        Answer resumed = gateway.send(
                gateway.request(path).header("Authorization", "Bearer " + key).header("Last-Event-ID", "3"));
        assertThat(resumed.body())
                .as("behind the turn's end")
                .isEqualTo("event: done\ndata: {\"last_sequence\":3,\"turn\":\"" + turn + "\"}\n\n");
    }

    private static WatchEvent.Builder event() {
        return WatchEvent.newBuilder();
    }

    private static WatchEvent slot(long sequence, String turn) {
        return event().setSlot(Slot.newBuilder()
                        .setSequence(sequence)
                        .setMessage(sequence < 3 ? turn : Ids.v7().toString())
                        .setThread(Ids.v7().toString())
                        .setTurn(turn)
                        .setFrom("greeter")
                        .setTo("console")
                        .setRoot("Greeting")
                        .setState(SlotState.SENT))
                .build();
    }

    @ParameterizedTest
    @CsvSource({
        "wait=60, 60",
        "wait=61, 60",
        "'respond-async, wait=600', 60",
        "wait=999999999999999999, 60",
        "wait=7, 7",
        "wait=\"7\", 7",
        "WAIT = 7; x=y, 7"
    })
    void a_client_waits_for_a_minute_at_most(String prefer, int seconds) {
        buffer.awaited = AwaitTurnReply.newBuilder().setEnded(true).build();
        Answer answer = waiting(prefer, "application/xml", null);
        assertThat(answer.status()).as(answer.body()).isEqualTo(204);
        assertThat(answer.header("Preference-Applied")).isEqualTo("wait=" + seconds);
        assertThat(buffer.turnWaits).containsExactly(seconds * 1000);
    }

    /** RFC 7240, 2: as if it were not there. */
    @ParameterizedTest
    @ValueSource(strings = {"wait", "wait=", "wait=0", "wait=-1", "wait=soon", "wait=1.5", "await=9", "return=minimal"})
    void a_preference_that_says_nothing_of_waiting_is_none(String prefer) {
        buffer.awaited = AwaitTurnReply.newBuilder().setEnded(true).build();
        Answer answer = waiting(prefer, "application/xml", null);
        assertThat(answer.status()).as(answer.body()).isEqualTo(202);
        assertThat(answer.header("Preference-Applied")).isEmpty();
        assertThat(buffer.turnWaits).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "application/xml, , application/xml",
        "application/json, , application/json",
        "application/xml, application/json, application/json",
        "application/json, application/xml, application/xml",
        "application/json, text/xml;q=0.5, application/xml",
        "application/xml, 'application/xml;q=0.1, application/json;q=0.2', application/json",
        "application/xml, '*/*', application/xml",
        "application/json, '*/*', application/json",
        "application/json, text/html, application/json"
    })
    void a_response_comes_in_the_format_that_was_sent_or_as_accept_says(
            String sent, @Nullable String accept, String type) {
        String own = SigningOrg.unsigned().xml();
        buffer.awaited = AwaitTurnReply.newBuilder()
                .setEnded(true)
                .setResponse(slot(2, Ids.v7().toString()).getSlot().toBuilder().setEnvelope(own))
                .build();
        Answer answer = waiting("wait=1", sent, accept);
        assertThat(answer.status()).as(answer.body()).isEqualTo(200);
        assertThat(answer.header("Content-Type")).isEqualTo(type);
        if (type.equals("application/xml")) {
            assertThat(answer.body()).isEqualTo(own);
        } else {
            assertThat(answer.json().path("sequence").asInt()).isEqualTo(2);
            assertThat(answer.json().path("payload").toString()).isEqualTo("{\"Greeting\":{\"Name\":\"World\"}}");
        }
    }

    private String conversation() {
        String thread = Ids.v7().toString();
        buffer.slots.put(
                thread,
                Slot.newBuilder().setSequence(1).setMessage(Ids.v7().toString()).build());
        return thread;
    }

    @Test
    void asks_the_journal_once_whether_a_message_is_a_repeat() {
        String thread = conversation();
        int before = buffer.reads();
        assertThat(send(message(thread, Ids.v7().toString(), "new")).status()).isEqualTo(202);
        assertThat(buffer.reads() - before).isEqualTo(1);

        String known = Objects.requireNonNull(buffer.slots.get(thread)).getMessage();
        assertThat(send(message(thread, known, "another content")).status()).isEqualTo(422);
        assertThat(buffer.reads() - before).isEqualTo(2);
    }

    @Test
    void lets_a_tenant_wait_for_so_many_unknown_threads_at_once() throws Exception {
        List<Future<Answer>> answers = new ArrayList<>();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < 100; i++) {
                answers.add(threads.submit(() -> gateway.get("/v1/threads/" + Ids.v7(), key)));
            }
        }
        int waited = 0;
        for (Future<Answer> answer : answers) {
            waited += answer.get().status() == 503 ? 1 : 0; // this buffer never answers those that wait
            assertThat(answer.get().status()).isIn(404, 503);
        }
        assertThat(waited).isEqualTo(50);
        assertThat(gateway.get("/v1/threads/" + Ids.v7(), key).status())
                .as("there is room again")
                .isEqualTo(503);
    }

    @Test
    void keeps_nobody_waiting_whom_it_has_no_room_for() {
        buffer.awaited = AwaitTurnReply.newBuilder().setEnded(true).build();
        String thread = Ids.v7().toString();
        buffer.slots.put(
                thread,
                Slot.newBuilder().setSequence(1).setMessage(Ids.v7().toString()).build());
        OpenRequests requests = requestsWithNoneOpen();
        List<OpenRequests.Place> others = new ArrayList<>();
        OpenRequests.Place last;
        do {
            last = requests.enter("another" + others.size());
            others.add(last);
        } while (last.mayWait(tenant) && others.size() < MOST_REQUESTS);
        try {
            Answer message = waiting();
            assertThat(message.status()).as("the log has it").isEqualTo(202);
            assertThat(message.header("Preference-Applied")).isEmpty();
            Answer stream = gateway.get("/v1/threads/" + thread + "/events", key);
            assertThat(stream.status()).as(stream.body()).isEqualTo(503);
            assertThat(stream.problem()).isEqualTo("unavailable");
            assertThat(stream.header("Retry-After")).isNotEmpty();
        } finally {
            others.forEach(OpenRequests.Place::close);
        }
        assertThat(waiting().status()).as("the turn has ended").isEqualTo(204);
    }

    @Test
    void takes_no_more_requests_of_a_tenant_at_once_than_it_has_room_for() {
        String another = key;
        key = newTenant();
        OpenRequests requests = requestsWithNoneOpen();
        List<OpenRequests.Place> open = new ArrayList<>();
        OpenRequests.Place last;
        do {
            last = requests.enter(tenant);
            open.add(last);
        } while (last.isThere() && open.size() < MOST_REQUESTS);
        try {
            Answer refused = gateway.get("/v1/listeners", key);
            assertThat(refused.status()).as(refused.body()).isEqualTo(503);
            assertThat(refused.problem()).isEqualTo("unavailable");
            assertThat(refused.header("Retry-After")).isNotEmpty();
            assertThat(gateway.get("/v1/listeners", another).status())
                    .as("another tenant")
                    .isEqualTo(200);
        } finally {
            open.forEach(OpenRequests.Place::close);
        }
        assertThat(gateway.get("/v1/listeners", key).status()).isEqualTo(200);
    }

    /** A client has its answer before the request's place is given back. */
    private OpenRequests requestsWithNoneOpen() {
        OpenRequests requests = gateway.bean(OpenRequests.class);
        Awaitility.await().until(() -> requests.open() == 0);
        return requests;
    }

    private Answer waiting() {
        return waiting("wait=1", "application/json", null);
    }

    private Answer waiting(String prefer, String type, @Nullable String accept) {
        String body = type.equals("application/json")
                ? "{\"payload\":{\"Greeting\":{\"Name\":\"x\"}}}"
                : AdmissionTest.envelope("<from>c</from>", GREETING);
        HttpRequest.Builder request = gateway.request("/v1/messages")
                .header("Authorization", "Bearer " + key)
                .header("Content-Type", type)
                .header("Prefer", prefer)
                .POST(HttpRequest.BodyPublishers.ofString(body));
        return gateway.send(accept == null ? request : request.header("Accept", accept));
    }

    private Answer send(String xml) {
        return gateway.post("/v1/messages", key, "application/xml", xml);
    }

    private static String message(String thread, String id, String name) {
        return AdmissionTest.envelope(
                "<from>c</from><thread>" + thread + "</thread><id xmlns=\"https://xml-pipeline.org/ns/delivery/v1\">"
                        + id + "</id>",
                "<Greeting xmlns=\"\"><Name>" + name + "</Name></Greeting>");
    }
}
