package io.agentserver.gateway;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.agentserver.buffer.v1.AnswerOutcome;
import io.agentserver.buffer.v1.AnswerRequest;
import io.agentserver.envelope.Ids;
import io.agentserver.envelope.JwsAlgorithm;
import io.agentserver.envelope.MessageId;
import io.agentserver.envelope.RespondToken;
import io.agentserver.envelope.RespondToken.Asked;
import io.agentserver.envelope.ServiceToken;
import io.agentserver.envelope.SigningKey;
import io.agentserver.envelope.TenantId;
import io.agentserver.envelope.ThreadId;
import io.agentserver.gateway.RunningGateway.Answer;
import io.agentserver.localstores.LocalStores;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.slf4j.LoggerFactory;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.http.HttpRequest;
import java.nio.charset.StandardCharsets;
import java.security.KeyPairGenerator;
import java.time.Clock;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.zip.GZIPOutputStream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

/** What a service says later, as the gateway takes it; what the journal makes of it is the test's to say. */
@ExtendWith(GatewayExtension.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class RespondTest {
    private static final String ORGANISM = """
        organism: {name: late}
        listeners:
          - name: approver
            description: Asks a person.
            handler: http
            url: https://approver.example/
            secret: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw
            payload: {root: Ask, fields: {Text: string}}
            response: {root: Decision, fields: {Text: string}}
            peers: [clerk]
          - {name: clerk, description: Writes., handler: 'builtin:echo', payload: {root: Note, fields: {Text: string}}}
          - {name: safe, description: Is no peer., handler: 'builtin:echo', payload: {root: Key, fields: {Text: string}}}
        """;

    private static final String YES = "<Decision><Text>yes</Text></Decision>";

    private final BufferDouble buffer = new BufferDouble();
    private final RunningGateway gateway;
    private final ThreadId conversation = ThreadId.parse("0199c0de-7a11-7000-8000-000000000001");
    private final MessageId message = MessageId.parse("0199c0de-7a11-7000-8000-0000000000aa");
    private String tenant = "";
    private String key = "";

    RespondTest(LocalStores stores) throws IOException {
        this.gateway = RunningGateway.on(stores, Map.of("AGENTSERVER_BUFFER_ADDRESS", buffer.address()));
    }

    @AfterAll
    void stop() {
        gateway.close();
        buffer.close();
    }

    @BeforeEach
    void a_tenant_with_an_organism() {
        tenant = "r" + Ids.v7().toString().substring(0, 35).replace("-", "x");
        key = gateway.createTenant(tenant);
        assertThat(gateway.putOrganism(key, ORGANISM).status()).isEqualTo(200);
        buffer.answers.clear();
        buffer.answering = AnswerOutcome.ANSWER_TAKEN;
    }

    @Test
    void takes_an_answer_without_an_api_key_and_hands_its_canonical_form_to_the_journal() {
        Answer answer = respond(token(), "<?xml version='1.0'?><Decision><Text >yes</Text ></Decision>");
        assertThat(answer.status()).as(answer.body()).isEqualTo(202);
        assertThat(answer.json().path("message_id").asString()).isEqualTo(message.toString());
        assertThat(answer.json().path("status").asString()).isEqualTo("accepted");
        AnswerRequest request = buffer.answers.getFirst();
        assertThat(request.getTenant()).isEqualTo(tenant);
        assertThat(request.getConversation()).isEqualTo(conversation.toString());
        assertThat(request.getMessage()).isEqualTo(message.toString());
        assertThat(request.getAnswer().getContent()).isEqualTo(YES);
    }

    @ParameterizedTest
    @CsvSource({
        "ANSWER_TAKEN, 202, ''",
        "ANSWER_REPEATED, 202, ''",
        "ANSWER_DIFFERS, 409, conflict",
        "ANSWER_TOO_LATE, 410, gone",
        "ANSWER_UNKNOWN, 404, not-found",
        "ANSWER_OUTCOME_UNSPECIFIED, 503, unavailable"
    })
    void says_what_the_journal_says(AnswerOutcome outcome, int status, String problem) {
        buffer.answering = outcome;
        Answer answer = respond(token(), YES);
        assertThat(answer.status()).as(answer.body()).isEqualTo(status);
        assertThat(answer.problem()).isEqualTo(problem);
    }

    @Test
    void none_and_several_payloads_are_answers_too() {
        assertThat(respond(token(), "").status()).isEqualTo(202);
        assertThat(buffer.answers.getLast().getAnswer().getContent()).isEmpty();
        String several = "<outputs>" + "<Note to=\"clerk\"><Text>a</Text></Note>".repeat(32) + "</outputs>";
        assertThat(respond(token(), several).status()).isEqualTo(202);
        assertThat(buffer.answers.getLast().getAnswer().getContent()).isEqualTo(several);
        assertThat(respond(token(), "<answer>as a model may</answer>").status()).isEqualTo(202);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "<Decision><Wrong/></Decision> | 422 | invalid-payload",
                "<Other/> | 422 | invalid-payload",
                "<Key to='safe'><Text>a</Text></Key> | 422 | unknown-listener",
                "<Key to='nobody'><Text>a</Text></Key> | 422 | unknown-listener",
                "<Note to='clerk'><Wrong/></Note> | 422 | invalid-payload",
                "<outputs><Note to='clerk'><Text>a</Text></Note><Decision><Text>b</Text></Decision></outputs> | 422 |"
                        + " invalid-payload",
                "<outputs>text<Note to='clerk'><Text>a</Text></Note></outputs> | 422 | invalid-payload",
                "<SystemError><code>budget</code></SystemError> | 422 | invalid-payload",
                "<huh xmlns='https://xml-pipeline.org/ns/core/v1'/> | 422 | invalid-payload",
                "<Decision> | 400 | malformed-xml",
                "<!DOCTYPE a><Decision/> | 400 | malformed-xml",
                "<Decision/><Decision/> | 400 | malformed-xml",
            })
    void refuses_at_once_what_the_listener_may_not_say(String body, int status, String problem) {
        Answer answer = respond(token(), body);
        assertThat(answer.status()).as(answer.body()).isEqualTo(status);
        assertThat(answer.problem()).isEqualTo(problem);
        assertThat(answer.body()).doesNotContain("Exception", "io.agentserver");
        assertThat(buffer.answers).isEmpty();
    }

    @Test
    void refuses_more_outputs_than_a_handler_may_have_and_what_grows_over_a_megabyte() {
        String many = "<outputs>" + "<Note to='clerk'><Text>a</Text></Note>".repeat(33) + "</outputs>";
        assertThat(respond(token(), many).problem()).isEqualTo("invalid-payload");
        String grows = "<Decision><Text>" + "'".repeat(10) + ">".repeat(300_000) + "</Text></Decision>";
        assertThat(respond(token(), grows).status()).isEqualTo(422);
        assertThat(buffer.answers).isEmpty();
    }

    @Test
    void the_heap_stays_flat_whatever_is_sent() throws IOException {
        byte[] tenMegabytes =
                ("<Decision><Text>" + "x".repeat(10_000_000) + "</Text></Decision>").getBytes(StandardCharsets.UTF_8);
        assertThat(gateway.send(post(token(), "application/xml", HttpRequest.BodyPublishers.ofByteArray(tenMegabytes)))
                        .status())
                .isEqualTo(413);
        assertThat(gateway.send(post(
                                token(),
                                "application/xml",
                                HttpRequest.BodyPublishers.ofInputStream(
                                        () -> new ByteArrayInputStream(tenMegabytes)))) // chunked
                        .status())
                .isEqualTo(413);
        ByteArrayOutputStream zipped = new ByteArrayOutputStream();
        try (GZIPOutputStream gzip = new GZIPOutputStream(zipped)) {
            gzip.write(tenMegabytes);
        }
        assertThat(gateway.send(post(
                                        token(),
                                        "application/xml",
                                        HttpRequest.BodyPublishers.ofByteArray(zipped.toByteArray()))
                                .header("Content-Encoding", "gzip"))
                        .status())
                .isEqualTo(413);
        assertThat(buffer.answers).isEmpty();
    }

    @Test
    void wants_xml() {
        assertThat(gateway.send(post(token(), "application/json", HttpRequest.BodyPublishers.ofString("{}")))
                        .status())
                .isEqualTo(415);
        assertThat(gateway.send(gateway.request("/v1/respond/" + token())).status())
                .as("GET")
                .isEqualTo(405);
    }

    @Test
    void a_token_answers_for_its_own_tenant_and_message_whatever_else_is_sent() {
        String stranger = "s" + Ids.v7().toString().substring(0, 35).replace("-", "x");
        String strangersKey = gateway.createTenant(stranger);
        Answer answer = gateway.send(post(token(), "application/xml", HttpRequest.BodyPublishers.ofString(YES))
                .header("Authorization", "Bearer " + strangersKey));
        assertThat(answer.status()).isEqualTo(202);
        assertThat(buffer.answers).extracting(AnswerRequest::getTenant).containsExactly(tenant);
    }

    @Test
    void what_is_no_token_of_the_platforms_names_nothing() throws Exception {
        String good = token();
        SigningKey other = new SigningKey(
                gateway.platformKeys().signing().kid(),
                JwsAlgorithm.EdDSA,
                KeyPairGenerator.getInstance("Ed25519").generateKeyPair().getPrivate());
        String[] parts = good.split("\\.", -1);
        Asked elsewhere = asked("no-such-tenant", Instant.now().plusSeconds(60));
        for (String bad : new String[] {
            "x",
            parts[0] + "." + parts[1] + ".",
            parts[0] + "." + parts[1] + "A." + parts[2],
            good + "=",
            RespondToken.issue(other, asked(tenant, Instant.now().plusSeconds(60))),
            RespondToken.issue(gateway.platformKeys().signing(), elsewhere),
            ServiceToken.issue(gateway.platformKeys().signing(), new TenantId(tenant), "buffer", Clock.systemUTC()),
        }) {
            Answer answer = respond(bad, YES);
            assertThat(answer.status()).as(bad).isEqualTo(404);
            assertThat(answer.problem()).isEqualTo("not-found");
        }
        assertThat(buffer.answers).isEmpty();
    }

    @Test
    void a_token_is_of_no_use_elsewhere() {
        String token = token();
        assertThat(gateway.get("/v1/threads", token).status()).isEqualTo(401);
        assertThat(gateway.get("/admin/v1/tenants", token).status()).isEqualTo(401);
        String envelope = "<message xmlns=\"https://xml-pipeline.org/ns/envelope/v1\"><meta><from>x</from><thread>"
                + conversation + "</thread><id xmlns=\"https://xml-pipeline.org/ns/delivery/v1\">" + message
                + "</id><jwt xmlns=\"https://xml-pipeline.org/ns/security/v1\">" + token
                + "</jwt></meta><Ask xmlns=\"\"><Text>x</Text></Ask></message>";
        assertThat(gateway.send(gateway.request("/v1/messages")
                                .header("Content-Type", "application/xml")
                                .POST(HttpRequest.BodyPublishers.ofString(envelope)))
                        .problem())
                .isEqualTo("invalid-signature");
        assertThat(ServiceToken.verify(token, gateway.platformKeys()::find, "buffer", Clock.systemUTC()))
                .isEmpty();
    }

    @Test
    void a_token_whose_time_is_over_is_gone_and_is_not_read_further() {
        String expired = RespondToken.issue(
                gateway.platformKeys().signing(), asked(tenant, Instant.now().minusSeconds(90)));
        assertThat(respond(expired, "<not xml").status()).isEqualTo(410);
        String justOver = RespondToken.issue(
                gateway.platformKeys().signing(), asked(tenant, Instant.now().minusSeconds(5)));
        assertThat(respond(justOver, YES).status())
                .as("clocks differ: the journal decides")
                .isEqualTo(202);
        assertThat(buffer.answers).hasSize(1);
    }

    @ParameterizedTest
    @ValueSource(strings = {"202", "400", "404", "405", "503"})
    void a_token_is_in_no_log_trace_metric_or_answer(String status) {
        String token = token();
        List<String> written = new CopyOnWriteArrayList<>();
        gateway.onObservation(context -> written.add(context.toString() + context.getAllKeyValues()));
        ListAppender<ILoggingEvent> log = new ListAppender<>();
        log.start();
        Logger root = (Logger) LoggerFactory.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
        root.addAppender(log);
        Answer answer = switch (status) {
            case "202" -> respond(token, YES);
            case "400" -> respond(token, "<a");
            case "404" -> respond(token + "/more", YES);
            case "405" -> gateway.send(gateway.request("/v1/respond/" + token));
            default -> {
                buffer.answering = AnswerOutcome.ANSWER_OUTCOME_UNSPECIFIED;
                yield respond(token, YES);
            }
        };
        assertThat(answer.status()).hasToString(status);
        assertThat(answer.body()).doesNotContain(token);
        root.detachAppender(log);
        assertThat(log.list)
                .allSatisfy(event -> assertThat(event.getFormattedMessage() + event.getMDCPropertyMap())
                        .doesNotContain(token));
        await().untilAsserted(() ->
                assertThat(written).anySatisfy(text -> assertThat(text).contains("/v1/respond/{token}")));
        assertThat(written).allSatisfy(text -> assertThat(text).doesNotContain(token.substring(token.indexOf('.'))));
        assertThat(gateway.metrics()).doesNotContain(token);
    }

    @Test
    void an_answer_for_a_version_of_the_organism_that_is_no_longer_the_current_one_is_held_to_its_own() {
        String old = token();
        assertThat(gateway.putOrganism(key, ORGANISM.replace("root: Decision", "root: Verdict"))
                        .status())
                .isEqualTo(200);
        assertThat(respond(old, YES).status()).isEqualTo(202);
        assertThat(respond(old, "<Verdict><Text>yes</Text></Verdict>").status()).isEqualTo(422);
    }

    @Test
    void an_answer_for_a_version_that_is_kept_no_more_is_too_late() {
        Asked old = new Asked(
                new TenantId(tenant),
                conversation,
                conversation,
                message,
                "approver",
                0, // older than any
                Instant.now().plusSeconds(60));
        Answer answer = respond(RespondToken.issue(gateway.platformKeys().signing(), old), YES);
        assertThat(answer.status()).isEqualTo(410);
        assertThat(answer.problem()).isEqualTo("gone");
    }

    private String token() {
        return RespondToken.issue(
                gateway.platformKeys().signing(), asked(tenant, Instant.now().plusSeconds(60)));
    }

    private Asked asked(String ofTenant, Instant until) {
        return new Asked(new TenantId(ofTenant), conversation, conversation, message, "approver", 1, until);
    }

    private Answer respond(String token, String body) {
        return gateway.send(post(token, "application/xml", HttpRequest.BodyPublishers.ofString(body)));
    }

    private HttpRequest.Builder post(String token, String type, HttpRequest.BodyPublisher body) {
        return gateway.request("/v1/respond/" + token)
                .header("Content-Type", type)
                .POST(body);
    }
}
