package io.agentserver.buffer.journal;

import io.agentserver.buffer.commit.Commit;
import io.agentserver.buffer.store.ConversationKey;
import io.agentserver.buffer.store.ForwardingThreadStore;
import io.agentserver.buffer.store.ThreadStore;

import java.util.ArrayList;
import java.util.List;

/** One of whose copies is away whenever something is to be erased. */
final class HalfErasingStore extends ForwardingThreadStore {
    final List<ConversationKey> erased = new ArrayList<>();

    HalfErasingStore(ThreadStore store) {
        super(store);
    }

    @Override
    public boolean erase(ConversationKey key, Commit erasure) {
        erased.add(key);
        return false;
    }
}
