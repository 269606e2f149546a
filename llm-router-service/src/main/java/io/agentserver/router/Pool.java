package io.agentserver.router;

import java.io.IOException;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;

/** A provider with one or several replicas that do the same, each with its own {@link Guard}; they take turns. Safe on any thread. */
final class Pool implements Backend {
    private final String provider;
    private final List<Replica> replicas;
    private final AtomicInteger next = new AtomicInteger();

    Pool(String provider, List<Replica> replicas) {
        this.provider = provider;
        this.replicas = List.copyOf(replicas);
        if (replicas.isEmpty()) {
            throw new IllegalArgumentException("pool " + provider + " has no replica");
        }
    }

    @Override
    public String provider() {
        return provider;
    }

    @Override
    public Optional<URI> address() {
        return replicas.getFirst().backend().address();
    }

    @Override
    public boolean isTenants() {
        return replicas.getFirst().backend().isTenants();
    }

    /** One further for each call. */
    @Override
    public List<Replica> inTurn() {
        int size = replicas.size();
        int first = size == 1 ? 0 : Math.floorMod(next.getAndIncrement(), size);
        List<Replica> turn = new ArrayList<>(size);
        for (int i = 0; i < size; i++) {
            turn.add(replicas.get((first + i) % size));
        }
        return turn;
    }

    @Override
    public Opening open(Request request) throws IOException, InterruptedException {
        return inTurn().getFirst().backend().open(request);
    }
}
