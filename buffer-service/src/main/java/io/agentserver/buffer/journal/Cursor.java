package io.agentserver.buffer.journal;

import io.agentserver.buffer.store.RecentConversations.Recent;
import io.agentserver.envelope.ThreadId;

import java.util.Optional;

/** A place in a list of conversations, as text: {@code <activity in ms>-<conversation>}. */
final class Cursor {
    private Cursor() {}

    static String write(Recent at) {
        return at.activityMs() + "-" + at.conversation();
    }

    static Optional<Recent> parse(String text) {
        if (text.isEmpty()) {
            return Optional.empty();
        }
        int at = text.indexOf('-');
        try {
            return Optional.of(new Recent(Long.parseLong(text, 0, at, 10), ThreadId.parse(text.substring(at + 1))));
        } catch (IllegalArgumentException | IndexOutOfBoundsException e) {
            throw new IllegalArgumentException("cursor: <" + text + "> is none; take next_cursor as it came", e);
        }
    }
}
