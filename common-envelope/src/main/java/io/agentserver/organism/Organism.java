package io.agentserver.organism;

import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * A tenant's set of listeners, with the bounds of a turn. Comes checked from {@link OrganismParser}; immutable, safe on any
 * thread.
 */
public record Organism(String name, Limits limits, List<Listener> listeners) {

    private static final int MOST_NAMES_IN_A_REASON = 20;

    public Organism {
        listeners = List.copyOf(listeners);
        Set<String> names = new HashSet<>();
        for (Listener listener : listeners) {
            if (!names.add(listener.name())) {
                throw new IllegalArgumentException(
                        "listener '" + listener.name() + "' occurs twice; give each a name of its own");
            }
        }
    }

    /** The bounds of one turn: hops, LLM tokens, and wall time without the waits for people and timers. */
    public record Limits(int hops, long tokens, Duration time) {

        public static final Limits DEFAULT = new Limits(64, 200_000, Duration.ofMinutes(10));

        public Limits {
            if (hops < 1 || tokens < 0 || !time.isPositive()) {
                throw new IllegalArgumentException("limits must be positive: hops " + hops + ", tokens " + tokens
                        + ", time " + time + "; give larger ones");
            }
        }
    }

    /** Bytes that the organism of a document takes in memory, about: reckoned, with its schemas, so that a cache can be bounded. */
    public static int weight(String yaml) {
        return Math.toIntExact(Math.min(Integer.MAX_VALUE, 8 * 1024 + 16L * yaml.length()));
    }

    public Optional<Listener> listener(String name) {
        return listeners.stream()
                .filter(listener -> listener.name().equals(name))
                .findFirst();
    }

    /**
     * Finds who gets a message: {@code to} decides if there is one, else the payload's root element does. Says nothing about
     * whether the sender may reach it, nor whether the payload is valid there.
     */
    public Route route(@Nullable String to, String rootLocalName, String rootNamespace) {
        return to == null ? byRoot(rootLocalName, rootNamespace) : byName(to);
    }

    private Route byName(String to) {
        return listener(to)
                .<Route>map(Route.One::new)
                .orElseGet(() -> new Route.None("unknown listener: " + to + "; known: "
                        + firstOf(listeners.stream().map(Listener::name).toList())));
    }

    private Route byRoot(String localName, String namespace) {
        List<Listener> takers = listeners.stream()
                .filter(listener -> listener.payload().hasRoot(localName, namespace))
                .toList();
        return switch (takers.size()) {
            case 0 ->
                new Route.None("unknown payload root: " + PayloadType.rootText(localName, namespace) + "; known: "
                        + firstOf(listeners.stream()
                                .map(listener -> listener.payload().rootText())
                                .distinct()
                                .toList()));
            case 1 -> new Route.One(takers.getFirst());
            default -> new Route.Broadcast(takers);
        };
    }

    private static String firstOf(List<String> names) {
        String some = names.stream().limit(MOST_NAMES_IN_A_REASON).collect(Collectors.joining(", "));
        if (names.isEmpty()) {
            return "none";
        }
        return names.size() > MOST_NAMES_IN_A_REASON
                ? some + " and " + (names.size() - MOST_NAMES_IN_A_REASON) + " more"
                : some;
    }
}
