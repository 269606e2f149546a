package io.agentserver.organism;

import java.util.List;

/** Where a message goes: to one listener, to several that share a root, or nowhere. */
public sealed interface Route {

    /** To this listener. */
    record One(Listener listener) implements Route {}

    /** A copy to each, in the order of the document; at least two. */
    record Broadcast(List<Listener> listeners) implements Route {
        public Broadcast {
            listeners = List.copyOf(listeners);
        }
    }

    /** To nobody. The reason names the tenant's listeners or roots: it is for its own clients, not for handlers. */
    record None(String reason) implements Route {}
}
