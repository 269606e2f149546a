package io.agentserver.router;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.nio.charset.StandardCharsets;

import static org.assertj.core.api.Assertions.assertThat;

class ChatRequestTest {
    /** What credit is held for: of all answers together, whether the request says how long they may be or not. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "'' | 4096",
                "'\"n\":3,' | 12288",
                "'\"max_tokens\":10,' | 10",
                "'\"max_tokens\":10,\"n\":3,' | 30",
                "'\"max_completion_tokens\":7,\"max_tokens\":10,' | 7",
                "'\"max_completion_tokens\":9,\"max_tokens\":8,\"n\":2,' | 16",
                "'\"max_completion_tokens\":null,\"max_tokens\":null,\"n\":null,' | 4096"
            })
    void holds_for_every_answer_that_is_asked_for(String members, long most) {
        String body = "{" + members + "\"model\":\"default\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}";
        assertThat(ChatRequest.read(body.getBytes(StandardCharsets.UTF_8)))
                .isInstanceOfSatisfying(
                        ChatRequest.Reading.Read.class,
                        read -> assertThat(read.request().maxOutput(4096)).isEqualTo(most));
    }
}
