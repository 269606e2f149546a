package io.agentserver.router;

import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

import java.util.ArrayDeque;
import java.util.List;
import java.util.Queue;

/** Chunks that are all there already. One thread at a time. */
final class ListedChunks implements Backend.Chunks {
    private final Queue<ObjectNode> chunks;

    ListedChunks(List<ObjectNode> chunks) {
        this.chunks = new ArrayDeque<>(chunks);
    }

    @Override
    public @Nullable ObjectNode next() {
        return chunks.poll();
    }

    @Override
    public void close() {
        chunks.clear();
    }
}
