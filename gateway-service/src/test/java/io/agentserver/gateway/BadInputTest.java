package io.agentserver.gateway;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.agentserver.envelope.Ids;
import io.agentserver.gateway.RunningGateway.Answer;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;

import static org.assertj.core.api.Assertions.assertThat;

/** What is the client's fault is a 4xx that says so, and leaves no stack trace in the log. */
@ExtendWith(GatewayExtension.class)
class BadInputTest {
    private final RunningGateway gateway;
    private final Logger root = (Logger) LoggerFactory.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
    private final ListAppender<ILoggingEvent> log = new ListAppender<>();
    private String key = "";

    BadInputTest(RunningGateway gateway) {
        this.gateway = gateway;
    }

    @BeforeEach
    void a_tenant() {
        key = gateway.createTenant("b" + Ids.v7().toString().substring(0, 35).replace("-", "x"));
        assertThat(gateway.putOrganism(key, AdmissionTest.ORGANISM).status()).isEqualTo(200);
        log.start();
        root.addAppender(log);
    }

    @AfterEach
    void nothing_looks_like_a_failure_of_ours() {
        root.detachAppender(log);
        assertThat(log.list).noneMatch(event -> event.getLevel().isGreaterOrEqual(Level.ERROR));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/v1/threads?limit=999999999999",
                "/v1/threads?limit=-1",
                "/v1/threads?limit=many",
                "/v1/threads?order=up",
                "/v1/threads/0199c0de-7a11-7000-8000-000000000001/messages?after=-5",
                "/v1/threads/0199c0de-7a11-7000-8000-000000000001/messages?after=99999999999999999999",
                "/v1/threads/0199c0de-7a11-7000-8000-000000000001/messages?limit=99999999999999999999",
                "/v1/usage?from=-999999999-01-01&to=-999999999-01-01",
                "/v1/usage?from=%2B999999999-01-01&to=%2B999999999-01-01",
                "/v1/threads/0199c0de-7a11-7000-8000-000000000001/messages?cursor=x",
                "/v1/usage?from=0001-01-01&to=0001-01-02",
                "/v1/usage?from=2025-02-30",
                "/v1/usage?from=2025-01-01&to=2026-01-02",
                "/v1/usage?to=1999-12-31",
            })
    void says_400_to_a_parameter_with_a_wrong_value(String path) {
        Answer answer = gateway.get(path, key);
        assertThat(answer.status()).as(answer.body()).isEqualTo(400);
        assertThat(answer.problem()).isEqualTo("invalid-request");
    }

    @ParameterizedTest
    @ValueSource(strings = {"1e5000", "1e999999999", "1e2147483648", "1e-99999999999", "-1e99999999999999999999"})
    void says_4xx_to_numbers_beyond_all_measure(String number) {
        for (String body : new String[] {
            "{\"payload\":{\"Greeting\":{\"Name\":" + number + "}}}",
            "{\"payload\":{\"Greeting\":{\"Name\":\"x\",\"Times\":" + number + "}}}",
            "{\"payload\":" + number + "}",
            "{\"id\":" + number + ",\"payload\":{\"Greeting\":{\"Name\":\"x\"}}}",
        }) {
            Answer answer = gateway.post("/v1/messages", key, "application/json", body);
            assertThat(answer.status()).as(body + answer.body()).isIn(202, 400, 422);
        }
        assertThat(gateway.post("/v1/keys", key, "application/json", "{\"name\":" + number + ",\"scopes\":[1]}")
                        .status())
                .isIn(400, 422);
    }

    @Test
    void takes_a_client_that_hangs_up_in_its_body_for_no_failure() throws IOException {
        double before = rejected("internal");
        for (String body :
                new String[] {"Content-Length: 100\r\n\r\n<mess", "Transfer-Encoding: chunked\r\n\r\n8\r\n<mess"}) {
            try (Socket socket = connect()) {
                write(socket, "POST /v1/messages HTTP/1.1\r\nHost: x\r\nContent-Type: application/xml\r\n" + body);
            }
        }
        Answer after = gateway.get("/v1/keys", key);
        assertThat(after.status()).isEqualTo(200);
        Awaitility.await()
                .during(java.time.Duration.ofMillis(500))
                .untilAsserted(() -> assertThat(rejected("internal")).isEqualTo(before));
    }

    @Test
    void says_400_to_chunks_that_are_none() throws IOException {
        String answer = answerTo("POST /v1/messages HTTP/1.1\r\nHost: x\r\nContent-Type: application/xml\r\n"
                + "Transfer-Encoding: chunked\r\n\r\nzz\r\n<mess\r\n0\r\n\r\n");
        assertThat(answer).startsWith("HTTP/1.1 400").contains("invalid-request");
    }

    /** Refused before any code of ours has seen it. */
    @ParameterizedTest
    @CsvSource({
        "'GET /v1/threads/%00 HTTP/1.1\r\nHost: x\r\n', 400, invalid-request",
        "'GET /v1/threads/..%2f.. HTTP/1.1\r\nHost: x\r\n', 400, invalid-request",
        "'GET /%ff HTTP/1.1\r\nHost: x\r\n', 400, invalid-request",
        "'GET /v1/threads?x[]=1 HTTP/1.1\r\nHost: x\r\n', 400, invalid-request",
        "'GET /v1/threads HTTP/1.1\r\n', 400, invalid-request",
        "'GET /v1/threads HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n', 400, invalid-request",
        "'TRACE /v1/threads HTTP/1.1\r\nHost: x\r\n', 405, method-not-allowed",
        "'GET /v1/threads HTTP/1.1\r\nHost: x\r\nX-Long: 17000\r\n', 431, header-too-large",
        "'PUT /v1/threads HTTP/9.9\r\nHost: x\r\n', 400, invalid-request",
    })
    void answers_what_tomcat_refuses_with_a_problem(String head, int status, String problem) throws IOException {
        double before = rejected(problem);
        String answer = answerTo(head.replace("17000", "x".repeat(17_000)) + "Connection: close\r\n\r\n");
        assertThat(answer)
                .startsWith("HTTP/1.1 " + status)
                .contains("application/problem+json", "/problems/" + problem, "Request-Id: ", "\"status\":" + status)
                .doesNotContain("<html", "Tomcat");
        assertThat(rejected(problem)).isEqualTo(before + 1);
    }

    private double rejected(String reason) {
        return gateway.metrics()
                .lines()
                .filter(line ->
                        line.startsWith("agentserver_rejected_total{") && line.contains("reason=\"" + reason + "\""))
                .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' '))))
                .sum();
    }

    private String answerTo(String request) throws IOException {
        try (Socket socket = connect()) {
            write(socket, request);
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);
        }
    }

    private Socket connect() throws IOException {
        Socket socket = new Socket(InetAddress.getLoopbackAddress(), gateway.port());
        socket.setSoTimeout(30_000);
        return socket;
    }

    private static void write(Socket socket, String text) throws IOException {
        socket.getOutputStream().write(text.getBytes(StandardCharsets.ISO_8859_1));
        socket.getOutputStream().flush();
    }
}
