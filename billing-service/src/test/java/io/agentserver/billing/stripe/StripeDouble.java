package io.agentserver.billing.stripe;

import com.stripe.net.Webhook;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.time.Clock;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Predicate;

/**
 * A Stripe on this machine, for tests: it keeps what it is told, answers in Stripe's shapes, recognises idempotency keys, and
 * lets a test play the person who pays, the bank that disputes, and the network that fails. It sends no events by itself: a
 * test takes them from {@link #events} and delivers them when, as often and in what order it likes.
 */
public final class StripeDouble implements AutoCloseable {
    public static final String KEY = "sk_test_double";
    public static final String WEBHOOK_SECRET = "whsec_double";
    public static final String ACCOUNT = "acct_double";
    static final JsonMapper JSON = JsonMapper.builder().build();

    /** A call of the API as it came, and what was answered. */
    record Call(
            String method,
            String path,
            Map<String, String> form,
            @Nullable String idempotencyKey,
            int status,
            String answer) {}

    /** What happens to a request instead of its answer. */
    private enum Fault {
        /** Nothing is done. */
        ERROR,
        /** It is done, and the answer never comes. */
        SILENCE_AFTER
    }

    private record Kept(String request, int status, String body) {}

    private record Answer(int status, JsonNode body) {}

    final List<Call> calls = java.util.Collections.synchronizedList(new ArrayList<>());

    private final HttpServer server;
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final CountDownLatch closing = new CountDownLatch(1);
    private final Clock clock;
    private final Map<String, ObjectNode> objects = new LinkedHashMap<>();
    private final List<ObjectNode> meterEvents = new ArrayList<>();
    private final Map<String, Kept> idempotent = new LinkedHashMap<>();
    private final List<ObjectNode> events = new ArrayList<>();
    private final Queue<Fault> faults = new ConcurrentLinkedQueue<>();
    private volatile boolean away;
    private int count;

    public StripeDouble(Clock clock) throws IOException {
        this.clock = clock;
        this.server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setExecutor(threads);
        server.createContext("/", this::handle);
        server.start();
    }

    public String url() {
        return "http://127.0.0.1:" + server.getAddress().getPort();
    }

    public StripeSettings settings() {
        return new StripeSettings(KEY, WEBHOOK_SECRET, ACCOUNT, StripeSettings.METER, url());
    }

    @Override
    public void close() {
        closing.countDown();
        server.stop(0);
        threads.shutdownNow();
    }

    // what a test makes happen

    void failNext(int times) {
        for (int i = 0; i < times; i++) {
            faults.add(Fault.ERROR);
        }
    }

    void answerNothingAfterDoingNext() {
        faults.add(Fault.SILENCE_AFTER);
    }

    /** While it is, every call is a 500 and changes nothing. */
    public void away(boolean away) {
        this.away = away;
    }

    /** A person pays on the page of this session; returns the payment's id. */
    public synchronized String pay(String sessionUrl) {
        ObjectNode session = session(sessionUrl);
        String id = newId("pi");
        ObjectNode payment = object("payment_intent", id);
        payment.set("amount", session.get("amount_total"));
        payment.set("amount_received", session.get("amount_total"));
        payment.put("capture_method", "automatic");
        payment.put("confirmation_method", "automatic");
        payment.put("currency", "usd");
        payment.set("customer", session.get("customer"));
        payment.set("metadata", session.get("payment_intent_metadata"));
        payment.putArray("payment_method_types").add("card");
        payment.put("status", "succeeded");
        payment.put("latest_charge", newId("ch"));
        session.put("payment_intent", id);
        session.put("payment_status", "paid");
        session.put("status", "complete");
        event("payment_intent.succeeded", payment);
        event("checkout.session.completed", session);
        return id;
    }

    /** Somebody does so on Stripe's dashboard. */
    synchronized void deleteCustomer(String id) {
        known(id).removeAll().put("id", id).put("object", "customer").put("deleted", true);
    }

    /** As if a key of the test mode had seen a payment of the other. */
    synchronized void makeLive(String payment) {
        known(payment).put("livemode", true);
    }

    /** It has no status, as nobody has seen it and an API may come to do. */
    synchronized void loseStatus(String payment) {
        known(payment).remove("status");
    }

    /** A payment that somebody took through our account for something else. */
    synchronized String foreignPayment() {
        String id = newId("pi");
        ObjectNode payment = object("payment_intent", id);
        payment.put("amount", 900);
        payment.put("amount_received", 900);
        payment.put("capture_method", "automatic");
        payment.put("confirmation_method", "automatic");
        payment.put("currency", "usd");
        payment.putArray("payment_method_types").add("card");
        payment.put("status", "succeeded");
        event("payment_intent.succeeded", payment);
        return id;
    }

    synchronized String refund(String payment, int cents) {
        ObjectNode refund = object("refund", newId("re"));
        refund.put("amount", cents);
        refund.put("currency", "usd");
        refund.put("payment_intent", payment);
        refund.put("charge", known(payment).get("latest_charge").asString());
        refund.put("status", "succeeded");
        event("charge.refund.updated", refund);
        return refund.get("id").asString();
    }

    synchronized void failRefund(String id) {
        known(id).put("status", "failed");
        event("refund.failed", known(id));
    }

    synchronized String dispute(String payment) {
        ObjectNode dispute = object("dispute", newId("du"));
        dispute.set("amount", known(payment).get("amount"));
        dispute.putArray("balance_transactions");
        dispute.put("charge", known(payment).get("latest_charge").asString());
        dispute.put("currency", "usd");
        dispute.putObject("evidence");
        dispute.putObject("evidence_details")
                .put("has_evidence", false)
                .put("past_due", false)
                .put("submission_count", 0);
        dispute.put("is_charge_refundable", false);
        dispute.putObject("metadata");
        dispute.put("payment_intent", payment);
        dispute.put("reason", "fraudulent");
        dispute.put("status", "needs_response");
        event("charge.dispute.created", dispute);
        return dispute.get("id").asString();
    }

    /** @param status {@code won}, {@code lost}, {@code warning_needs_response}, … */
    synchronized void decide(String dispute, String status) {
        known(dispute).put("status", status);
        event("charge.dispute.closed", known(dispute));
    }

    // what a test sees

    /** Oldest first, as they would be delivered. */
    public synchronized List<String> events() {
        return events.stream().map(JsonNode::toString).toList();
    }

    synchronized String event(String type) {
        return events.stream()
                .filter(event -> event.get("type").asString().equals(type))
                .toList()
                .getLast()
                .toString();
    }

    synchronized long number(String kind) {
        return all(kind).size();
    }

    /** By customer, what its meter events add up to. */
    synchronized long metered(String customer) {
        return meterEvents.stream()
                .map(event -> event.get("payload"))
                .filter(payload -> payload.get("stripe_customer_id").asString().equals(customer))
                .mapToLong(payload -> Long.parseLong(payload.get("value").asString()))
                .sum();
    }

    /** Signed by the official library. */
    public static String signed(String event, long at) {
        try {
            return Webhook.Signature.generateSignatureHeader(event, WEBHOOK_SECRET, at);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    // the API

    private void handle(HttpExchange exchange) throws IOException {
        try (exchange) {
            String body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
            String query = exchange.getRequestURI().getRawQuery();
            Map<String, String> form = form(exchange.getRequestMethod().equals("GET") ? query : body);
            String key = exchange.getRequestHeaders().getFirst("Idempotency-Key");
            String path = exchange.getRequestURI().getPath();
            Fault fault = away ? Fault.ERROR : faults.poll();
            Kept answer;
            if (fault == Fault.ERROR) {
                answer = kept("", error(500, "api_error", null, "An unknown error occurred"));
            } else if (!("Bearer " + KEY).equals(exchange.getRequestHeaders().getFirst("Authorization"))) {
                answer = kept("", error(401, "invalid_request_error", null, "Invalid API Key provided"));
            } else {
                answer = once(exchange.getRequestMethod(), path, form, key);
            }
            calls.add(new Call(exchange.getRequestMethod(), path, form, key, answer.status(), answer.body()));
            if (fault == Fault.SILENCE_AFTER) {
                closing.await();
            }
            byte[] bytes = answer.body().getBytes(StandardCharsets.UTF_8);
            exchange.getResponseHeaders().set("Content-Type", "application/json");
            exchange.getResponseHeaders().set("Request-Id", "req_" + calls.size());
            exchange.sendResponseHeaders(answer.status(), bytes.length);
            exchange.getResponseBody().write(bytes);
        } catch (InterruptedException e) {
            throw new IOException(e);
        }
    }

    private synchronized Kept once(String method, String path, Map<String, String> form, @Nullable String key) {
        String request = method + " " + path + " " + form;
        Kept before = key == null ? null : idempotent.get(key);
        if (before != null) {
            return before.request().equals(request)
                    ? before
                    : kept(
                            request,
                            error(
                                    400,
                                    "idempotency_error",
                                    null,
                                    "Keys for idempotent requests can only be used with the same parameters"));
        }
        Kept answer = kept(request, answer(method, path, form));
        if (key != null && method.equals("POST") && answer.status() < 500) {
            idempotent.put(key, answer);
        }
        return answer;
    }

    private Answer answer(String method, String path, Map<String, String> form) {
        return switch (method + " "
                + path.replaceFirst(
                        "^(/v1/(?:customers|payment_intents|checkout/sessions|refunds|disputes|events))/.+",
                        "$1/{id}")) {
            case "POST /v1/customers" -> customer(form);
            case "POST /v1/checkout/sessions" -> session(form);
            case "POST /v1/billing/meter_events" -> meterEvent(form);
            case "GET /v1/payment_intents" -> list("payment_intent", path, form);
            case "GET /v1/refunds" -> list("refund", path, form);
            case "GET /v1/disputes" -> list("dispute", path, form);
            case "GET /v1/events" -> listEvents(form);
            case "GET /v1/customers/{id}",
                    "GET /v1/payment_intents/{id}",
                    "GET /v1/checkout/sessions/{id}",
                    "GET /v1/refunds/{id}",
                    "GET /v1/disputes/{id}" -> one(path.substring(path.lastIndexOf('/') + 1));
            default ->
                error(404, "invalid_request_error", null, "Unrecognized request URL (" + method + ": " + path + ")");
        };
    }

    private Answer customer(Map<String, String> form) {
        ObjectNode customer = object("customer", newId("cus"));
        customer.put("name", form.get("name"));
        customer.set("metadata", members("metadata", form));
        return new Answer(200, customer);
    }

    private Answer session(Map<String, String> form) {
        ObjectNode customer = objects.get(form.get("customer"));
        if (customer == null || isGone(customer)) {
            return error(
                    400,
                    "invalid_request_error",
                    "resource_missing",
                    "No such customer: '" + form.get("customer") + "'");
        }
        if (!form.containsKey("success_url")) {
            return error(400, "invalid_request_error", "parameter_missing", "Missing required param: success_url.");
        }
        String id = newId("cs");
        ObjectNode session = object("checkout.session", id);
        session.put(
                "amount_total",
                Long.parseLong(form.get("line_items[0][price_data][unit_amount]"))
                        * Long.parseLong(form.get("line_items[0][quantity]")));
        session.putObject("automatic_tax").put("enabled", false);
        session.put("currency", form.get("line_items[0][price_data][currency]"));
        session.put("client_reference_id", form.get("client_reference_id"));
        session.set("customer", customer.get("id"));
        session.putArray("custom_fields");
        session.putObject("custom_text");
        session.put("expires_at", clock.instant().getEpochSecond() + 86_400);
        session.set("metadata", members("metadata", form));
        session.put("mode", form.get("mode"));
        session.putArray("payment_method_types").add("card");
        session.put("payment_status", "unpaid");
        session.putArray("shipping_options");
        session.put("status", "open");
        session.put("success_url", form.get("success_url"));
        session.put("cancel_url", form.get("cancel_url"));
        session.put("url", "https://checkout.stripe.test/c/pay/" + id);
        // not Stripe's: what its page knows and does not tell
        session.set("payment_intent_metadata", members("payment_intent_data[metadata]", form));
        return new Answer(200, session);
    }

    private Answer meterEvent(Map<String, String> form) {
        String identifier = form.get("identifier");
        if (meterEvents.stream().anyMatch(e -> e.get("identifier").asString().equals(identifier))) {
            return error(
                    400, "invalid_request_error", null, "An event already exists with identifier " + identifier + ".");
        }
        if (isGone(objects.get(form.get("payload[stripe_customer_id]")))) {
            return error(400, "invalid_request_error", "resource_missing", "No such customer");
        }
        long age = clock.instant().getEpochSecond() - Long.parseLong(form.get("timestamp"));
        if (age > 35L * 86_400 || age < -300) {
            return error(
                    400,
                    "invalid_request_error",
                    null,
                    "The timestamp must be within the past 35 days or up to 5 minutes in the future.");
        }
        ObjectNode event = JSON.createObjectNode();
        event.put("object", "billing.meter_event");
        event.put("created", clock.instant().getEpochSecond());
        event.put("event_name", form.get("event_name"));
        event.put("identifier", identifier);
        event.put("livemode", false);
        event.set("payload", members("payload", form));
        event.put("timestamp", Long.parseLong(form.get("timestamp")));
        meterEvents.add(event);
        return new Answer(200, event);
    }

    private static boolean isGone(@Nullable ObjectNode customer) {
        return customer == null || customer.path("deleted").asBoolean(false);
    }

    private Answer one(String id) {
        ObjectNode found = objects.get(id);
        return found == null
                ? error(404, "invalid_request_error", "resource_missing", "No such object: '" + id + "'")
                : new Answer(200, shown(found));
    }

    private Answer list(String kind, String path, Map<String, String> form) {
        long since = Long.parseLong(form.getOrDefault("created[gte]", "0"));
        String payment = form.get("payment_intent");
        return page(
                path,
                form,
                all(kind).stream()
                        .filter(o -> o.get("created").asLong() >= since)
                        .filter(o -> payment == null
                                || o.path("payment_intent").asString("").equals(payment))
                        .toList()
                        .reversed());
    }

    private Answer listEvents(Map<String, String> form) {
        Predicate<ObjectNode> wanted =
                form.containsKey("type") ? event -> event.get("type").asString().equals(form.get("type")) : _ -> true;
        return page("/v1/events", form, events.stream().filter(wanted).toList().reversed());
    }

    private static Answer page(String path, Map<String, String> form, List<ObjectNode> newestFirst) {
        int limit = Integer.parseInt(form.getOrDefault("limit", "10"));
        String after = form.get("starting_after");
        List<ObjectNode> left = newestFirst;
        if (after != null) {
            List<String> ids =
                    newestFirst.stream().map(o -> o.get("id").asString()).toList();
            left = newestFirst.subList(ids.indexOf(after) + 1, newestFirst.size());
        }
        ObjectNode page = JSON.createObjectNode();
        page.put("object", "list");
        ArrayNode data = page.putArray("data");
        left.stream().limit(limit).map(StripeDouble::shown).forEach(data::add);
        page.put("has_more", left.size() > limit);
        page.put("url", path);
        return new Answer(200, page);
    }

    private static ObjectNode shown(ObjectNode object) {
        ObjectNode copy = object.deepCopy();
        copy.remove("payment_intent_metadata");
        return copy;
    }

    private List<ObjectNode> all(String kind) {
        return objects.values().stream()
                .filter(o -> o.get("object").asString().equals(kind))
                .toList();
    }

    private ObjectNode session(String url) {
        return known(url.substring(url.lastIndexOf('/') + 1));
    }

    private ObjectNode known(String id) {
        return Objects.requireNonNull(objects.get(id), id);
    }

    private ObjectNode object(String kind, String id) {
        ObjectNode object = JSON.createObjectNode();
        object.put("id", id);
        object.put("object", kind);
        object.put("created", clock.instant().getEpochSecond());
        object.put("livemode", false);
        objects.put(id, object);
        return object;
    }

    private void event(String type, ObjectNode about) {
        ObjectNode event = JSON.createObjectNode();
        event.put("id", newId("evt"));
        event.put("object", "event");
        event.put("api_version", "2023-08-16");
        event.put("created", clock.instant().getEpochSecond());
        event.put("livemode", false);
        event.put("pending_webhooks", 1);
        event.put("type", type);
        event.putObject("data").set("object", shown(about));
        events.add(event);
    }

    private String newId(String prefix) {
        return prefix + "_" + String.format("%08d", ++count);
    }

    private static Kept kept(String request, Answer answer) {
        JsonNode body = answer.body() instanceof ObjectNode object ? shown(object) : answer.body();
        return new Kept(request, answer.status(), body.toString());
    }

    private static Answer error(int status, String type, @Nullable String code, String message) {
        ObjectNode body = JSON.createObjectNode();
        ObjectNode error = body.putObject("error");
        error.put("type", type);
        if (code != null) {
            error.put("code", code);
        }
        error.put("message", message);
        return new Answer(status, body);
    }

    private static Map<String, String> form(@Nullable String encoded) {
        Map<String, String> form = new LinkedHashMap<>();
        if (encoded != null && !encoded.isEmpty()) {
            for (String pair : encoded.split("&", -1)) {
                String[] parts = pair.split("=", 2);
                form.put(
                        URLDecoder.decode(parts[0], StandardCharsets.UTF_8),
                        URLDecoder.decode(parts[1], StandardCharsets.UTF_8));
            }
        }
        return form;
    }

    private static ObjectNode members(String name, Map<String, String> form) {
        ObjectNode members = JSON.createObjectNode();
        form.forEach((key, value) -> {
            if (key.startsWith(name + "[")) {
                members.put(key.substring(name.length() + 1, key.length() - 1), value);
            }
        });
        return members;
    }
}
