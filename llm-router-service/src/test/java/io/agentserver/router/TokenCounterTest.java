package io.agentserver.router;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.node.ObjectNode;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;

import static org.assertj.core.api.Assertions.assertThat;

class TokenCounterTest {
    private final TokenCounter counter = new TokenCounter();

    @Test
    void counts_as_the_encoding_does_and_marks_it_as_an_estimate() {
        Tokens tokens = counter.estimate(request("hello world"), 0, "hello world, again");
        assertThat(tokens).isEqualTo(new Tokens(3 + 4 + 2, 0, 4, true));
    }

    /** Else one tenant's long prompts would be all that a router's cores do, before anybody has asked for its credit. */
    @Test
    void lets_others_on_while_it_counts_a_long_text() {
        AtomicInteger pauses = new AtomicInteger();
        TokenCounter counting = new TokenCounter(pauses::incrementAndGet);
        counting.estimate(request("hello world"), 0, "");
        assertThat(pauses).hasValue(0);
        Tokens tokens = counting.estimate(request("one ".repeat(25_000)), 0, "");
        assertThat(tokens.input()).isBetween(25_000L, 25_100L);
        assertThat(pauses).hasValue(9);
    }

    /** Each has a text of over 100 tokens somewhere where a model reads it. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "{'messages':[{'role':'assistant','tool_calls':[{'function':{'name':'f','arguments':'LONG'}}]}]}",
                "{'messages':[{'role':'assistant','function_call':{'name':'f','arguments':'LONG'}}]}",
                "{'messages':[{'role':'assistant','refusal':'LONG'}]}",
                "{'messages':[{'role':'assistant','content':[{'type':'refusal','refusal':'LONG'}]}]}",
                "{'messages':[{'role':'assistant','reasoning_content':'LONG'}]}",
                "{'messages':[{'role':'user','name':'LONG'}]}",
                "{'messages':[{'role':'LONG'}]}",
                "{'messages':[{'role':'user','content':[{'type':'text','text':'LONG'}]}]}",
                "{'messages':[{'role':'user'}],'tools':[{'type':'function','function':{'description':'LONG'}}]}",
                "{'messages':[{'role':'user'}],'functions':[{'name':'f','description':'LONG'}]}",
                "{'messages':[{'role':'user'}],'response_format':{'json_schema':{'schema':{'description':'LONG'}}}}",
                "{'messages':[{'role':'user'}],'documents':[{'text':'LONG'}]}"
            })
    void counts_every_text_that_a_model_reads(String body) {
        String json =
                body.replace('\'', '"').replace("LONG", "one two ".repeat(60)).replaceFirst("\\{", "{\"model\":\"m\",");
        assertThat(counter.texts(read(json))).isBetween(100L, 200L);
    }

    /** In Anthropic's shape: names that mean something at one place are texts like others anywhere else. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "{'messages':[{'role':'user','content':'LONG'}]}",
                "{'messages':[{'role':'user','content':[{'type':'text','text':'LONG'}]}]}",
                "{'messages':[{'role':'assistant','content':[{'type':'tool_use','id':'t','name':'f','input':{'metadata':'LONG'}}]}]}",
                "{'messages':[{'role':'assistant','content':[{'type':'tool_use','id':'t','name':'f','input':{'type':'image','t':'LONG'}}]}]}",
                "{'messages':[{'role':'assistant','content':[{'type':'tool_use','id':'t','name':'f','input':{'type':'LONG'}}]}]}",
                "{'messages':[{'role':'assistant','content':[{'type':'tool_use','id':'t','name':'f','input':{'signature':'LONG'}}]}]}",
                "{'messages':[{'role':'user','content':[{'type':'tool_result','tool_use_id':'t','content':[{'type':'text','text':'LONG'}]}]}]}",
                "{'messages':[{'role':'user','content':'a'}],'tools':[{'name':'f','input_schema':{'properties':{'model':{'description':'LONG'}}}}]}",
                "{'messages':[{'role':'user','content':'a'}],'system':[{'type':'text','text':'LONG'}]}"
            })
    void counts_every_text_in_anthropics_shape(String body) {
        assertThat(counter.texts(anthropic(body.replace("LONG", "one two ".repeat(60)))))
                .isBetween(100L, 200L);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{'messages':[{'role':'user','content':[{'type':'image','source':{'type':'base64','media_type':'image/png','data':'LONG'}}]}]}",
                "{'messages':[{'role':'user','content':[{'type':'tool_result','tool_use_id':'t','content':[{'type':'image','source':{'type':'base64','media_type':'image/png','data':'LONG'}}]}]}]}",
                "{'messages':[{'role':'assistant','content':[{'type':'thinking','thinking':'so','signature':'LONG'}]}]}",
                "{'messages':[{'role':'user','content':'a'}],'metadata':{'user_id':'LONG'}}"
            })
    void counts_nothing_in_anthropics_shape_that_is_no_text(String body) {
        assertThat(counter.texts(anthropic(body.replace("LONG", "one two ".repeat(60)))))
                .isBetween(1L, 50L);
    }

    @Test
    void counts_an_image_as_its_model_does_however_long_its_data_is() {
        String json = "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\","
                + "\"image_url\":{\"url\":\"data:image/png;base64," + "A".repeat(10_000) + "\"}}]}]}";
        assertThat(counter.estimate(read(json), 1_000, "").input()).isEqualTo(1_007);
    }

    @Test
    @Timeout(30)
    void counts_a_megabyte_without_a_space_in_bounded_time() {
        Stopwatch watch = new Stopwatch();
        assertThat(counter.estimate(request("a".repeat(1_000_000)), 0, "").input())
                .isBetween(50_000L, 1_000_000L);
        assertThat(watch.elapsed()).isLessThan(Duration.ofSeconds(30));
    }

    private static ChatRequest anthropic(String body) {
        String json = body.replace('\'', '"').replaceFirst("\\{", "{\"model\":\"m\",\"max_tokens\":9,");
        return ((ChatRequest.Reading.Read) AnthropicRequest.read(json.getBytes(StandardCharsets.UTF_8), null))
                .request();
    }

    private static ChatRequest request(String content) {
        ObjectNode body = Json.object().put("model", "m");
        body.putArray("messages").addObject().put("role", "user").put("content", content);
        return read(Json.text(body));
    }

    private static ChatRequest read(String json) {
        return ((ChatRequest.Reading.Read) ChatRequest.read(json.getBytes(StandardCharsets.UTF_8))).request();
    }
}
