package io.agentserver.gateway.openapi;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** HTML in the making. What is not {@link #raw} is escaped. */
final class Html {
    private static final Pattern CODE = Pattern.compile("`([^`]+)`");

    private final StringBuilder out = new StringBuilder(1 << 16);

    Html raw(String html) {
        out.append(html);
        return this;
    }

    Html text(String text) {
        return raw(escaped(text));
    }

    Html element(String name, String text) {
        return raw("<" + name + ">").text(text).raw("</" + name + ">");
    }

    /** What stands in backticks becomes code. */
    Html inline(String text) {
        Matcher code = CODE.matcher(escaped(text));
        return raw(code.replaceAll("<code>$1</code>"));
    }

    /** Of a text with empty lines between them; none of an empty text. */
    Html paragraphs(String text) {
        for (String paragraph : text.strip().split("\n\\s*\n|\n", -1)) {
            if (!paragraph.isBlank()) {
                raw("<p>").inline(paragraph).raw("</p>");
            }
        }
        return this;
    }

    private static String escaped(String text) {
        return text.replace("&", "&amp;")
                .replace("<", "&lt;")
                .replace(">", "&gt;")
                .replace("\"", "&quot;");
    }

    @Override
    public String toString() {
        return out.toString();
    }
}
