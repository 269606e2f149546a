package io.agentserver.buffer.store;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.Ticker;
import io.agentserver.buffer.commit.Commit;
import io.agentserver.buffer.store.RecentConversations.Order;
import io.agentserver.buffer.store.RecentConversations.Recent;
import io.agentserver.envelope.TenantId;

import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Remembers pages of a tenant's list of conversations while nothing happens that changes it: people turn pages and programs ask again
 * and again, and each page costs the store below a query of each shard. A page goes as soon as this process begins, moves or erases a
 * conversation of the tenant, or {@link #appended hears} that another has; the list is not remembered again before that has
 * reached the store's index. Should the hint be lost, a page is at most half a minute old. All else is the store's own. Safe on any thread.
 */
public final class ListedThreadStore extends ForwardingThreadStore implements AppendListener {
    private static final Duration KEPT = Duration.ofSeconds(30);
    /** The index follows a commit within a second, mostly; nobody promises it. */
    private static final Duration SETTLES = Duration.ofSeconds(5);

    /** With so many pages of 100 conversations each: some 30 MB, if all of them ask for that within half a minute. */
    private static final int MOST_TENANTS = 500;

    private static final int MOST_PAGES = 8;
    private static final int MOST_CHANGED = 100_000;

    private final Cache<TenantId, Map<Page, RecentConversations>> lists;
    private final Cache<TenantId, Boolean> changed;

    public ListedThreadStore(ThreadStore store) {
        this(store, Ticker.systemTicker());
    }

    ListedThreadStore(ThreadStore store, Ticker ticker) {
        super(store);
        this.lists = Caffeine.newBuilder()
                .ticker(ticker)
                .maximumSize(MOST_TENANTS)
                .expireAfterWrite(KEPT)
                .build();
        this.changed = Caffeine.newBuilder()
                .ticker(ticker)
                .maximumSize(MOST_CHANGED)
                .expireAfterWrite(SETTLES)
                .build();
    }

    private record Page(Order order, int limit, Optional<Recent> from) {}

    @Override
    public RecentConversations recent(TenantId tenant, Order order, int limit, Optional<Recent> from) {
        // taken before the store is asked: what changes meanwhile drops it, and what is put into it then is lost
        Map<Page, RecentConversations> pages = lists.get(tenant, t -> new ConcurrentHashMap<>());
        Page page = new Page(order, limit, from);
        RecentConversations known = pages.get(page);
        if (known != null) {
            return known;
        }
        RecentConversations found = super.recent(tenant, order, limit, from);
        if (changed.getIfPresent(tenant) == null && pages.size() < MOST_PAGES) {
            pages.put(page, found);
        }
        return found;
    }

    @Override
    public boolean append(ConversationKey key, Commit commit, long previousActivityMs) {
        boolean appended = super.append(key, commit, previousActivityMs);
        if (RecentConversations.isMoved(commit.getAtMs(), previousActivityMs) || Erasures.isErasure(commit)) {
            change(key.tenant());
        }
        return appended;
    }

    /** That a conversation has moved is not worth a page. */
    @Override
    public void appended(ConversationKey key, long number, boolean stops) {
        if (number == 1 || stops) {
            change(key.tenant());
        }
    }

    @Override
    public void missed(ConversationKey key, boolean stops) {
        change(key.tenant());
    }

    private void change(TenantId tenant) {
        changed.put(tenant, true);
        lists.invalidate(tenant);
    }

    @Override
    public boolean erase(ConversationKey key, Commit erasure) {
        boolean erased = super.erase(key, erasure);
        change(key.tenant());
        return erased;
    }
}
