package io.agentserver.billing.console;

import java.io.IOException;
import java.net.CookieManager;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** A browser without eyes: keeps cookies, sends forms with the token of the page they stand on. Follows no redirect. */
final class Visitor implements AutoCloseable {
    private static final Pattern TOKEN = Pattern.compile("name=\"_csrf\"[^>]*value=\"([^\"]+)\"");

    private final HttpClient http =
            HttpClient.newBuilder().cookieHandler(new CookieManager()).build();
    private final String console;

    /** @param console its URL */
    Visitor(String console) {
        this.console = console;
    }

    static Visitor as(Role role, String console) {
        Visitor visitor = new Visitor(console);
        HttpResponse<String> in = visitor.submit("/sign-in", "/sign-in/demo", Map.of("role", role.wireName()));
        if (in.statusCode() != 302) {
            throw new AssertionError(in.statusCode() + " " + in.body());
        }
        return visitor;
    }

    HttpResponse<String> get(String path) {
        return send(request(path).GET());
    }

    /** @param page where the form stands */
    HttpResponse<String> submit(String page, String action, Map<String, String> fields) {
        return post(action, with(fields, token(page)));
    }

    /** Of the first form on a page. */
    String token(String page) {
        Matcher token = TOKEN.matcher(get(page).body());
        if (!token.find()) {
            throw new AssertionError("no form with a token on " + page);
        }
        return token.group(1);
    }

    HttpResponse<String> post(String action, Map<String, String> fields) {
        return send(request(action)
                .header("Content-Type", "application/x-www-form-urlencoded")
                .POST(BodyPublishers.ofString(fields.entrySet().stream()
                        .map(e -> e.getKey() + "=" + URLEncoder.encode(e.getValue(), StandardCharsets.UTF_8))
                        .collect(Collectors.joining("&")))));
    }

    HttpResponse<String> send(HttpRequest.Builder request) {
        try {
            return http.send(request.build(), BodyHandlers.ofString());
        } catch (IOException | InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    /** @param path below the console, or a whole URL */
    HttpRequest.Builder request(String path) {
        return HttpRequest.newBuilder(URI.create(path.startsWith("http") ? path : console + path));
    }

    @Override
    public void close() {
        http.close();
    }

    private static Map<String, String> with(Map<String, String> fields, String token) {
        Map<String, String> all = new java.util.LinkedHashMap<>(fields);
        all.put("_csrf", token);
        return all;
    }
}
