package io.agentserver.standalone.faults;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * What the organism needs of the world: a model whose answers are the script's (fans out, joins, hands over by the text that it
 * is given), a service that takes its time and fails now and then, and one that answers later.
 */
final class Scripted implements AutoCloseable {
    private static final Pattern TEXT = Pattern.compile("<Text>([^<]*)</Text>");
    private static final Pattern COUNT = Pattern.compile("<Count>(\\d+)</Count>");
    private static final int FAILS_OF_HUNDRED = 10;
    private static final int SLOWEST_MS = 200;
    private static final int SHOWN = 200;

    private final HttpServer server;
    private final Clerk clerk;
    /** By all that was said to it, which is another for each message: when it has answered that. */
    private final Map<String, List<Instant>> answered = new ConcurrentHashMap<>();

    private Scripted(HttpServer server, Clerk clerk) {
        this.server = server;
        this.clerk = clerk;
    }

    static Scripted start(Clerk clerk) throws IOException {
        Scripted scripted =
                new Scripted(HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0), clerk);
        scripted.server.createContext("/v1/chat/completions", scripted::model);
        scripted.server.createContext("/work", Scripted::service);
        scripted.server.createContext("/file", scripted::file);
        scripted.server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
        scripted.server.start();
        return scripted;
    }

    String modelUrl() {
        return url() + "/v1";
    }

    /** @param canary a word of the tenant's, in the name of a listener that nobody is sent to by name */
    String organism(String canary) {
        String agent =
                ", agent: true, handler: llm, model: default, retries: 20, prompt: Do as you were told., peers: ";
        return """
                organism: {name: faults}
                listeners:
                  - {name: echo, description: Says it again., handler: 'builtin:echo', payload: {root: Say, fields: {Text: string}}}
                  - {name: alarm, description: Rings., handler: 'builtin:timer', payload: {root: Alarm, fields: {After: string, Text: string}}, response: {root: Ring, fields: {Text: string}}}
                  - {name: worker, description: Works., handler: http, url: '%s/work', secret: whsec_ZXhhbXBsZS1vbmx5LW1ha2UteW91ci1vd24tc2VjcmV0, retries: 20, timeout: 10s, payload: {root: Work, fields: {Text: string}}, response: {root: Done, fields: {Text: string}}}
                  - {name: clerk, description: Works when it pleases., handler: http, url: '%s/file', secret: whsec_ZXhhbXBsZS1vbmx5LW1ha2UteW91ci1vd24tc2VjcmV0, retries: 20, payload: {root: File, fields: {Text: string}}, response: {root: Done, fields: {Text: string}}}
                  - {name: boss-%s, description: Asks several., payload: {root: Plan, fields: {Text: string, Count: int}}, history: {slots: 60}%s [echo, alarm, worker, clerk]}
                  - {name: porter, description: Hands over., payload: {root: Parcel, fields: {Text: string}}%s [{name: echo, hand_over: true}]}
                  - {name: racer, description: Answers the first., join: each, payload: {root: Race, fields: {Text: string, Count: int}}, history: {slots: 60}%s [echo, alarm, worker, clerk]}
                """.formatted(url(), url(), canary, agent, agent, agent);
    }

    @Override
    public void close() {
        server.stop(0);
    }

    private String url() {
        return "http://127.0.0.1:" + server.getAddress().getPort();
    }

    /** How often the model has answered what it had answered before, since the last {@link #forget}. */
    int repeats() {
        return answered.values().stream().mapToInt(times -> times.size() - 1).sum();
    }

    /**
     * What the model has answered again although the answer before had not broken off, nor been lost; the last of what was said
     * to it each.
     */
    List<String> answeredAgain(Windows breakOffs) {
        return answered.entrySet().stream()
                .filter(each -> isAnsweredAgain(each.getValue(), breakOffs))
                .map(each -> "the model has answered at " + each.getValue() + ": "
                        + each.getKey().substring(Math.max(0, each.getKey().length() - SHOWN)))
                .toList();
    }

    static boolean isAnsweredAgain(List<Instant> times, Windows breakOffs) {
        return IntStream.range(1, times.size()).anyMatch(i -> !breakOffs.touch(times.get(i - 1), times.get(i)));
    }

    /** What was said until now. */
    void forget() {
        answered.clear();
    }

    private void model(HttpExchange exchange) throws IOException {
        JsonNode request =
                JsonMapper.shared().readTree(exchange.getRequestBody().readAllBytes());
        dawdle();
        String content = JsonMapper.shared().writeValueAsString(reply(request.path("messages")));
        String chunk = "{\"id\":\"x\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":";
        String body = "data: " + chunk + "[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":" + content
                + "}}]}\n\ndata: " + chunk + "[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: "
                + chunk
                + "[],\"usage\":{\"prompt_tokens\":11,\"completion_tokens\":3,\"total_tokens\":14}}\n\n"
                + "data: [DONE]\n\n";
        answer(exchange, 200, "text/event-stream", body);
        answered.merge(
                request.path("messages").toString(),
                List.of(Instant.now()),
                (before, now) -> Stream.concat(before.stream(), now.stream()).toList());
    }

    private static String reply(JsonNode messages) {
        List<String> answers = new ArrayList<>();
        String last = "";
        for (JsonNode message : messages) {
            last = message.path("content").stringValue("");
            if (!message.path("role").stringValue("").equals("user")) {
                continue;
            }
            if (isTask(last)) {
                answers.clear();
            } else {
                answers.add(text(last));
            }
        }
        if (last.startsWith("<Parcel")) {
            return "<Say><Text>" + text(last) + "</Text></Say>";
        }
        return isTask(last) ? fanOut(last) : answers.stream().sorted().collect(Collectors.joining(","));
    }

    private static boolean isTask(String content) {
        return content.startsWith("<Plan") || content.startsWith("<Race") || content.startsWith("<Parcel");
    }

    private static String fanOut(String task) {
        Matcher matcher = COUNT.matcher(task);
        int count = matcher.find() ? Integer.parseInt(matcher.group(1)) : 0;
        StringBuilder calls = new StringBuilder();
        for (int i = 0; i < count; i++) {
            String text = "<Text>" + text(task) + "." + i + "</Text>";
            calls.append(
                    switch (i % 4) {
                        case 0 -> "<Say>" + text + "</Say>";
                        case 1 -> "<Work>" + text + "</Work>";
                        case 3 -> "<File>" + text + "</File>";
                        default -> "<Alarm><After>" + i + "s</After>" + text + "</Alarm>";
                    });
        }
        return calls.toString();
    }

    private static String text(String payload) {
        Matcher matcher = TEXT.matcher(payload);
        return matcher.find() ? matcher.group(1) : "";
    }

    private static void service(HttpExchange exchange) throws IOException {
        String message = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
        dawdle();
        if (ThreadLocalRandom.current().nextInt(100) < FAILS_OF_HUNDRED) {
            answer(exchange, 503, "text/plain", "not now");
        } else {
            answer(exchange, 200, "application/xml", "<Done><Text>" + text(message) + "</Text></Done>");
        }
    }

    private void file(HttpExchange exchange) throws IOException {
        String message = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
        if (ThreadLocalRandom.current().nextInt(100) < FAILS_OF_HUNDRED) {
            answer(exchange, 503, "text/plain", "not now");
            return;
        }
        String token = exchange.getRequestHeaders().getFirst("agentserver-respond-token");
        clerk.take(token, "<Done><Text>" + text(message) + "</Text></Done>");
        exchange.sendResponseHeaders(202, -1);
        exchange.close();
    }

    private static void dawdle() {
        LockSupport.parkNanos(
                TimeUnit.MILLISECONDS.toNanos(ThreadLocalRandom.current().nextInt(SLOWEST_MS)));
    }

    private static void answer(HttpExchange exchange, int status, String type, String body) throws IOException {
        byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().add("Content-Type", type);
        exchange.sendResponseHeaders(status, bytes.length);
        exchange.getResponseBody().write(bytes);
        exchange.close();
    }
}
