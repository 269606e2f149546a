package io.agentserver.loadtests;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;

/**
 * How long after a tenant's last credit is gone gateway and router answer 402, and how long after credit is added they work
 * again: the operator takes all credit and gives some, a number of times, and both are asked all the while.
 */
final class CreditBench {
    private static final String ORGANISM = """
            organism: {name: credit}
            listeners:
              - name: penny
                description: Says it again.
                handler: builtin:echo
                payload: {root: Coin, fields: {Text: string}}
            """;
    private static final long CREDIT = 1_000_000;
    private static final int OK = 200;
    private static final int ACCEPTED = 202;
    private static final int PAYMENT_REQUIRED = 402;

    private final Settings settings;
    private final HttpClient http = HttpClient.newHttpClient();
    private final Map<String, List<Double>> measured = new TreeMap<>();

    /** @param rounds how often the credit goes and comes */
    record Settings(URI router, int rounds) {
        static Settings of(Options options) {
            options.only("router", "rounds");
            return new Settings(URI.create(options.text("router")), options.number("rounds", 10));
        }
    }

    CreditBench(Settings settings) {
        this.settings = settings;
    }

    void run() throws Exception {
        String admin = System.getenv("AGENTSERVER_ADMIN_KEY");
        if (admin == null) {
            admin = Files.readString(Path.of(".agentserver", "admin-key")).strip();
        }
        try (Platform platform = Platform.find()) {
            String id = "credit-" + Long.toHexString(System.currentTimeMillis());
            String key = platform.newTenant(id, admin);
            new Platform(platform.gateway, key).activate(ORGANISM);
            Callable<Integer> message = () -> send(
                    platform.gateway.resolve("/v1/messages"),
                    key,
                    "{\"to\":\"penny\"," + "\"payload\":{\"Coin\":{\"Text\":\"one\"}}}",
                    "");
            Callable<Integer> call = () -> send(
                    settings.router().resolve("/v1/chat/completions"),
                    key,
                    "{\"model\":\"simulated/default\",\"max_tokens\":10,\"messages\":"
                            + "[{\"role\":\"user\",\"content\":\"Hi\"}]}",
                    "");
            until(call, OK, System.nanoTime());
            URI credit = platform.gateway.resolve("/admin/v1/tenants/" + id + "/credit");
            for (int round = 0; round < settings.rounds(); round++) {
                add(credit, admin, round == 0 ? -5_000_000 - CREDIT : -CREDIT, "take-" + round);
                long gone = System.nanoTime();
                note(
                        "router: 402 after the last credit",
                        until(call, PAYMENT_REQUIRED, gone)); // first: it is the faster one
                note("gateway: 402 after the last credit", until(message, PAYMENT_REQUIRED, gone));
                add(credit, admin, round == 0 ? 2 * CREDIT : CREDIT, "give-" + round);
                long back = System.nanoTime();
                note("router: works after credit is added", until(call, OK, back));
                note("gateway: works after credit is added", until(message, ACCEPTED, back));
            }
        }
        System.out.println("| | rounds | median | longest |\n|---|---|---|---|");
        measured.forEach((what, times) -> {
            Collections.sort(times);
            System.out.printf(
                    Locale.ROOT,
                    "| %s | %d | %.0f ms | %.0f ms |%n",
                    what,
                    times.size(),
                    times.get(times.size() / 2),
                    times.getLast());
        });
    }

    private void note(String what, double milliseconds) {
        measured.computeIfAbsent(what, first -> new ArrayList<>()).add(milliseconds);
    }

    private static double until(Callable<Integer> call, int status, long since) throws Exception {
        while (call.call() != status) {
            if (System.nanoTime() - since > 30_000_000_000L) {
                throw new IOException("no " + status + " within 30 s");
            }
        }
        return (System.nanoTime() - since) / 1e6;
    }

    private void add(URI credit, String admin, long amount, String key) throws IOException, InterruptedException {
        int status = send(credit, admin, "{\"amount_microusd\":" + amount + ",\"reason\":\"benchmark\"}", key);
        if (status != OK) {
            throw new IOException("POST " + credit + ": " + status);
        }
    }

    private int send(URI uri, String key, String json, String idempotencyKey) throws IOException, InterruptedException {
        HttpRequest.Builder request = HttpRequest.newBuilder(uri)
                .header("Authorization", "Bearer " + key)
                .header("Content-Type", "application/json")
                .POST(BodyPublishers.ofString(json));
        if (!idempotencyKey.isEmpty()) {
            request.header("Idempotency-Key", idempotencyKey);
        }
        return http.send(request.build(), BodyHandlers.discarding()).statusCode();
    }
}
