package io.agentserver.standalone;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

import java.net.http.HttpClient;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

/** What a client sees of a thread that holds as much as it may. */
class FullThreadIT {
    private static final String FULL = "the thread holds 8 messages, which is the most: start another";

    @Test
    void a_message_to_a_full_thread_is_refused_in_words_and_what_the_thread_holds_stays_readable(@TempDir Path home) {
        try (Platform platform = AllInOne.start(home, Map.of("AGENTSERVER_BUFFER_THREAD_SLOTS", "8"));
                HttpClient http = HttpClient.newHttpClient()) {
            Client org = Client.ofNewTenant(http, platform, "full-org");
            assertThat(org.putOrganism("""
                            organism: {name: test}
                            listeners:
                              - name: mirror
                                description: Says it again.
                                handler: builtin:echo
                                payload: {root: Face, fields: {Text: string}}
                            """).statusCode()).isEqualTo(200);
            HttpResponse<String> first = face(org, "", "1");
            String thread = Client.json(first).path("thread").stringValue();
            for (String text : List.of("2", "3", "4")) {
                HttpResponse<String> answer = face(org, thread, text);
                assertThat(Client.json(answer).at("/payload/Face/Text").stringValue())
                        .isEqualTo(text);
            }
            List<JsonNode> held = slots(org, thread);
            assertThat(held).hasSize(8);

            HttpResponse<String> refused = face(org, thread, "5");
            JsonNode error = Client.json(refused).at("/payload/SystemError");
            assertThat(error.path("code").stringValue()).as(refused.body()).isEqualTo("budget");
            assertThat(refused.body()).contains(FULL);
            assertThat(state(org, thread)).isEqualTo("failed");
            assertThat(slots(org, thread)).hasSize(10).startsWith(held.toArray(JsonNode[]::new));

            HttpResponse<String> dropped = post(org, thread, "6", Map.of());
            assertThat(dropped.statusCode()).as(dropped.body()).isEqualTo(202);
            await().atMost(Duration.ofSeconds(20))
                    .untilAsserted(() -> assertThat(Client.json(org.get("/v1/dead-letters"))
                                    .at("/data/0/reason")
                                    .asString(""))
                            .contains("refused", FULL));
            assertThat(slots(org, thread)).hasSize(10);

            HttpResponse<String> another = face(org, "", "7");
            assertThat(another.body()).contains("7");
            assertThat(Client.json(another).path("thread").stringValue()).isNotEqualTo(thread);
        }
    }

    private static HttpResponse<String> face(Client org, String thread, String text) {
        HttpResponse<String> answer = post(org, thread, text, Map.of("Prefer", "wait=30"));
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
        return answer;
    }

    private static HttpResponse<String> post(Client org, String thread, String text, Map<String, String> headers) {
        String where = thread.isEmpty() ? "" : "\"thread_id\":\"" + thread + "\",";
        return org.post(
                "/v1/messages",
                "application/json",
                "{" + where + "\"payload\":{\"Face\":{\"Text\":\"" + text + "\"}}}",
                headers);
    }

    private static List<JsonNode> slots(Client org, String thread) {
        HttpResponse<String> response = org.get("/v1/threads/" + thread + "/messages");
        assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
        List<JsonNode> slots = new ArrayList<>();
        Client.json(response).path("data").forEach(slots::add);
        return slots;
    }

    private static String state(Client org, String thread) {
        return Client.json(org.get("/v1/threads/" + thread)).path("state").stringValue();
    }
}
