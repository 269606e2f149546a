package io.agentserver.pump.handler;

/** Text on its way into XML 1.0. */
public final class XmlText {
    private static final int REPLACEMENT = 0xFFFD;

    private XmlText() {}

    /** Fit for an element or an attribute in double quotes. Characters that XML 1.0 has no form for are left out. */
    public static String escape(String text) {
        StringBuilder out = new StringBuilder(text.length() + 16);
        text.codePoints().forEach(c -> {
            switch (c) {
                case '&' -> out.append("&amp;");
                case '<' -> out.append("&lt;");
                case '>' -> out.append("&gt;");
                case '"' -> out.append("&quot;");
                case '\r' -> out.append("&#xD;");
                default -> {
                    if (isXml(c)) {
                        out.appendCodePoint(c);
                    }
                }
            }
        });
        return out.toString();
    }

    /**
     * With U+FFFD for each half of a character (a lone surrogate), which no encoding has a form for. It is not left out: what stood around it
     * would become one word, which nobody has written (<a href="https://www.unicode.org/reports/tr36/#Deletion_of_Noncharacters">UTR 36</a>).
     */
    public static String whole(String text) {
        StringBuilder whole = new StringBuilder(text.length());
        text.codePoints()
                .forEach(c -> whole.appendCodePoint(
                        c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE ? REPLACEMENT : c));
        return whole.toString();
    }

    /** https://www.w3.org/TR/xml/#charsets; lone surrogates are none. */
    private static boolean isXml(int c) {
        return c == '\t' || c == '\n' || (c >= 0x20 && c <= 0xD7FF) || (c >= 0xE000 && c <= 0xFFFD) || c >= 0x10000;
    }
}
