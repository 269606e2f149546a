package io.agentserver.router;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import tools.jackson.databind.node.ObjectNode;

import java.nio.charset.StandardCharsets;
import java.time.Duration;

import static org.assertj.core.api.Assertions.assertThat;

class TokenCounterTest {
    private final TokenCounter counter = new TokenCounter();

    @Test
    void counts_as_the_encoding_does_and_marks_it_as_an_estimate() {
        Tokens tokens = counter.estimate(request("hello world"), "hello world, again");
        assertThat(tokens).isEqualTo(new Tokens(3 + 4 + 2, 0, 4, true));
    }

    @Test
    @Timeout(30)
    void counts_a_megabyte_without_a_space_in_bounded_time() {
        Stopwatch watch = new Stopwatch();
        assertThat(counter.estimate(request("a".repeat(1_000_000)), "").input()).isBetween(50_000L, 1_000_000L);
        assertThat(watch.elapsed()).isLessThan(Duration.ofSeconds(30));
    }

    private static ChatRequest request(String content) {
        ObjectNode body = Json.object().put("model", "m");
        body.putArray("messages").addObject().put("role", "user").put("content", content);
        return ((ChatRequest.Reading.Read) ChatRequest.read(Json.text(body).getBytes(StandardCharsets.UTF_8)))
                .request();
    }
}
