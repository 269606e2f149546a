package io.agentserver.buffer.journal;

import io.agentserver.buffer.commit.Commit;
import io.agentserver.buffer.journal.ConversationCache.Held;
import io.agentserver.buffer.store.ConversationKey;
import io.agentserver.buffer.store.Erasures;
import io.agentserver.buffer.store.ThreadStore;
import io.agentserver.buffer.v1.Conversation;
import io.agentserver.envelope.TenantId;

import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import java.util.function.ToLongFunction;
import java.util.stream.Gatherers;

/**
 * What a list shows of conversations, each as of all that was committed before the call. Of those that this process knows well the
 * store is asked in one go which have grown; of the others nothing is read but the last commit: a page of them whole may be
 * gigabytes. Safe on any thread.
 */
final class Briefs {
    private static final int AT_ONCE = 25;
    /** Since the store was asked for a state: much shorter than commits are kept, or the next one might have gone again. */
    private static final Duration WELL_KNOWN = Duration.ofHours(1);

    private final ThreadStore store;
    private final ConversationCache cache;
    private final ToLongFunction<TenantId> oldestVisibleMs;
    private final Function<ConversationKey, Optional<Conversation>> whole;
    /** Whoever holds it reads a conversation whole. */
    private final ReentrantLock oneWhole = new ReentrantLock();

    /** @param whole reads a conversation from its beginning, for one that an older buffer wrote to last */
    Briefs(
            ThreadStore store,
            ConversationCache cache,
            ToLongFunction<TenantId> oldestVisibleMs,
            Function<ConversationKey, Optional<Conversation>> whole) {
        this.store = store;
        this.cache = cache;
        this.oldestVisibleMs = oldestVisibleMs;
        this.whole = whole;
    }

    /** In their order; without those in which a reader may see nothing. */
    List<Conversation> of(List<ConversationKey> keys) {
        long asked = System.nanoTime();
        confirm(keys, asked);
        return keys.stream()
                .gather(Gatherers.mapConcurrent(
                        AT_ONCE, key -> remembered(key, asked).or(() -> last(key))))
                .flatMap(Optional::stream)
                .toList();
    }

    private void confirm(List<ConversationKey> keys, long asked) {
        Map<ConversationKey, Long> known = new HashMap<>();
        for (ConversationKey key : keys) {
            cache.find(key).ifPresent(held -> {
                held.lock.lock();
                try {
                    // of one so old another process may not know the last commits, and go on from a number of its own
                    if (held.isConfirmedSince(asked - WELL_KNOWN.toNanos())
                            && held.state.lastActivityMs() > oldestVisibleMs.applyAsLong(key.tenant())) {
                        known.put(key, held.state.number());
                    }
                } finally {
                    held.lock.unlock();
                }
            });
        }
        if (known.isEmpty()) {
            return;
        }
        Set<ConversationKey> grown = store.grown(known);
        known.forEach((key, number) -> {
            if (!grown.contains(key)) {
                cache.find(key).ifPresent(held -> confirm(held, number, asked));
            }
        });
    }

    private static void confirm(Held held, long number, long asked) {
        held.lock.lock();
        try {
            if (held.state.number() == number && !held.isConfirmedSince(asked)) {
                held.confirm(asked);
            }
        } finally {
            held.lock.unlock();
        }
    }

    private Optional<Conversation> remembered(ConversationKey key, long asked) {
        return cache.find(key).flatMap(held -> {
            held.lock.lock();
            try {
                return held.isConfirmedSince(asked)
                                && ConversationView.isFound(held.state, oldestVisibleMs.applyAsLong(key.tenant()))
                        ? Optional.of(ConversationView.brief(held.state))
                        : Optional.empty();
            } finally {
                held.lock.unlock();
            }
        });
    }

    private Optional<Conversation> last(ConversationKey key) {
        Optional<Commit> last = store.last(key)
                .filter(commit ->
                        commit.getAtMs() >= oldestVisibleMs.applyAsLong(key.tenant()) && !Erasures.isErasure(commit));
        return last.flatMap(
                commit -> BriefAfter.read(key.conversation(), commit).or(() -> wholeAlone(key)));
    }

    private Optional<Conversation> wholeAlone(ConversationKey key) {
        oneWhole.lock();
        try {
            return whole.apply(key);
        } finally {
            oneWhole.unlock();
        }
    }
}
