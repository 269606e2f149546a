package io.agentserver.buffer.store;

import io.agentserver.envelope.ThreadId;

import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * A page of a tenant's conversations, by when they were last active.
 *
 * @param next where the next page begins; empty: no more
 */
public record RecentConversations(List<Recent> conversations, Optional<Recent> next) {

    private static final long BUCKET_MS = Duration.ofMinutes(10).toMillis();

    public RecentConversations {
        conversations = List.copyOf(conversations);
    }

    /** Whether a commit changes its conversation's place as a list has it, which is up to ten minutes behind. */
    public static boolean isMoved(long atMs, long previousActivityMs) {
        return atMs / BUCKET_MS != previousActivityMs / BUCKET_MS;
    }

    /** @param activityMs about when the conversation was last active, in milliseconds since 1970 */
    public record Recent(long activityMs, ThreadId conversation) implements Comparable<Recent> {

        /** The most recent first; the id breaks ties so that pages neither repeat nor omit. */
        @Override
        public int compareTo(Recent other) {
            int byTime = Long.compare(other.activityMs, activityMs);
            return byTime != 0 ? byTime : other.conversation.toString().compareTo(conversation.toString());
        }
    }

    /** Which of them come first. */
    public enum Order implements Comparator<Recent> {
        NEWEST_FIRST {
            @Override
            public int compare(Recent a, Recent b) {
                return a.compareTo(b);
            }
        },
        OLDEST_FIRST {
            @Override
            public int compare(Recent a, Recent b) {
                return b.compareTo(a);
            }
        };

        /** Whether a page that begins at {@code from} may hold it. */
        public boolean isAtOrAfter(Recent each, Optional<Recent> from) {
            return from.isEmpty() || compare(each, from.get()) >= 0;
        }
    }

    /** The page that {@code sorted}, which holds one more than {@code limit} if there are more, makes. */
    public static RecentConversations page(List<Recent> sorted, int limit) {
        return sorted.size() <= limit
                ? new RecentConversations(sorted, Optional.empty())
                : new RecentConversations(sorted.subList(0, limit), Optional.of(sorted.get(limit)));
    }
}
