package io.agentserver.buffer.journal;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.agentserver.buffer.commit.Commit;
import io.agentserver.buffer.store.ConversationKey;
import io.agentserver.envelope.TenantId;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The states that this process remembers, bounded by their size. One that is forgotten while in use goes on being right for
 * its user; the store decides between it and its successor. Safe on any thread.
 */
final class ConversationCache {
    private static final Duration IDLE = Duration.ofHours(1);
    private static final int EMPTY_WEIGHT = 1_024;

    private final Cache<ConversationKey, Held> states;

    ConversationCache(long maxBytes) {
        states = Caffeine.newBuilder()
                // its upkeep is a few microseconds: handing that to another thread would cost more
                .executor(Runnable::run)
                .maximumWeight(maxBytes)
                .weigher((ConversationKey key, Held held) -> held.weight)
                .expireAfterAccess(IDLE)
                .build();
    }

    Held get(ConversationKey key) {
        return states.get(key, k -> new Held(new JournalState(k.conversation())));
    }

    /** Without remembering it from now on. */
    Optional<Held> find(ConversationKey key) {
        return Optional.ofNullable(states.getIfPresent(key));
    }

    void forget(TenantId tenant) {
        states.asMap().keySet().removeIf(key -> key.tenant().equals(tenant));
    }

    /** To be called when a state has grown. */
    void weigh(ConversationKey key, Held held) {
        held.weight = (int) Math.min(Integer.MAX_VALUE, EMPTY_WEIGHT + held.state.weight());
        states.asMap().replace(key, held, held);
    }

    /** A state, and the lock that whoever reads or changes it holds. */
    static final class Held {
        final ReentrantLock lock = new ReentrantLock();
        JournalState state;
        private volatile int weight = EMPTY_WEIGHT;
        private boolean confirmed;
        private long confirmedAt;

        private Held(JournalState state) {
            this.state = state;
        }

        /** @param at when the store was asked, as {@link System#nanoTime} counts: the state has all that was there then */
        void confirm(long at) {
            confirmed = true;
            confirmedAt = at;
        }

        /** Whole or not at all: from a state with half a commit, as of a newer buffer's, nothing may be decided. */
        void apply(ConversationKey key, List<Commit> commits) {
            try {
                for (Commit commit : commits) {
                    if (!state.isFollowedBy(commit)) {
                        state = new JournalState(key.conversation()); // what lies between has expired
                    }
                    state.apply(commit);
                }
            } catch (RuntimeException | Error e) {
                forget(key);
                throw e;
            }
        }

        /** The store knows better than we do. */
        void forget(ConversationKey key) {
            state = new JournalState(key.conversation());
            confirmed = false;
        }

        boolean isConfirmedSince(long at) {
            return confirmed && confirmedAt - at >= 0;
        }
    }
}
