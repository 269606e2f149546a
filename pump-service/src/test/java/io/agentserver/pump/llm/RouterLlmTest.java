package io.agentserver.pump.llm;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.agentserver.envelope.ServiceToken;
import io.agentserver.pump.llm.Llm.Answer;
import io.agentserver.pump.llm.Llm.ChatMessage;
import io.agentserver.pump.llm.Llm.Role;
import io.agentserver.pump.testing.Calls;
import io.agentserver.pump.trace.Tracing;
import io.agentserver.service.PlatformKeys;
import io.agentserver.service.ServiceTokens;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicReference;

import static org.assertj.core.api.Assertions.assertThat;

class RouterLlmTest {
    private final AtomicReference<String> request = new AtomicReference<>("");
    private final AtomicReference<String> method = new AtomicReference<>("");
    private final AtomicReference<String> headers = new AtomicReference<>("");
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final List<String> keysAsked = new CopyOnWriteArrayList<>();
    private final Map<String, String> prompts = new ConcurrentHashMap<>();
    private volatile boolean remembers;
    private volatile Runnable meanwhile = () -> {};
    private volatile int status = 200;
    private volatile String body = "";

    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path directory;

    @SuppressWarnings("NullAway.Init")
    private HttpServer server;

    @SuppressWarnings("NullAway.Init")
    private PlatformKeys keys;

    @SuppressWarnings("NullAway.Init")
    private RouterLlm llm;

    @BeforeEach
    void start() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/v1/chat/completions", exchange -> {
            request.set(new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8));
            method.set(exchange.getRequestMethod());
            headers.set(exchange.getRequestHeaders().entrySet().toString());
            String key = exchange.getRequestHeaders().getFirst("Idempotency-Key");
            keysAsked.add(method.get() + " " + key);
            String known = remembers && method.get().equals("POST") ? prompts.putIfAbsent(key, request.get()) : null;
            if (known != null && !known.equals(request.get())) {
                respond(exchange, 422, "{\"error\":{\"code\":\"idempotency-mismatch\"}}");
            } else {
                boolean asks = exchange.getRequestMethod().equals("POST");
                if (asks) {
                    meanwhile.run();
                }
                respond(exchange, asks ? status : 204, body);
            }
        });
        server.setExecutor(threads);
        server.start();
        Path file = directory.resolve("key.json");
        PlatformKeys.createIfAbsent(file);
        keys = PlatformKeys.load(file);
        llm = new RouterLlm(
                URI.create("http://127.0.0.1:" + server.getAddress().getPort() + "/"),
                new ServiceTokens(keys, Clock.systemUTC()),
                Tracing.none());
    }

    @AfterEach
    void stop() {
        server.stop(0);
        threads.shutdownNow();
    }

    @Test
    void asks_the_router_in_the_tenants_name_and_reads_its_answer() {
        body =
                "{\"choices\":[{\"message\":{\"content\":\"Hi\"}}],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":3}}";

        assertThat(llm.ask(question())).isEqualTo(new Answer.Answered("Hi", "receipt-1", 7, 3));

        JsonNode json = JsonMapper.builder().build().readTree(request.get());
        assertThat(json.path("model").stringValue()).isEqualTo("default");
        assertThat(json.path("messages").path(1).path("name").stringValue()).isEqualTo("sum");
        assertThat(json.path("messages").path(0).has("name")).isFalse();
        assertThat(headers.get()).contains("Idempotency-key=[key:0]", "X-agentserver-listener=[lead]");
        String token = headers.get().replaceAll("(?s).*Bearer ([^\\]]*)\\].*", "$1");
        assertThat(ServiceToken.verify(token, keys::find, ServiceTokens.LLM_CALL, Clock.systemUTC()))
                .hasValueSatisfying(caller -> assertThat(caller.tenant()).isEqualTo(Calls.DEMO));
    }

    @Test
    void tells_apart_what_may_pass_what_will_not_and_a_used_up_credit() {
        status = 503;
        assertThat(llm.ask(question())).isInstanceOf(Answer.Unavailable.class);
        status = 429;
        assertThat(llm.ask(question())).isInstanceOf(Answer.Busy.class);
        status = 401;
        assertThat(llm.ask(question())).isInstanceOf(Answer.Unavailable.class);
        status = 402;
        assertThat(llm.ask(question())).isInstanceOf(Answer.OutOfCredit.class);
        status = 404;
        body = "{\"error\":{\"code\":\"model_not_found\",\"message\":\"secret internals\"}}";
        assertThat(llm.ask(question())).isEqualTo(new Answer.Refused("404 model_not_found"));
        status = 200;
        body = "not json";
        assertThat(llm.ask(question())).isInstanceOf(Answer.Unavailable.class);
        server.stop(0);
        assertThat(llm.ask(question())).isInstanceOf(Answer.Unavailable.class);
    }

    /** What the history of a message was when a pump died over it is not what it is now. */
    @Test
    void asks_under_another_key_when_the_same_message_comes_with_another_prompt() {
        remembers = true;
        body = "{\"choices\":[{\"message\":{\"content\":\"Hi\"}}]}";
        Llm.Question first = question("<result>1</result>");
        Llm.Question changed = question("<result>2</result>");
        assertThat(llm.ask(first)).isInstanceOf(Answer.Answered.class);
        assertThat(llm.ask(changed)).isInstanceOf(Answer.Answered.class);
        assertThat(llm.ask(changed)).isInstanceOf(Answer.Answered.class);
        assertThat(llm.ask(question("<result>3</result>"))).isInstanceOf(Answer.Answered.class);
        assertThat(prompts).as("one for each prompt").hasSize(3);
        assertThat(prompts.keySet()).allMatch(key -> key.matches("key:0(:[0-9a-f]{32})?"));
        assertThat(keysAsked).as("nobody wants what was asked first").contains("DELETE key:0");
    }

    @Test
    void says_of_the_other_key_too_that_its_answer_is_unwanted() {
        remembers = true;
        llm.ask(question("<result>1</result>"));
        String other = "DELETE " + otherKey();
        meanwhile = () -> {
            meanwhile = () -> {};
            llm.abandon(Calls.DEMO, "key:0");
        };
        keysAsked.clear();
        llm.ask(question("<result>2</result>"));
        assertThat(keysAsked).contains("DELETE key:0", other);
    }

    private String otherKey() {
        llm.ask(question("<result>2</result>"));
        return prompts.keySet().stream()
                .filter(key -> !key.equals("key:0"))
                .findFirst()
                .orElseThrow();
    }

    @Test
    void says_that_an_answer_is_unwanted_by_its_key() {
        status = 204;
        llm.abandon(Calls.DEMO, "key:0");
        assertThat(method.get()).isEqualTo("DELETE");
        assertThat(headers.get()).contains("Idempotency-key=[key:0]", "Bearer ");
        server.stop(0);
        llm.abandon(Calls.DEMO, "key:0"); // nothing depends on it
    }

    private static void respond(HttpExchange exchange, int status, String body) throws IOException {
        exchange.getResponseHeaders().add("x-agentserver-receipt", "receipt-1");
        byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
        exchange.sendResponseHeaders(status, status == 204 || bytes.length == 0 ? -1 : bytes.length);
        if (status != 204) {
            exchange.getResponseBody().write(bytes);
        }
        exchange.close();
    }

    private static Llm.Question question() {
        return question("<result>1</result>");
    }

    private static Llm.Question question(String result) {
        return new Llm.Question(
                Calls.DEMO,
                "default",
                List.of(new ChatMessage(Role.SYSTEM, null, "Be."), new ChatMessage(Role.USER, "sum", result)),
                "key:0",
                Calls.ROOT,
                Calls.ROOT,
                Calls.MESSAGE,
                "lead",
                Duration.ofSeconds(5));
    }
}
