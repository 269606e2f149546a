package io.agentserver.buffer.store;

import io.agentserver.buffer.commit.Commit;
import io.agentserver.buffer.store.RecentConversations.Order;
import io.agentserver.buffer.store.RecentConversations.Recent;
import io.agentserver.envelope.Ids;
import io.agentserver.envelope.TenantId;
import org.junit.jupiter.api.Test;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.time.Clock;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

import static org.assertj.core.api.Assertions.assertThat;

class ListedThreadStoreTest extends ThreadStoreContract {
    private final ThreadStore memory = new MemoryThreadStore(RETENTION, Clock.systemUTC());
    private final AtomicInteger asked = new AtomicInteger();
    private final AtomicLong nanoTime = new AtomicLong();
    private final TenantId tenant = new TenantId("listed-" + Ids.v7().toString().substring(24));
    private Runnable duringTheQuestion = () -> {};
    private final ListedThreadStore store = new ListedThreadStore(counted(), nanoTime::get);

    @Override
    protected ThreadStore store() {
        return store;
    }

    @Test
    void asks_for_a_quiet_tenants_page_once() {
        append(conversation(tenant), 1);
        pass(5);
        RecentConversations page = page(10);
        assertThat(page.conversations()).hasSize(1);
        assertThat(page(10)).isEqualTo(page);
        assertThat(asked).hasValue(1);

        page(11);
        store.recent(tenant, Order.OLDEST_FIRST, 10, Optional.empty());
        store.recent(
                tenant,
                Order.NEWEST_FIRST,
                10,
                Optional.of(new Recent(1, conversation(tenant).conversation())));
        store.recent(new TenantId("another"), Order.NEWEST_FIRST, 10, Optional.empty());
        assertThat(asked).as("other pages").hasValue(5);
    }

    @Test
    void asks_again_when_its_process_has_begun_moved_or_erased_a_conversation() {
        ConversationKey key = conversation(tenant);
        append(key, 1);
        pass(5);
        page(10);
        Commit next = commit(2, "x");
        assertThat(store.append(key, next, next.getAtMs())).isTrue();
        page(10);
        assertThat(asked).as("it has not moved").hasValue(1);

        append(conversation(tenant), 1);
        assertThat(page(10).conversations()).hasSize(2);
        page(10);
        assertThat(asked).as("and its index may follow later").hasValue(3);
        pass(5);
        page(10);
        page(10);
        assertThat(asked).hasValue(4);

        Commit moved = commit(3, "y").toBuilder()
                .setAtMs(next.getAtMs() + Duration.ofMinutes(10).toMillis())
                .build();
        assertThat(store.append(key, moved, next.getAtMs())).isTrue();
        page(10);
        assertThat(asked).hasValue(5);
        pass(5);
        page(10);
        store.erase(key, commit(4, ""));
        page(10);
        assertThat(asked).hasValue(7);
    }

    @Test
    void asks_again_when_another_process_has_begun_or_erased_one_and_after_half_a_minute() {
        ConversationKey key = conversation(tenant);
        page(10);
        store.appended(key, 2, false);
        page(10);
        assertThat(asked).hasValue(1);
        store.appended(key, 1, false);
        page(10);
        assertThat(asked).hasValue(2);
        pass(5);
        page(10);
        store.appended(key, 7, true);
        page(10);
        assertThat(asked).hasValue(4);
        pass(5);
        page(10);
        pass(24);
        page(10);
        assertThat(asked).hasValue(5);
        pass(1);
        page(10);
        assertThat(asked).as("should a hint be lost").hasValue(6);
    }

    @Test
    void keeps_no_page_that_a_change_has_overtaken() {
        duringTheQuestion = () -> {
            duringTheQuestion = () -> {};
            append(conversation(tenant), 1);
            pass(5);
        };
        page(10);
        assertThat(page(10).conversations()).hasSize(1);
        assertThat(asked).hasValue(2);
    }

    private RecentConversations page(int limit) {
        return store.recent(tenant, Order.NEWEST_FIRST, limit, Optional.empty());
    }

    private void pass(int seconds) {
        nanoTime.addAndGet(Duration.ofSeconds(seconds).toNanos());
    }

    private ThreadStore counted() {
        return (ThreadStore) Proxy.newProxyInstance(
                ThreadStore.class.getClassLoader(), new Class<?>[] {ThreadStore.class}, (proxy, method, given) -> {
                    try {
                        Object answer = method.invoke(memory, given);
                        if (method.getName().equals("recent")) {
                            asked.incrementAndGet();
                            duringTheQuestion.run();
                        }
                        return answer;
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                });
    }
}
