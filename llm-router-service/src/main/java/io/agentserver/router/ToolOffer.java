package io.agentserver.router;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** A tool as a system message offers it: {@code <tool name="…"><description/><example><Root>…</Root></example></tool>}. */
record ToolOffer(String name, SmallXml example) {
    private static final String OPEN = "<tools>";
    private static final String CLOSE = "</tools>";

    /** Those in the last {@code <tools>} element of the text: a tenant's own prompt stands before it. */
    static List<ToolOffer> in(String system) {
        int end = system.lastIndexOf(CLOSE);
        int start = end < 0 ? -1 : system.lastIndexOf(OPEN, end);
        if (start < 0) {
            return List.of();
        }
        Optional<SmallXml> block = SmallXml.parse(system.substring(start, end + CLOSE.length()));
        List<ToolOffer> tools = new ArrayList<>();
        block.ifPresent(offers -> {
            for (SmallXml tool : offers.children("tool")) {
                for (SmallXml example : tool.children("example")) {
                    example.onlyChild().ifPresent(root -> tools.add(new ToolOffer(tool.attribute("name"), root)));
                }
            }
        });
        return tools;
    }

    /** The example with this text in each of its text fields. */
    String callWith(String text) {
        return example.filledWith(text);
    }
}
