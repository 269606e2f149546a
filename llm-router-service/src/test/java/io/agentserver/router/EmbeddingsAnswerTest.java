package io.agentserver.router;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.node.ObjectNode;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class EmbeddingsAnswerTest {
    @Test
    void keeps_everything_as_the_provider_wrote_it() throws IOException {
        ObjectNode answer = read("""
                {"object": "list", "data": [
                  {"embedding": [1.50, -2e-7,\t3], "index": 0, "x": {"y": [1]}},
                  {"embedding": "AAAA", "index": 1},
                  {"embedding": [[1.0, 2.0], []], "index": 2}
                ], "usage": {"prompt_tokens": 8}}""");
        assertThat(Json.text(answer)).isEqualTo("""
                {"object":"list","data":[{"embedding":[1.50,-2e-7,3],"index":0,"x":{"y":[1]}},\
                {"embedding":"AAAA","index":1},{"embedding":[[1.0,2.0],[]],"index":2}],"usage":{"prompt_tokens":8}}""");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "[]",
                "{\"data\":[1]}",
                "{\"data\":[{\"embedding\":[1,\"a\"]}]}",
                "{\"data\":[{\"embedding\":[null]}]}",
                "{\"data\":[{\"embedding\":[NaN]}]}",
                "{\"data\":[{\"embedding\":[1,",
                "{\"data\":[{\"embedding\":[1]}]",
                "{\"data\":[],\"error\":{\"message\":\"x\"}}"
            })
    void refuses_what_is_no_such_answer(String json) {
        assertThatThrownBy(() -> read(json)).isInstanceOf(UnusableAnswerException.class);
    }

    @Test
    void reads_so_much_for_each_input_and_no_more() {
        InputStream endless = new InputStream() {
            @Override
            public int read() {
                return ' ';
            }
        };
        assertThatThrownBy(() -> EmbeddingsAnswer.read(endless, 2))
                .isInstanceOf(UnusableAnswerException.class)
                .hasMessage("an answer of more than " + (8 * 1024 * 1024 + 2 * 80 * 1024) + " bytes");
    }

    private static ObjectNode read(String json) throws IOException {
        return EmbeddingsAnswer.read(new ByteArrayInputStream(json.getBytes(StandardCharsets.UTF_8)), 3);
    }
}
