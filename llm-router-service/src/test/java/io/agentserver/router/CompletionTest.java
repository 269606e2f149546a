package io.agentserver.router;

import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

import static org.assertj.core.api.Assertions.assertThat;

class CompletionTest {
    private static final String ONE = """
            {"id":"c","object":"chat.completion","created":5,"model":"m","choices":[
             {"index":0,"message":{"role":"assistant","content":"Hi there","refusal":null,"x_note":"n",
              "tool_calls":[{"id":"t1","type":"function","function":{"name":"f","arguments":"{}"}},
                            {"id":"t2","type":"function","function":{"name":"g","arguments":"[1]"}}]},
              "logprobs":null,"finish_reason":"tool_calls"},
             {"index":1,"message":{"role":"assistant","content":"Ho","refusal":null},"logprobs":null,"finish_reason":"length"}],
            "usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}""";

    @Test
    void taken_apart_and_put_together_is_what_it_was() {
        ObjectNode original = (ObjectNode) Json.read(ONE);
        assertThat(together(Completion.toChunks(original).toArray(new ObjectNode[0])))
                .isEqualTo(original);
    }

    @Test
    void joins_texts_calls_and_probabilities_by_their_index() {
        JsonNode whole = together(
                chunk("{\"role\":\"assistant\",\"content\":\"\"}"),
                chunk("{\"role\":\"assistant\",\"content\":\"He\"}"),
                chunk("{\"content\":\"llo\",\"reasoning_content\":\"hm\"}"),
                chunk(
                        "{\"tool_calls\":[{\"index\":1,\"id\":\"b\",\"type\":\"function\",\"function\":{\"name\":\"g\",\"arguments\":\"{\\\"x\\\"\"}}]}"),
                chunk("{\"tool_calls\":[{\"index\":1,\"function\":{\"arguments\":\":1}\"}}]}"));
        JsonNode message = whole.at("/choices/0/message");
        assertThat(message.path("content").asString()).isEqualTo("Hello");
        assertThat(message.path("role").asString()).isEqualTo("assistant");
        assertThat(message.path("reasoning_content").asString()).isEqualTo("hm");
        assertThat(message.at("/tool_calls/0/id").asString()).isEqualTo("b");
        assertThat(message.at("/tool_calls/0/function/name").asString()).isEqualTo("g");
        assertThat(message.at("/tool_calls/0/function/arguments").asString()).isEqualTo("{\"x\":1}");
    }

    @Test
    void knows_a_token_from_a_mere_beginning() {
        assertThat(Completion.isToken(chunk("{\"role\":\"assistant\",\"content\":\"\"}")))
                .isFalse();
        assertThat(Completion.isToken(chunk("{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[]}")))
                .isFalse();
        assertThat(Completion.isToken(chunk("{\"content\":\"a\"}"))).isTrue();
        assertThat(Completion.isToken(chunk("{\"reasoning_content\":\"a\"}"))).isTrue();
        ObjectNode end = chunk("{}");
        ((ObjectNode) end.at("/choices/0")).put("finish_reason", "stop");
        assertThat(Completion.isToken(end)).isTrue();
    }

    private static ObjectNode chunk(String delta) {
        return (ObjectNode)
                Json.read("{\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,\"delta\":"
                        + delta + ",\"finish_reason\":null}]}");
    }

    private static JsonNode together(ObjectNode... chunks) {
        Completion completion = new Completion();
        for (ObjectNode chunk : chunks) {
            completion.add(chunk);
        }
        return completion.build();
    }
}
