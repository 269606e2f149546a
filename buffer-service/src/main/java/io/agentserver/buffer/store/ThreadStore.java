package io.agentserver.buffer.store;

import io.agentserver.buffer.commit.Commit;
import io.agentserver.envelope.TenantId;

import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;

/**
 * Keeps the commits of conversations. Safe on any thread; calls block. Each throws {@link StoreUnavailableException} if
 * the store is away.
 */
public interface ThreadStore extends AutoCloseable {

    /**
     * The commits from {@code number} on, in order, without gaps between them; empty: none. If the oldest have expired,
     * it begins with the oldest there is, which may be but a place to go on after: a number and a sequence, no changes.
     */
    List<Commit> read(ConversationKey key, long number, Look look);

    /**
     * The last commit, of those that were acknowledged before the call; it may lack envelopes and late answers. Reads nothing of those
     * before it. Empty: there is none.
     */
    Optional<Commit> last(ConversationKey key);

    /**
     * Of several conversations those that have a commit after the one that is known; whichever were acknowledged before the
     * call are found, if the known one is younger than the time that commits are kept. It may name others too.
     *
     * @param known the number of a commit of each; 0: none
     */
    default Set<ConversationKey> grown(Map<ConversationKey, Long> known) {
        return known.keySet();
    }

    /**
     * Writes a commit if its number is the conversation's next: of any number of writers of one number exactly one gets
     * {@code true}. Repeating a write whose outcome is unknown gives {@code false} if it got in.
     *
     * @param previousActivityMs when the commit before it was made; 0: it is the first
     */
    boolean append(ConversationKey key, Commit commit, long previousActivityMs);

    /**
     * Frees what the commits before {@code erasure}, the conversation's last one, hold: nothing of it can be read afterwards, by
     * whatever means. Their numbers stay taken. Repeating it is harmless.
     *
     * @return false: a copy that is away may still hold it
     */
    boolean erase(ConversationKey key, Commit erasure);

    /**
     * Frees what a backup holds of a conversation that was erased, of which the store itself has forgotten that it was. Repeating it is
     * harmless.
     *
     * @param erasedAtMs what begins later stays
     */
    default void eraseBackup(ConversationKey key, long erasedAtMs) {}

    /**
     * Frees what need not be held any longer, where nothing is lost by it. Repeating it is harmless.
     *
     * @return the number of bytes freed
     */
    default long prune(ConversationKey key, Pruning pruning) {
        return 0;
    }

    /** A tenant's conversations; what happened in the last ten minutes may not have reordered them yet. */
    RecentConversations recent(
            TenantId tenant, RecentConversations.Order order, int limit, Optional<RecentConversations.Recent> from);

    /**
     * Hands over every conversation that there is, of all tenants, in no order, once or more often; one that begins or expires meanwhile
     * may be missing. Looks through the whole store, or an index of it: for rare commands.
     */
    void each(Consumer<ConversationKey> taker);

    /**
     * Tells {@code listener} of what any process appends from now on. A hint: it may be missing, late or twice.
     */
    void onAppend(AppendListener listener);

    /**
     * Of those conversations of which a copy close by has something, the number of the last commit that it has. A hint, which costs
     * next to nothing.
     */
    default Map<ConversationKey, Long> lastNumbers(Collection<ConversationKey> keys) {
        return Map.of();
    }

    /**
     * Makes up for what could not be done beside an append: tells listeners in all processes, enters conversations into lists. To be
     * called every now and then.
     */
    default void makeUp() {}

    /** Returns if the store can do its work. */
    void check();

    @Override
    void close();
}
