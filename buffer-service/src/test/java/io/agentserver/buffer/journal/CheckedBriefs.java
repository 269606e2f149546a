package io.agentserver.buffer.journal;

import io.agentserver.buffer.commit.Commit;
import io.agentserver.buffer.store.ConversationKey;
import io.agentserver.buffer.store.ForwardingThreadStore;
import io.agentserver.buffer.store.ThreadStore;

import java.time.Duration;
import java.util.HashMap;
import java.util.Map;

import static org.assertj.core.api.Assertions.assertThat;

/** Fails where a commit that is written says something else of its conversation than all commits do, while none has expired. */
final class CheckedBriefs extends ForwardingThreadStore {
    private final Duration ttl;
    private final Map<ConversationKey, Fold> folds = new HashMap<>();

    CheckedBriefs(ThreadStore store, Duration ttl) {
        super(store);
        this.ttl = ttl;
    }

    private static final class Fold {
        private final JournalState state;
        /** Writers come here in any order. */
        private final Map<Long, Commit> ahead = new HashMap<>();

        private Fold(ConversationKey key) {
            state = new JournalState(key.conversation());
        }
    }

    @Override
    public boolean append(ConversationKey key, Commit commit, long previousActivityMs) {
        boolean appended = super.append(key, commit, previousActivityMs);
        if (appended) {
            check(key, commit);
        }
        return appended;
    }

    private synchronized void check(ConversationKey key, Commit appended) {
        Fold fold = folds.computeIfAbsent(key, Fold::new);
        fold.ahead.put(appended.getNumber(), appended);
        for (Commit next = fold.ahead.remove(fold.state.number() + 1);
                next != null;
                next = fold.ahead.remove(fold.state.number() + 1)) {
            fold.state.apply(next);
            if (fold.state.erasure().isEmpty() && next.getAtMs() - fold.state.createdAtMs() < ttl.toMillis()) {
                assertThat(BriefAfter.read(key.conversation(), next))
                        .as("what %s says", next)
                        .contains(ConversationView.brief(fold.state));
            }
        }
    }
}
