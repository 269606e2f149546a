package io.agentserver.pump.flow;

import io.agentserver.pump.testing.Seeds;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

import static org.assertj.core.api.Assertions.assertThat;

@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class LongWaitsTest {
    @Test
    void for_a_long_wait_it_is_done_once_whoever_comes_later() throws InterruptedException {
        LongWaits waits = new LongWaits(Duration.ofMillis(1));
        for (int i = 0; i < 5; i++) { // the thread that looks after them has ended in between, or not
            CountDownLatch done = new CountDownLatch(1);
            AtomicInteger times = new AtomicInteger();
            LongWaits.Wait wait = waits.begin(() -> {
                times.incrementAndGet();
                done.countDown();
            });
            done.await();
            assertThat(wait.end()).isTrue();
            assertThat(times).hasValue(1);
        }
    }

    /** Without a lock: whoever ends, and the thread that looks, must agree on each; and that thread must not end before the last. */
    @Test
    void among_many_at_once_it_is_done_for_each_that_was_long_and_for_no_other() {
        Seeds.each(5, random -> {
            LongWaits waits = new LongWaits(Duration.ofMillis(1));
            List<Thread> lanes = new ArrayList<>();
            Queue<String> wrong = new ConcurrentLinkedQueue<>();
            for (int i = 0; i < 200; i++) {
                long nanos = random.nextInt(3_000_000);
                boolean isWaitedFor = random.nextInt(10) == 0;
                lanes.add(Thread.ofVirtual().unstarted(() -> wait(waits, isWaitedFor, nanos, wrong)));
            }
            lanes.forEach(Thread::start);
            for (Thread lane : lanes) {
                lane.join();
            }
            assertThat(wrong).isEmpty();
        });
    }

    private static void wait(LongWaits waits, boolean isWaitedFor, long nanos, Queue<String> wrong) {
        CountDownLatch done = new CountDownLatch(1);
        AtomicInteger times = new AtomicInteger();
        LongWaits.Wait wait = waits.begin(() -> {
            times.incrementAndGet();
            done.countDown();
        });
        try {
            if (isWaitedFor) {
                done.await(); // for ever, if nobody looks any more
            } else {
                LockSupport.parkNanos(nanos);
            }
            boolean wasLong = wait.end();
            if (wasLong) {
                done.await();
            } else if (times.get() > 0) {
                wrong.add("it was not long, and something was done for it");
            }
            if (isWaitedFor && !wasLong || times.get() > 1) {
                wrong.add("it was long: " + wasLong + ", done " + times + " times");
            }
        } catch (InterruptedException e) {
            wrong.add("interrupted");
        }
    }

    @Test
    void for_a_short_wait_nothing_is_done() {
        LongWaits waits = new LongWaits(Duration.ofHours(1));
        LongWaits.Wait wait = waits.begin(() -> {
            throw new IllegalStateException("an hour has not passed");
        });
        assertThat(wait.end()).isFalse();
    }
}
