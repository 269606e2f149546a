package io.agentserver.organism;

import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * One named handler of a tenant, an agent or a tool.
 *
 * @param description leads the tool text that callers see
 * @param payload what it takes
 * @param response the element it answers with; null: it is not declared
 * @param peers whom it may reach; none listed: nobody
 * @param broadcast may share its payload root with others
 * @param boot gets a {@code <boot>} message when a version is activated
 * @param timeout how long one run of the handler may take
 * @param answerWithin how long a service may take that answers later (202); null: it is not said, as long as its conversation
 *     is kept
 * @param retries how often a failed run is repeated
 * @param options free settings of the handler, text to text
 */
public record Listener(
        String name,
        String description,
        boolean agent,
        Handler handler,
        PayloadType payload,
        @Nullable PayloadType response,
        List<Peer> peers,
        boolean broadcast,
        boolean boot,
        Duration timeout,
        @Nullable Duration answerWithin,
        int retries,
        History history,
        Join join,
        Map<String, String> options) {

    /** Names that are the platform's own. */
    public static final Set<String> RESERVED_NAMES = Set.of("core", "system");

    public static final Duration DEFAULT_TIMEOUT = Duration.ofSeconds(30);
    public static final int DEFAULT_RETRIES = 3;

    static final Pattern NAME = Pattern.compile("[A-Za-z][A-Za-z0-9._-]{0,127}");

    public Listener {
        if (!NAME.matcher(name).matches() || RESERVED_NAMES.contains(name)) {
            throw new IllegalArgumentException("'" + name + "' is no listener name; use a letter, then letters, digits,"
                    + " '.', '_', '-', 128 at most, and not core or system");
        }
        if (description.isBlank()) {
            throw new IllegalArgumentException("listener '" + name + "' has no description; say what it does");
        }
        if (!timeout.isPositive() || retries < 0) {
            throw new IllegalArgumentException("listener '" + name + "': timeout " + timeout
                    + " must be positive and retries " + retries + " not negative");
        }
        peers = List.copyOf(peers);
        options = Map.copyOf(options);
    }

    /** Someone this listener may reach; {@code handOver}: a call to it hands the thread over for good. */
    public record Peer(String name, boolean handOver) {}

    /** How much of its thread a handler sees: the last slots, and no more tokens than these. */
    public record History(int slots, int tokens) {

        public static final History DEFAULT = new History(50, 8000);

        public History {
            if (slots < 0 || tokens < 0) {
                throw new IllegalArgumentException(
                        "history of " + slots + " slots and " + tokens + " tokens; neither may be negative");
            }
        }
    }

    /** When an agent with open calls runs again: once all are answered, or at each answer. */
    public enum Join {
        ALL,
        EACH
    }

    public Optional<Peer> peer(String name) {
        return peers.stream().filter(peer -> peer.name().equals(name)).findFirst();
    }
}
