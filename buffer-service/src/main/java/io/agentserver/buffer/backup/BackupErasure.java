package io.agentserver.buffer.backup;

import io.agentserver.buffer.store.ConversationKey;
import io.agentserver.envelope.TenantId;

/** Forgets in the backup what is forgotten elsewhere. */
public interface BackupErasure {
    /** Where there is no backup. */
    BackupErasure NO_BACKUP = new BackupErasure() {
        @Override
        public boolean erase(ConversationKey key, long atMs) {
            return false;
        }

        @Override
        public long eraseSome(TenantId tenant) {
            return 0;
        }
    };

    /**
     * Erases what of a conversation was there by then, for good. Repeating it is harmless.
     *
     * @return false: there was nothing
     */
    boolean erase(ConversationKey key, long atMs);

    /**
     * Deletes a part of what is a tenant's, for good.
     *
     * @return how many objects and versions of objects went; 0: nothing is left
     */
    long eraseSome(TenantId tenant);
}
