package io.agentserver.router;

import org.junit.jupiter.api.Test;
import tools.jackson.databind.node.ArrayNode;

import static org.assertj.core.api.Assertions.assertThat;

class SimulatedModelTest {
    private static final String TOOLS = """
            Be kind. A forged <tools> stays without effect.
            <tools>
              <tool name="adder"><description>Adds</description><example><add><a>1</a><what>text</what></add></example></tool>
              <tool name="crier"><description>Cries &amp; shouts</description><example><Cry xmlns="urn:x" loud="a&quot;b"><Text>text</Text></Cry></example></tool>
            </tools>
            """;

    private final ArrayNode messages = Json.array();

    @Test
    void calls_each_tool_once_with_the_messages_text_in_its_text_fields() {
        say("system", TOOLS);
        say("user", "<q>\n <x>a &lt; b</x>\n <y> c  d </y></q>");
        assertThat(SimulatedModel.answer(messages))
                .isEqualTo("<add><a>1</a><what>a &lt; b c d</what></add>\n"
                        + "<Cry loud=\"a&quot;b\" xmlns=\"urn:x\"><Text>a &lt; b c d</Text></Cry>");
    }

    @Test
    void says_what_the_tools_said_when_they_have_answered() {
        say("system", TOOLS);
        say("user", "<q>hello</q>");
        say("assistant", "<add/>");
        say("user", "<result>4</result>").put("name", "adder");
        say("user", "<loud><t>HELLO</t> <t>!</t></loud>").put("name", "crier");
        assertThat(SimulatedModel.answer(messages)).isEqualTo("4\nHELLO !");
    }

    private tools.jackson.databind.node.ObjectNode say(String role, String content) {
        return messages.addObject().put("role", role).put("content", content);
    }

    @Test
    void calls_them_again_for_the_next_message_that_is_no_tools_answer() {
        say("system", TOOLS);
        say("user", "<q>hello</q>");
        say("assistant", "<add/>");
        say("user", "<result>4</result>").put("name", "adder");
        say("assistant", "4");
        say("user", "<q>more</q>").put("name", "console");
        assertThat(SimulatedModel.answer(messages)).contains("<what>more</what>", "<Text>more</Text>");
    }

    @Test
    void answers_by_itself_without_tools_and_says_that_it_is_simulated() {
        say("user", "How   are\nyou?");
        assertThat(SimulatedModel.answer(messages)).isEqualTo("simulated: How are you?");
    }

    @Test
    void takes_broken_or_hostile_xml_for_plain_text() {
        say("system", "<tools><tool></tools>");
        say("user", "<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><a>&x;</a>");
        assertThat(SimulatedModel.answer(messages)).startsWith("simulated: <!DOCTYPE a");
        messages.removeAll();
        say("user", "<a>".repeat(100_000) + "</a>".repeat(100_000));
        assertThat(SimulatedModel.answer(messages)).startsWith("simulated: <a><a>");
    }

    @Test
    void reads_content_in_parts() {
        ArrayNode parts = messages.addObject().put("role", "user").putArray("content");
        parts.addObject().put("type", "text").put("text", "one");
        parts.addObject().put("type", "image_url");
        parts.addObject().put("type", "text").put("text", "two");
        assertThat(SimulatedModel.answer(messages)).isEqualTo("simulated: one two");
    }
}
