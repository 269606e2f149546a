package io.agentserver.envelope;

/**
 * White space as XML has it (XML 1.0, production 3: blank, tab, line feed, carriage return). Java's own notion is wider: an em space
 * is text to every other reader, and must be to ours.
 */
final class XmlBlanks {
    private XmlBlanks() {}

    static boolean isBlank(String text) {
        return start(text) == text.length();
    }

    /** Without the white space around it. */
    static String strip(String text) {
        int start = start(text);
        int end = text.length();
        while (end > start && isBlank(text.charAt(end - 1))) {
            end--;
        }
        return text.substring(start, end);
    }

    private static int start(String text) {
        int start = 0;
        while (start < text.length() && isBlank(text.charAt(start))) {
            start++;
        }
        return start;
    }

    private static boolean isBlank(char c) {
        return c == ' ' || c == '\t' || c == '\n' || c == '\r';
    }
}
