package io.agentserver.buffer.backup;

import io.agentserver.envelope.TenantId;
import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

class SharedMarksTest {
    private static final TenantId ACME = new TenantId("acme");
    private static final int CALLERS = 20;

    private final AtomicInteger looks = new AtomicInteger();
    private final Semaphore answers = new Semaphore(0);
    private final Set<TenantId> marked = ConcurrentHashMap.newKeySet();

    private final SharedMarks marks = new SharedMarks(() -> {
        Set<TenantId> now = Set.copyOf(marked);
        looks.incrementAndGet();
        answers.acquireUninterruptibly();
        return now;
    });

    @Test
    void all_that_ask_during_a_look_share_the_next_and_none_takes_an_older_one() throws Exception {
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            Future<Boolean> before = threads.submit(() -> marks.has(ACME));
            await().until(() -> looks.get() == 1);
            marked.add(ACME); // that look has not seen it

            List<Future<Boolean>> after = new ArrayList<>();
            for (int i = 0; i < CALLERS; i++) {
                after.add(threads.submit(() -> marks.has(ACME)));
            }
            await().until(() -> marks.waiting() == CALLERS);
            answers.release(2);

            assertThat(before.get()).isFalse();
            for (Future<Boolean> answer : after) {
                assertThat(answer.get()).isTrue();
            }
            assertThat(looks.get()).isEqualTo(2);
        }
    }

    @Test
    void who_asks_alone_has_a_look_of_its_own() {
        answers.release(2);
        assertThat(marks.has(ACME)).isFalse();
        marked.add(ACME);
        assertThat(marks.has(ACME)).isTrue();
    }
}
