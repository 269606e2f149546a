package io.agentserver.router;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

import java.util.List;

import static org.assertj.core.api.Assertions.assertThat;

/** What Anthropic says, as chunks of OpenAI's shape, put together again. */
class FromAnthropicTest {
    private static final String CALL = "{'type':'tool_use','id':'t1','name':'now','input':{}}";

    @Test
    void a_call_without_arguments_has_an_empty_object_where_anthropic_says_nothing() {
        FromAnthropic streamed = new FromAnthropic(false, 0);
        Completion completion = new Completion();
        for (String event : List.of(
                "{'type':'message_start','message':{'id':'m','model':'c','usage':{'input_tokens':1}}}",
                "{'type':'content_block_start','index':0,'content_block':" + CALL + "}",
                "{'type':'content_block_delta','index':0,'delta':{'type':'input_json_delta','partial_json':''}}",
                "{'type':'content_block_stop','index':0}",
                "{'type':'message_delta','delta':{'stop_reason':'tool_use'},'usage':{'output_tokens':1}}")) {
            ObjectNode chunk = streamed.event(json(event));
            if (chunk != null) {
                completion.add(chunk);
            }
        }
        assertThat(arguments(completion.build())).isEqualTo("{}");

        Completion whole = new Completion();
        new FromAnthropic(false, 0)
                .whole(json("{'id':'m','model':'c','content':[" + CALL + "],'stop_reason':'tool_use','usage':{}}"))
                .forEach(whole::add);
        assertThat(arguments(whole.build())).isEqualTo("{}");
    }

    @Test
    void arguments_that_come_in_pieces_are_those_pieces() {
        FromAnthropic streamed = new FromAnthropic(false, 0);
        Completion completion = new Completion();
        for (String event : List.of(
                "{'type':'content_block_start','index':0,'content_block':" + CALL + "}",
                "{'type':'content_block_delta','index':0,'delta':{'type':'input_json_delta','partial_json':'{\\'a\\':'}}",
                "{'type':'content_block_delta','index':0,'delta':{'type':'input_json_delta','partial_json':'1}'}}",
                "{'type':'content_block_stop','index':0}")) {
            ObjectNode chunk = streamed.event(json(event));
            if (chunk != null) {
                completion.add(chunk);
            }
        }
        assertThat(Json.read(arguments(completion.build()))).isEqualTo(json("{'a':1}"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"end_turn", "refusal"})
    void an_answer_without_content_ends_for_anthropics_clients_as_anthropic_said(String reason) {
        Completion completion = new Completion();
        new FromAnthropic(true, 0)
                .whole(json("{'id':'m','model':'c','content':[],'stop_reason':'" + reason
                        + "','stop_sequence':null,'usage':{}}"))
                .forEach(completion::add);
        ObjectNode message = Json.object();
        AnthropicMessage.end(completion.build().path("choices").path(0), message);
        assertThat(message.path("stop_reason").asString("")).isEqualTo(reason);
        assertThat(message.path("stop_sequence").isNull()).isTrue();
    }

    private static String arguments(JsonNode completion) {
        return completion
                .at("/choices/0/message/tool_calls/0/function/arguments")
                .asString("none");
    }

    private static ObjectNode json(String text) {
        return (ObjectNode) Json.read(text.replace("\\'", "\\\"").replace('\'', '"'));
    }
}
