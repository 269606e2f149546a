package io.agentserver.service;

import io.agentserver.envelope.TenantId;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

import static org.assertj.core.api.Assertions.assertThat;

@Timeout(60)
class FairGateTest {
    private static final TenantId LOUD = new TenantId("loud");
    private static final TenantId QUIET = new TenantId("quiet");

    private final List<TenantId> order = Collections.synchronizedList(new ArrayList<>());

    /** Everybody queues while the one place is taken, in the order given; then each goes as the one before leaves. */
    private List<TenantId> orderOf(FairGate<TenantId> gate, List<TenantId> arriving) {
        gate.enter(new TenantId("doorkeeper"));
        try (ExecutorService all = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < arriving.size(); i++) {
                TenantId tenant = arriving.get(i);
                all.execute(() -> {
                    gate.enter(tenant);
                    order.add(tenant);
                    gate.leave();
                });
                while (gate.waiting() <= i) {
                    Thread.onSpinWait();
                }
            }
            gate.leave();
        }
        return order;
    }

    private static List<TenantId> loudFirst(int loud, int quiet) {
        List<TenantId> arriving = new ArrayList<>(Collections.nCopies(loud, LOUD));
        arriving.addAll(Collections.nCopies(quiet, QUIET));
        return arriving;
    }

    @Test
    void whoever_comes_behind_a_crowd_of_another_tenant_does_not_wait_for_it() {
        List<TenantId> served = orderOf(new FairGate<>(1, _ -> 1), loudFirst(500, 3));
        assertThat(served).hasSize(503);
        assertThat(served.lastIndexOf(QUIET)).isLessThan(8);
    }

    @Test
    void places_are_shared_by_weight() {
        List<TenantId> served = orderOf(new FairGate<>(1, tenant -> tenant.equals(QUIET) ? 4 : 1), loudFirst(100, 100));
        assertThat(served.subList(0, 100)).filteredOn(QUIET::equals).hasSizeBetween(75, 85);
    }

    @Test
    void a_tenants_own_messages_go_in_their_order() {
        FairGate<TenantId> gate = new FairGate<>(1, _ -> 1);
        gate.enter(LOUD);
        List<Integer> served = Collections.synchronizedList(new ArrayList<>());
        try (ExecutorService all = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < 100; i++) {
                int number = i;
                all.execute(() -> {
                    gate.enter(LOUD);
                    served.add(number);
                    gate.leave();
                });
                while (gate.waiting() <= i) {
                    Thread.onSpinWait();
                }
            }
            gate.leave();
        }
        assertThat(served).isSorted().hasSize(100);
    }

    @Test
    void no_more_are_inside_than_there_are_places_and_all_get_in() throws Exception {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        int places = 1 + random.nextInt(8);
        FairGate<TenantId> gate =
                new FairGate<>(places, tenant -> 1 + tenant.value().length());
        AtomicInteger inside = new AtomicInteger();
        AtomicInteger most = new AtomicInteger();
        AtomicInteger done = new AtomicInteger();
        try (ExecutorService all = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < 20_000; i++) {
                TenantId tenant = new TenantId("tenant" + "x".repeat(random.nextInt(5)));
                all.execute(() -> {
                    gate.enter(tenant);
                    most.accumulateAndGet(inside.incrementAndGet(), Math::max);
                    LockSupport.parkNanos(1_000);
                    inside.decrementAndGet();
                    gate.leave();
                    done.incrementAndGet();
                });
            }
        }
        assertThat(done).as("seed %d", seed).hasValue(20_000);
        assertThat(most.get()).as("seed %d, places %d", seed, places).isLessThanOrEqualTo(places);
        assertThat(gate.waiting()).isZero();
    }

    @Test
    void who_was_alone_for_long_owes_nothing() {
        FairGate<TenantId> gate = new FairGate<>(1, _ -> 1);
        for (int i = 0; i < 1_000; i++) {
            gate.enter(LOUD);
            gate.leave();
        }
        List<TenantId> served = orderOf(gate, List.of(LOUD, QUIET, LOUD, QUIET));
        assertThat(served).containsExactly(LOUD, QUIET, LOUD, QUIET);
    }
}
