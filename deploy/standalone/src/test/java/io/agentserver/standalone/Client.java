package io.agentserver.standalone;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/** A tenant's client: the public API over HTTP, nothing else. */
record Client(HttpClient http, String url, String key) {
    record Event(String type, String id, String data) {
        JsonNode json() {
            return JsonMapper.shared().readTree(data);
        }
    }

    /** Makes a tenant through the admin API. */
    static Client ofNewTenant(HttpClient http, Platform platform, String tenant) {
        Client operator =
                new Client(http, platform.variable("AGENTSERVER_URL"), platform.variable("AGENTSERVER_ADMIN_KEY"));
        HttpResponse<String> created = operator.post(
                "/admin/v1/tenants",
                "application/json",
                "{\"id\":\"" + tenant + "\",\"name\":\"T\",\"plan\":\"dev\"}",
                Map.of());
        if (created.statusCode() != 201) {
            throw new AssertionError(created.statusCode() + " " + created.body());
        }
        return new Client(http, operator.url(), json(created).path("api_key").stringValue());
    }

    HttpResponse<String> get(String path) {
        return send(request(path).GET());
    }

    HttpResponse<String> post(String path, String type, String body, Map<String, String> headers) {
        HttpRequest.Builder request = request(path).header("Content-Type", type).POST(BodyPublishers.ofString(body));
        headers.forEach(request::header);
        return send(request);
    }

    HttpResponse<String> patch(String path, String json) {
        return send(request(path)
                .header("Content-Type", "application/json")
                .method("PATCH", BodyPublishers.ofString(json)));
    }

    HttpResponse<String> delete(String path) {
        return send(request(path).DELETE());
    }

    HttpResponse<String> put(String path, String json) {
        return send(request(path).header("Content-Type", "application/json").PUT(BodyPublishers.ofString(json)));
    }

    HttpResponse<String> putOrganism(String yaml) {
        return send(request("/v1/organism")
                .header("Content-Type", "application/yaml")
                .PUT(BodyPublishers.ofString(yaml)));
    }

    HttpResponse<String> sendXml(String xml, Map<String, String> headers) {
        return post("/v1/messages", "application/xml", xml, headers);
    }

    /** Follows a thread's events until {@code done}. */
    List<Event> events(String thread, Map<String, String> headers) {
        List<Event> events = new ArrayList<>();
        follow(thread, headers, events::add);
        return events;
    }

    /** The same, each as it comes. */
    void follow(String thread, Map<String, String> headers, Consumer<Event> taker) {
        HttpRequest.Builder request = request("/v1/threads/" + thread + "/events")
                .header("Accept", "text/event-stream")
                .timeout(Duration.ofSeconds(60))
                .GET();
        headers.forEach(request::header);
        try {
            HttpResponse<InputStream> response = http.send(request.build(), BodyHandlers.ofInputStream());
            if (response.statusCode() != 200) {
                throw new AssertionError(response.statusCode() + " "
                        + new String(response.body().readAllBytes(), StandardCharsets.UTF_8));
            }
            try (BufferedReader in =
                    new BufferedReader(new InputStreamReader(response.body(), StandardCharsets.UTF_8))) {
                read(in, taker);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    static JsonNode json(HttpResponse<String> response) {
        return JsonMapper.shared().readTree(response.body());
    }

    private static void read(BufferedReader in, Consumer<Event> taker) throws IOException {
        int events = 0;
        String type = "";
        String id = "";
        StringBuilder data = new StringBuilder();
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            if (line.startsWith("event:")) {
                type = line.substring(6).strip();
            } else if (line.startsWith("id:")) {
                id = line.substring(3).strip();
            } else if (line.startsWith("data:")) {
                data.append(line.substring(5).strip());
            } else if (line.isEmpty() && !type.isEmpty()) {
                if (type.equals("done")) {
                    return;
                }
                taker.accept(new Event(type, id, data.toString()));
                events++;
                type = "";
                data.setLength(0);
            }
        }
        throw new AssertionError("the stream ended without done; it had " + events + " events");
    }

    private HttpRequest.Builder request(String path) {
        HttpRequest.Builder request =
                HttpRequest.newBuilder(URI.create(url + path)).timeout(Duration.ofSeconds(70));
        return key.isEmpty() ? request : request.header("Authorization", "Bearer " + key);
    }

    private HttpResponse<String> send(HttpRequest.Builder request) {
        try {
            return http.send(request.build(), BodyHandlers.ofString());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }
}
