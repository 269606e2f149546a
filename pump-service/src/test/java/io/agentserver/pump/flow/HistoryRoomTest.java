package io.agentserver.pump.flow;

import io.agentserver.envelope.TenantId;
import io.agentserver.pump.testing.Seeds;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class HistoryRoomTest {
    private static final TenantId LOUD = new TenantId("loud");
    private static final TenantId QUIET = new TenantId("quiet");
    private static final Hold HELD = () -> false;

    private final HistoryRoom room = new HistoryRoom(100);

    @Test
    void a_tenant_has_half_of_it_and_waits_for_its_own_alone() throws InterruptedException {
        HistoryRoom.Taken first = room.take(LOUD, 30, HELD);
        List<Long> taken = Collections.synchronizedList(new ArrayList<>());
        Thread next = Thread.ofVirtual().start(() -> {
            try (HistoryRoom.Taken second = room.take(LOUD, 30, HELD)) {
                taken.add(room.taken());
            }
        });
        awaitWaiting(1);
        try (HistoryRoom.Taken other = room.take(QUIET, 40, HELD)) {
            assertThat(room.taken()).isEqualTo(70);
            first.settle(20);
            next.join();
        }
        assertThat(taken).containsExactly(90L);
        first.close();
        assertThat(room.taken()).isZero();
    }

    @Test
    void when_all_is_taken_who_has_nothing_still_comes_and_who_has_its_share_waits() throws InterruptedException {
        List<HistoryRoom.Taken> hogs = new ArrayList<>();
        hogs.add(room.take(LOUD, 50, HELD));
        hogs.add(room.take(new TenantId("as-loud"), 50, HELD));
        Thread third = Thread.ofVirtual().start(() -> room.take(LOUD, 10, HELD).close());
        awaitWaiting(1);

        room.take(QUIET, 20, HELD).close();

        assertThat(third.isAlive()).isTrue();
        hogs.getFirst().close();
        third.join();
        hogs.getLast().close();
        assertThat(room.taken()).isZero();
    }

    @Test
    void more_than_there_is_at_all_comes_by_itself() {
        try (HistoryRoom.Taken all = room.take(LOUD, 1_000, HELD)) {
            assertThat(room.taken()).isEqualTo(100);
            all.settle(1_000);
            assertThat(room.taken())
                    .as("an older buffer gives more than it was asked for")
                    .isEqualTo(1_000);
        }
        assertThat(room.taken()).isZero();
    }

    @Test
    void who_is_let_go_while_it_waits_waits_no_more_and_lets_those_behind_it_come() throws InterruptedException {
        AtomicBoolean letGo = new AtomicBoolean();
        HistoryRoom.Taken first = room.take(LOUD, 40, HELD);
        CountDownLatch gone = new CountDownLatch(1);
        Thread large = Thread.ofVirtual().start(() -> {
            assertThatThrownBy(() -> room.take(LOUD, 50, letGo::get)).isInstanceOf(Patience.LetGo.class);
            gone.countDown();
        });
        awaitWaiting(1);
        Thread small = Thread.ofVirtual().start(() -> room.take(LOUD, 5, HELD).close());
        awaitWaiting(2);
        letGo.set(true);
        gone.await();
        small.join();
        large.join();
        first.close();
        assertThat(room.taken()).isZero();
    }

    @Test
    void nobody_waits_for_ever_and_the_bound_holds() {
        Seeds.each(20, HistoryRoomTest::everybodyComes);
    }

    private static void everybodyComes(Random random) throws InterruptedException {
        HistoryRoom room = new HistoryRoom(100);
        AtomicLong most = new AtomicLong();
        List<Thread> lanes = new ArrayList<>();
        for (int i = 0; i < 60; i++) {
            TenantId tenant = new TenantId("tenant-" + random.nextInt(5));
            long bytes = random.nextInt(130);
            long actual = random.nextInt((int) Math.min(bytes, 100) + 1);
            lanes.add(Thread.ofVirtual().unstarted(() -> {
                try (HistoryRoom.Taken taken = room.take(tenant, bytes, HELD)) {
                    most.accumulateAndGet(room.taken(), Math::max);
                    taken.settle(actual);
                    Thread.onSpinWait();
                }
            }));
        }
        lanes.forEach(Thread::start);
        for (Thread lane : lanes) {
            lane.join();
        }
        assertThat(most).hasValueLessThanOrEqualTo(200);
        assertThat(room.taken()).isZero();
        assertThat(room.waiting()).isZero();
    }

    private void awaitWaiting(int lanes) {
        while (room.waiting() < lanes) {
            Thread.onSpinWait();
        }
    }
}
