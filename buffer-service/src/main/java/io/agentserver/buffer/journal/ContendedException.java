package io.agentserver.buffer.journal;

import io.agentserver.buffer.store.ConversationKey;

/** Other writers were faster each time; repeating the request is safe. */
public final class ContendedException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    ContendedException(ConversationKey key, int tries) {
        super("conversation " + key.conversation() + " was written by others in each of " + tries
                + " tries, try again");
    }
}
