package io.agentserver.pump.http;

import com.standardwebhooks.Webhook;
import com.sun.net.httpserver.HttpServer;
import io.agentserver.envelope.Ids;
import io.agentserver.envelope.JwsAlgorithm;
import io.agentserver.envelope.RespondToken;
import io.agentserver.envelope.SigningKey;
import io.agentserver.envelope.VerificationKey;
import io.agentserver.organism.HandlerHosts;
import io.agentserver.organism.Organism;
import io.agentserver.pump.handler.HandlerCall;
import io.agentserver.pump.handler.HandlerOutput.Forward;
import io.agentserver.pump.handler.HandlerOutput.HandOver;
import io.agentserver.pump.handler.HandlerOutput.Respond;
import io.agentserver.pump.handler.HandlerResult;
import io.agentserver.pump.testing.Calls;
import io.agentserver.pump.trace.Tracing;
import org.apache.hc.core5.util.TimeValue;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.NoSuchAlgorithmException;
import java.time.Clock;
import java.util.Arrays;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class HttpHandlerTest {
    private static final KeyPair PAIR = pair();
    private static final SigningKey KEY = new SigningKey("k1", JwsAlgorithm.EdDSA, PAIR.getPrivate());
    /** By the registries of IANA; what was there is no more (RFC 7526). */
    private static final String PUBLIC = "192.88.99.1";

    private static final String SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

    private final HttpHandler handler = new HttpHandler(true, KEY, Clock.systemUTC(), Tracing.none());
    private final Map<String, List<String>> headers = new HashMap<>();
    private final AtomicInteger calls = new AtomicInteger();
    private volatile String received = "";
    private volatile int status = 200;
    private volatile String answer = "";
    private volatile String location = "";

    @SuppressWarnings("NullAway.Init")
    private HttpServer server;

    @BeforeEach
    void start() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", exchange -> {
            calls.incrementAndGet();
            received = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
            exchange.getRequestHeaders().forEach((name, value) -> headers.put(name.toLowerCase(Locale.ROOT), value));
            if (!location.isEmpty()) {
                exchange.getResponseHeaders().add("Location", location);
            }
            byte[] body = answer.getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(status, body.length == 0 ? -1 : body.length);
            if (body.length > 0) {
                exchange.getResponseBody().write(body);
            }
            exchange.close();
        });
        server.start();
    }

    @AfterEach
    void stop() throws IOException {
        handler.close();
        server.stop(0);
    }

    @Test
    void posts_the_envelope_signed_as_standard_webhooks_says() throws Exception {
        answer = "<Pong><Text>hi</Text></Pong>";

        HandlerResult result = handler.handle(call());

        assertThat(result).isEqualTo(HandlerResult.respond("<Pong><Text>hi</Text></Pong>"));
        assertThat(received).isEqualTo(call().message().xml());
        assertThat(headers.get("webhook-id"))
                .containsExactly(
                        Ids.v5(Calls.ROOT.value(), Calls.MESSAGE.toString()).toString());
        new Webhook(SECRET).verify(received, headers); // throws if it does not
    }

    @Test
    void signs_like_the_specifications_example() throws Exception {
        assertThat(new Webhook("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
                        .sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, "{\"test\": 2432232314}"))
                .isEqualTo("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    @Test
    void closes_a_connection_that_nobody_uses() throws IOException {
        try (ServerSocket service = new ServerSocket(0, 5, InetAddress.getLoopbackAddress());
                HttpHandler impatient =
                        new HttpHandler(true, KEY, Clock.systemUTC(), Tracing.none(), TimeValue.ofMilliseconds(10))) {
            CompletableFuture<HandlerResult> result = CompletableFuture.supplyAsync(
                    () -> impatient.handle(call("127.0.0.1", service.getLocalPort())), Thread::startVirtualThread);
            try (Socket connection = service.accept()) {
                connection.setSoTimeout(30_000);
                connection
                        .getOutputStream()
                        .write("HTTP/1.1 204 No Content\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
                assertThat(result.join()).isInstanceOf(HandlerResult.Done.class);
                connection.getInputStream().transferTo(OutputStream.nullOutputStream()); // to its end
            }
        }
    }

    @Test
    void reads_none_one_or_several_payloads() {
        assertThat(handler.handle(call()))
                .isInstanceOfSatisfying(
                        HandlerResult.Done.class,
                        done -> assertThat(done.outputs()).isEmpty());
        status = 204;
        assertThat(handler.handle(call())).isInstanceOf(HandlerResult.Done.class);
        status = 200;
        answer = "<outputs xmlns:p=\"urn:p\"><Ask to=\"peer\"><Text>1</Text></Ask> <p:Other to=\"nobody\"/></outputs>";
        assertThat(outputs())
                .isEqualTo(List.of(
                        new Forward("peer", "<Ask><Text>1</Text></Ask>"),
                        new Forward("nobody", "<p:Other xmlns:p=\"urn:p\"></p:Other>")));
        answer = "<Decision to=\"boss\"/>";
        assertThat(outputs()).isEqualTo(List.of(new HandOver("boss", "<Decision></Decision>")));
        answer = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<a/>";
        assertThat(outputs()).isEqualTo(List.of(new Respond("<a></a>")));
    }

    @Test
    void refuses_what_is_not_fit() {
        for (String unfit : List.of(
                "plain",
                "<a/><b/>",
                "<!DOCTYPE a><a/>",
                "<a>&x;</a>",
                "<outputs><a/><b/></outputs>",
                "<outputs>text<a to=\"peer\"/></outputs>",
                "</message><message/>",
                "<a>" + "x".repeat(1024 * 1024) + "</a>")) {
            answer = unfit;
            assertThat(handler.handle(call()))
                    .as(unfit.substring(0, Math.min(40, unfit.length())))
                    .isInstanceOf(HandlerResult.Failed.class);
        }
    }

    @Test
    void tells_apart_what_may_pass_and_what_will_not() {
        for (int passing : new int[] {500, 503, 429, 408}) {
            status = passing;
            assertThat(handler.handle(call())).isInstanceOf(HandlerResult.Again.class);
        }
        for (int lasting : new int[] {400, 401, 404, 201}) {
            status = lasting;
            assertThat(handler.handle(call())).isInstanceOf(HandlerResult.Failed.class);
        }
        server.stop(0);
        assertThat(handler.handle(call())).isInstanceOf(HandlerResult.Again.class);
    }

    @Test
    void follows_no_redirect() {
        status = 307;
        location = "/elsewhere";

        assertThat(handler.handle(call())).isInstanceOf(HandlerResult.Failed.class);
        assertThat(calls).hasValue(1);
    }

    @Test
    void follows_no_redirect_to_an_address_that_is_not_public() throws IOException {
        try (ServerSocket inside = new ServerSocket(0, 5, InetAddress.getLoopbackAddress())) {
            location = "http://127.0.0.1:" + inside.getLocalPort() + "/hook";
            int redirects = 0;
            for (int each : new int[] {301, 302, 303, 307, 308}) {
                status = each;
                assertThat(handler.handle(call())).isInstanceOf(HandlerResult.Failed.class);
                assertThat(calls).hasValue(++redirects);
            }
            assertNobodyHasCalled(inside);
        }
    }

    /** A name that answers to whoever saves it otherwise than to whoever calls it. */
    @Test
    void refuses_a_name_that_was_public_before_and_is_not_when_it_is_called() throws IOException {
        String name = "rebound.example";
        String besides = "besides.example";
        ChangingNames.answer(name, List.of(List.of(PUBLIC), List.of("127.0.0.1"), List.of("127.0.0.1", "::1")));
        ChangingNames.answer(besides, List.of(List.of(PUBLIC, "127.0.0.1")));
        try (HttpHandler production = new HttpHandler(false, KEY, Clock.systemUTC(), Tracing.none());
                ServerSocket inside = new ServerSocket(0, 5, InetAddress.getLoopbackAddress())) {
            assertThat(InetAddress.getAllByName(name)).as("at first").allMatch(HandlerHosts.PUBLIC::allow);
            for (String host : List.of(name, name, besides)) {
                assertThat(production.handle(call(host, inside.getLocalPort())))
                        .isInstanceOfSatisfying(
                                HandlerResult.Failed.class,
                                failed -> assertThat(failed.message()).contains("address is not allowed"));
            }
            assertThat(ChangingNames.left(name))
                    .as("it was looked up at each call")
                    .isZero();
            assertNobodyHasCalled(inside);
        }
    }

    /** Else a name could answer otherwise between the look and the call. */
    @Test
    void a_call_goes_to_the_address_that_was_looked_at() {
        String name = "once.example";
        ChangingNames.answer(name, List.of(List.of("127.0.0.1"), List.of("169.254.169.254")));
        assertThat(handler.handle(call(name))).isInstanceOf(HandlerResult.Done.class);
        assertThat(calls).hasValue(1);
        assertThat(ChangingNames.left(name)).isEqualTo(1);
    }

    /** Whoever has waits in the backlog. */
    private static void assertNobodyHasCalled(ServerSocket socket) throws IOException {
        socket.setSoTimeout(1);
        assertThatThrownBy(socket::accept).isInstanceOf(SocketTimeoutException.class);
    }

    @Test
    void opens_no_connection_to_an_address_that_is_not_public() {
        try (HttpHandler production = new HttpHandler(false, KEY, Clock.systemUTC(), Tracing.none())) {
            for (String host : List.of("127.0.0.1", "localhost", "[::1]", "169.254.169.254", "2130706433")) {
                HandlerResult result = production.handle(call(host));
                assertThat(result).as(host).isInstanceOf(HandlerResult.Failed.class);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        assertThat(calls).hasValue(0);
    }

    @Test
    void a_202_is_a_promise_and_each_call_carries_the_token_that_keeps_it() throws Exception {
        status = 202;
        assertThat(handler.handle(call())).isEqualTo(new HandlerResult.Awaiting(Calls.ANSWER_BY));
        assertThat(headers.get("agentserver-respond-by")).containsExactly("2026-01-01T10:00:00Z");
        String token =
                Objects.requireNonNull(headers.get("agentserver-respond-token")).getFirst();
        assertThat(RespondToken.verify(token, _ -> Optional.of(verifying())))
                .hasValue(new RespondToken.Asked(
                        Calls.DEMO, Calls.ROOT, Calls.ROOT, Calls.MESSAGE, "pinger", 1, Calls.ANSWER_BY));
        new Webhook(SECRET).verify(received, headers); // with another header it is still the standard's
    }

    private static KeyPair pair() {
        try {
            return KeyPairGenerator.getInstance("Ed25519").generateKeyPair();
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    private static VerificationKey verifying() {
        byte[] encoded = PAIR.getPublic().getEncoded();
        String x = Base64.getUrlEncoder()
                .withoutPadding()
                .encodeToString(Arrays.copyOfRange(encoded, encoded.length - 32, encoded.length));
        try {
            return VerificationKey.ofJwk(
                    "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"k1\",\"alg\":\"EdDSA\",\"x\":\"" + x + "\"}");
        } catch (VerificationKey.Unfit e) {
            throw new IllegalStateException(e);
        }
    }

    private Object outputs() {
        HandlerResult result = handler.handle(call());
        return result instanceof HandlerResult.Done done ? done.outputs() : result;
    }

    private HandlerCall call() {
        return call("127.0.0.1");
    }

    private HandlerCall call(String host) {
        return call(host, server.getAddress().getPort());
    }

    private HandlerCall call(String host, int port) {
        Organism organism = Calls.organism("""
                organism: {name: own}
                listeners:
                  - name: pinger
                    description: Pings.
                    handler: http
                    url: "http://%s:%d/hook"
                    secret: %s
                    payload: {root: Ping, fields: {Text: string}}
                    peers: [peer, {name: boss, hand_over: true}]
                  - {name: peer, description: A peer., handler: 'builtin:echo', payload: {root: Ask, fields: {Text: string}}}
                  - {name: boss, description: A boss., handler: 'builtin:echo', payload: {root: Decision, fields: {Text: {type: string, optional: true}}}}
                """.formatted(host, port, SECRET));
        return Calls.call(organism, "pinger", "<Ping><Text>Grüße</Text></Ping>");
    }
}
