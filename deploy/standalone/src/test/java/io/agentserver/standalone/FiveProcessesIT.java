package io.agentserver.standalone;

import org.junit.jupiter.api.Test;

import java.net.http.HttpClient;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

class FiveProcessesIT extends EndToEndContract {
    @Override
    Platform start(Path home, Map<String, String> settings) {
        return FiveProcesses.start(home, settings);
    }

    @Test
    void a_stream_that_stays_open_while_the_buffer_is_killed_shows_every_slot_once_and_in_order() throws Exception {
        try (HttpClient http = HttpClient.newHttpClient();
                ExecutorService background = Executors.newVirtualThreadPerTaskExecutor()) {
            Client org = Client.ofNewTenant(http, platform(), "watched-org");
            assertThat(org.putOrganism("""
                            organism: {name: test}
                            listeners:
                              - name: alarm
                                description: Rings.
                                handler: builtin:timer
                                payload: {root: Alarm, fields: {After: string, Text: string}}
                                response: {root: Ring, fields: {Text: string}}
                              - name: mirror
                                description: Says it again.
                                handler: builtin:echo
                                payload: {root: Face, fields: {Text: string}}
                            """).statusCode()).isEqualTo(200);
            String thread = accepted(org, "{\"payload\":{\"Alarm\":{\"After\":\"12s\",\"Text\":\"x\"}}}");
            List<Client.Event> seen = new CopyOnWriteArrayList<>();
            Future<?> stream = background.submit(() -> org.follow(thread, Map.of(), seen::add));
            face(org, thread);
            face(org, thread);
            await().untilAsserted(() -> assertThat(ids(seen)).isEqualTo(sequences(3)));

            Future<?> restart = background.submit(() -> ((FiveProcesses) platform()).restart("buffer-service"));
            face(org, thread);
            face(org, thread);
            restart.get(3, TimeUnit.MINUTES);
            stream.get(1, TimeUnit.MINUTES);

            assertThat(seen).extracting(Client.Event::type).containsOnly("slot");
            assertThat(ids(seen)).as("five messages and their answers").isEqualTo(sequences(10));
        }
    }

    private static void face(Client org, String thread) {
        accepted(org, "{\"thread_id\":\"" + thread + "\",\"payload\":{\"Face\":{\"Text\":\"x\"}}}");
    }

    private static String accepted(Client org, String message) {
        HttpResponse<String> accepted = org.post("/v1/messages", "application/json", message, Map.of());
        assertThat(accepted.statusCode()).as(accepted.body()).isEqualTo(202);
        return Client.json(accepted).path("thread_id").stringValue();
    }

    private static List<String> ids(List<Client.Event> events) {
        return events.stream().map(Client.Event::id).toList();
    }

    private static List<String> sequences(int last) {
        return IntStream.rangeClosed(1, last).mapToObj(String::valueOf).toList();
    }
}
