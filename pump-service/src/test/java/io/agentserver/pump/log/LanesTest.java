package io.agentserver.pump.log;

import io.agentserver.pump.flow.LogMessage;
import io.agentserver.pump.log.Intake.Bound;
import io.agentserver.pump.log.Intake.Slice;
import io.agentserver.pump.testing.Seeds;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

class LanesTest {
    private static final String TOPIC = "messages.demo";
    private static final Slice ZERO = new Slice(TOPIC, 0);
    private static final Bound ROOMY = new Bound(10_000, Long.MAX_VALUE);

    @Test
    void keeps_the_logs_order_in_each_thread_and_one_message_at_a_time() {
        Seeds.each(60, LanesTest::keepsOrder);
    }

    private static void keepsOrder(Random random) throws InterruptedException {
        int count = 1 + random.nextInt(120);
        Map<String, Queue<Long>> handled = new ConcurrentHashMap<>();
        Set<String> busy = ConcurrentHashMap.newKeySet();
        Queue<String> overlaps = new ConcurrentLinkedQueue<>();
        Lanes lanes = new Lanes(
                (message, hold) -> {
                    String lane = message.partition() + "/" + new String(message.key(), StandardCharsets.UTF_8);
                    if (!busy.add(lane)) {
                        overlaps.add(lane);
                    }
                    Thread.onSpinWait();
                    handled.computeIfAbsent(lane, _ -> new ConcurrentLinkedQueue<>())
                            .add(message.offset());
                    busy.remove(lane);
                    return true;
                },
                new Intake(ROOMY, ROOMY, ROOMY));
        Map<String, List<Long>> expected = new HashMap<>();
        long[] next = new long[3];
        for (int i = 0; i < count; i++) {
            int partition = random.nextInt(3);
            String thread = "t" + random.nextInt(4);
            long offset = next[partition]++;
            expected.computeIfAbsent(partition + "/" + thread, _ -> new ArrayList<>())
                    .add(offset);
            lanes.add(message(partition, offset, thread));
        }

        assertThat(lanes.awaitIdle(Duration.ofSeconds(10))).isTrue();
        assertThat(overlaps).isEmpty();
        expected.forEach((lane, offsets) -> assertThat(handled.get(lane)).containsExactlyElementsOf(offsets));
        for (int partition = 0; partition < 3; partition++) {
            Slice slice = new Slice(TOPIC, partition);
            if (next[partition] > 0) {
                assertThat(lanes.committable()).containsEntry(slice, next[partition]);
            }
            assertThat(lanes.inFlight(slice)).isZero();
        }
    }

    @Test
    void what_is_detached_holds_up_neither_its_lane_nor_the_commit_and_still_counts() throws InterruptedException {
        CountDownLatch isDetached = new CountDownLatch(1);
        CountDownLatch slow = new CountDownLatch(1);
        CountDownLatch next = new CountDownLatch(1);
        List<Boolean> letGo = new ArrayList<>();
        Intake intake = new Intake(new Bound(2, 1_000), new Bound(3, 1_000), ROOMY);
        Lanes lanes = new Lanes(
                (message, hold) -> {
                    if (message.offset() == 0) {
                        hold.detach();
                        hold.detach();
                        isDetached.countDown();
                        await(slow);
                        letGo.add(hold.isLetGo());
                    } else {
                        next.countDown();
                    }
                    return true;
                },
                intake);
        lanes.add(message(0, 0, "t"));
        lanes.add(message(0, 1, "t"));
        isDetached.await();
        next.await();
        while (lanes.count() > 0) {
            Thread.onSpinWait();
        }
        assertThat(lanes.committable()).containsEntry(ZERO, 2L);
        assertThat(lanes.inFlight(ZERO)).isZero();
        assertThat(lanes.detached()).isEqualTo(1);
        assertThat(intake.messages()).isEqualTo(1);
        assertThat(lanes.awaitIdle(Duration.ofMillis(1))).isFalse();

        lanes.letGo(ZERO); // the partition goes, its work goes on
        slow.countDown();
        assertThat(lanes.awaitIdle(Duration.ofSeconds(10))).isTrue();
        assertThat(letGo).containsExactly(false);
        assertThat(intake.messages()).isZero();
    }

    @Test
    @Timeout(60)
    void whose_partition_goes_is_told_at_once_and_what_is_detached_when_all_stops() throws InterruptedException {
        CountDownLatch running = new CountDownLatch(2);
        Map<Long, CountDownLatch> told = Map.of(0L, new CountDownLatch(1), 1L, new CountDownLatch(1));
        Lanes lanes = new Lanes(
                (message, hold) -> {
                    CountDownLatch mine = requireNonNull(told.get(message.offset()));
                    hold.whenLetGo(() -> {
                        throw new IllegalStateException("a later one took its place");
                    });
                    hold.whenLetGo(mine::countDown);
                    if (message.offset() == 1) {
                        hold.detach();
                    }
                    running.countDown();
                    await(mine);
                    hold.whenLetGo(running::countDown); // too late: it is told at once
                    return !hold.isLetGo();
                },
                new Intake(ROOMY, ROOMY, ROOMY));
        lanes.add(message(0, 0, "a"));
        lanes.add(message(0, 1, "b"));
        running.await();

        lanes.letGo(ZERO);
        requireNonNull(told.get(0L)).await();
        while (lanes.count() > 0) {
            Thread.onSpinWait();
        }
        assertThat(requireNonNull(told.get(1L)).getCount())
                .as("it is not on the log")
                .isEqualTo(1);

        lanes.stop();
        requireNonNull(told.get(1L)).await();
        assertThat(lanes.awaitIdle(Duration.ofSeconds(10))).isTrue();
        assertThat(lanes.detached()).isZero();
    }

    @Test
    void a_slow_thread_holds_up_no_other_and_holds_back_the_commit() throws InterruptedException {
        CountDownLatch slow = new CountDownLatch(1);
        CountDownLatch others = new CountDownLatch(5);
        Lanes lanes = new Lanes(
                (message, hold) -> {
                    if (message.offset() == 0) {
                        await(slow);
                    } else {
                        others.countDown();
                    }
                    return true;
                },
                new Intake(ROOMY, ROOMY, ROOMY));
        lanes.add(message(0, 0, "slow"));
        for (int i = 1; i <= 5; i++) {
            lanes.add(message(0, i, "t" + i));
        }

        others.await();
        assertThat(lanes.committable()).containsEntry(ZERO, 0L);
        slow.countDown();
        assertThat(lanes.awaitIdle(Duration.ofSeconds(10))).isTrue();
        assertThat(lanes.committable()).containsEntry(ZERO, 6L);
    }

    @Test
    void knows_when_the_log_took_the_oldest_that_is_not_finished() throws InterruptedException {
        Map<Long, CountDownLatch> ends = Map.of(0L, new CountDownLatch(1), 1L, new CountDownLatch(1));
        Lanes lanes = new Lanes(
                (message, hold) -> {
                    CountDownLatch end = ends.get(message.offset());
                    if (end != null) {
                        await(end);
                    }
                    return true;
                },
                new Intake(ROOMY, ROOMY, ROOMY));
        assertThat(lanes.oldest(ZERO)).isEmpty();
        lanes.add(message(0, 0, "a", 1_000));
        lanes.add(message(0, 1, "b", 2_000));
        lanes.add(message(0, 2, "b", 3_000));
        assertThat(lanes.oldest(ZERO)).hasValue(1_000);

        requireNonNull(ends.get(0L)).countDown();
        while (lanes.oldest(ZERO).orElse(0) == 1_000) {
            Thread.onSpinWait();
        }
        assertThat(lanes.oldest(ZERO)).hasValue(2_000);

        requireNonNull(ends.get(1L)).countDown();
        assertThat(lanes.awaitIdle(Duration.ofSeconds(10))).isTrue();
        assertThat(lanes.oldest(ZERO)).isEmpty();
    }

    @Test
    void what_was_let_go_is_neither_handled_nor_committed() throws InterruptedException {
        CountDownLatch started = new CountDownLatch(1);
        CountDownLatch running = new CountDownLatch(1);
        Queue<Long> handled = new ConcurrentLinkedQueue<>();
        Lanes lanes = new Lanes(
                (message, hold) -> {
                    started.countDown();
                    await(running);
                    handled.add(message.offset());
                    return !hold.isLetGo();
                },
                new Intake(ROOMY, ROOMY, ROOMY));
        lanes.add(message(0, 0, "a"));
        lanes.add(message(0, 1, "a"));
        started.await();

        lanes.letGo(ZERO);
        running.countDown();

        assertThat(lanes.awaitIdle(Duration.ofSeconds(10))).isTrue();
        assertThat(handled).containsExactly(0L);
        assertThat(lanes.committable()).isEmpty();
        assertThat(lanes.inFlight(ZERO)).isZero();
    }

    @Test
    void a_message_that_throws_is_handled_again_before_any_later_one_of_its_thread() throws InterruptedException {
        Queue<Long> handled = new ConcurrentLinkedQueue<>();
        Deque<Runnable> failures = new ArrayDeque<>(List.of(
                () -> {
                    throw new OutOfMemoryError("a test's");
                },
                () -> {
                    throw new IllegalStateException("a test's");
                }));
        Lanes lanes = new Lanes(
                (message, hold) -> {
                    Runnable failure = message.offset() == 0 ? failures.poll() : null;
                    if (failure != null) {
                        failure.run();
                    }
                    return handled.add(message.offset());
                },
                new Intake(ROOMY, ROOMY, ROOMY));
        lanes.add(message(0, 0, "a"));
        lanes.add(message(0, 1, "a"));

        assertThat(lanes.awaitIdle(Duration.ofSeconds(10))).isTrue();
        assertThat(handled).containsExactly(0L, 1L);
        assertThat(lanes.committable()).containsEntry(ZERO, 2L);
        assertThat(lanes.inFlight(ZERO)).isZero();
    }

    @Test
    void a_message_that_throws_for_ever_ends_with_its_hold() throws InterruptedException {
        CountDownLatch tries = new CountDownLatch(2);
        Lanes lanes = new Lanes(
                (message, hold) -> {
                    tries.countDown();
                    throw new StackOverflowError("a test's");
                },
                new Intake(ROOMY, ROOMY, ROOMY));
        lanes.add(message(0, 0, "a"));
        tries.await();
        assertThat(lanes.committable()).containsEntry(ZERO, 0L);

        lanes.letGo(ZERO);
        assertThat(lanes.awaitIdle(Duration.ofSeconds(10))).isTrue();
        assertThat(lanes.inFlight(ZERO)).isZero();
    }

    @Test
    void a_log_that_goes_back_begins_its_partition_anew() throws InterruptedException {
        Queue<Long> handled = new ConcurrentLinkedQueue<>();
        Lanes lanes = new Lanes((message, hold) -> handled.add(message.offset()), new Intake(ROOMY, ROOMY, ROOMY));
        lanes.add(message(0, 7, "a"));
        assertThat(lanes.awaitIdle(Duration.ofSeconds(10))).isTrue();
        Map<Slice, Long> acknowledgedLate = lanes.committable();

        lanes.add(message(0, 3, "a")); // its end was lost
        lanes.committed(acknowledgedLate);

        assertThat(lanes.awaitIdle(Duration.ofSeconds(10))).isTrue();
        assertThat(handled).containsExactly(7L, 3L);
        assertThat(lanes.committable()).containsEntry(ZERO, 4L);
    }

    @Test
    void a_full_partition_stays_full_until_an_eighth_of_its_bound_is_finished() {
        Intake intake = new Intake(new Bound(16, 1_000), ROOMY, ROOMY);
        for (int i = 0; i < 16; i++) {
            intake.take(ZERO, 10);
        }
        assertThat(intake.isFull(ZERO)).isTrue();
        assertThat(intake.isFull(new Slice(TOPIC, 1))).isFalse();
        intake.release(ZERO, 10);
        assertThat(intake.isFull(ZERO)).isTrue();
        intake.release(ZERO, 10);
        assertThat(intake.isFull(ZERO)).isFalse();
    }

    @Test
    void a_partition_that_is_full_of_bytes_stays_full_until_an_eighth_of_them_is_finished() {
        Intake intake = new Intake(new Bound(100, 160), ROOMY, ROOMY);
        for (int i = 0; i < 16; i++) {
            intake.take(ZERO, 10);
        }
        assertThat(intake.isFull(ZERO)).isTrue();
        intake.release(ZERO, 10);
        assertThat(intake.isFull(ZERO)).isTrue();
        intake.release(ZERO, 10);
        assertThat(intake.isFull(ZERO)).isFalse();
    }

    @Test
    void a_bound_of_one_is_free_when_that_one_is_finished() {
        Intake intake = new Intake(new Bound(1, 1_000), ROOMY, ROOMY);
        intake.take(ZERO, 10);
        assertThat(intake.isFull(ZERO)).isTrue();
        intake.release(ZERO, 10);
        assertThat(intake.isFull(ZERO)).isFalse();
    }

    @Test
    void one_tenants_flood_fills_its_own_partitions_alone() {
        Intake intake = new Intake(new Bound(10, 1_000), new Bound(12, 1_000), new Bound(100, 10_000));
        for (int i = 0; i < 12; i++) {
            intake.take(new Slice("messages.noisy", i % 4), 10);
        }
        assertThat(intake.isFull(new Slice("messages.noisy", 3))).isTrue();
        assertThat(intake.isFull(new Slice("messages.quiet", 0))).isFalse();
    }

    @Test
    void when_all_is_full_those_below_their_share_still_get_in_but_not_for_ever() {
        Slice heavy = new Slice("messages.heavy", 0);
        Slice light = new Slice("messages.light", 0);
        Intake intake = new Intake(ROOMY, ROOMY, new Bound(100, 100_000), topic -> topic.endsWith("heavy") ? 3 : 1);
        for (int i = 0; i < 100; i++) {
            intake.take(heavy, 10);
        }
        assertThat(intake.isFull(heavy)).isTrue();
        for (int i = 0; i < 25; i++) {
            assertThat(intake.isFull(light)).as("message %d of its quarter", i).isFalse();
            intake.take(light, 10);
        }
        assertThat(intake.isFull(light)).isTrue();

        for (int tenant = 0; tenant < 200 && !intake.isFull(new Slice("messages.t" + tenant, 0)); tenant++) {
            while (!intake.isFull(new Slice("messages.t" + tenant, 0))) {
                intake.take(new Slice("messages.t" + tenant, 0), 10);
            }
        }
        assertThat(intake.messages()).isEqualTo(200);
        assertThat(intake.isFull(new Slice("messages.last", 0))).isTrue();
    }

    @Test
    void bytes_fill_a_partition_too() {
        Intake intake = new Intake(new Bound(100, 50), ROOMY, ROOMY);
        intake.take(ZERO, 60);
        assertThat(intake.isFull(ZERO)).isTrue();
    }

    private static LogMessage message(int partition, long offset, String thread) {
        return message(partition, offset, thread, 0);
    }

    private static LogMessage message(int partition, long offset, String thread, long appendedAtMs) {
        return new LogMessage(
                TOPIC,
                partition,
                offset,
                appendedAtMs,
                thread.getBytes(StandardCharsets.UTF_8),
                new byte[10],
                null,
                null);
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }
}
