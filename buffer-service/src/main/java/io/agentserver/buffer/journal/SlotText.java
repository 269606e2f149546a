package io.agentserver.buffer.journal;

import io.agentserver.buffer.v1.Slot;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What a model reads of a slot: its payload and its note. */
final class SlotText {
    /** An envelope is canonical XML: its first tag is its root's, and an end tag has nothing but its name in it. */
    private static final Pattern ROOT = Pattern.compile("<([^\\s>]*:)?message[\\s>]");

    private SlotText() {}

    /** In chars; a note's and a payload's alike. */
    static long length(Slot slot) {
        return payload(slot.getEnvelope()) + slot.getNote().length();
    }

    private static long payload(String envelope) {
        Matcher root = ROOT.matcher(envelope);
        if (!root.lookingAt()) {
            return envelope.length();
        }
        String prefix = root.group(1) == null ? "" : root.group(1);
        String metaEnd = "</" + prefix + "meta>";
        int meta = envelope.indexOf(metaEnd);
        int end = envelope.length() - ("</" + prefix + "message>").length();
        return meta < 0 ? envelope.length() : Math.max(0, end - meta - metaEnd.length());
    }
}
