package io.agentserver.service;

import io.agentserver.envelope.TenantId;
import org.jetbrains.lincheck.datastructures.ManagedStrategyGuaranteeKt;
import org.jetbrains.lincheck.datastructures.ModelCheckingOptions;
import org.jetbrains.lincheck.datastructures.Operation;
import org.junit.jupiter.api.Test;

import java.util.concurrent.atomic.AtomicInteger;

/**
 * Messages at a gate, their threads changed at every step that touches what they share (Lincheck's model checking): nobody stays
 * outside, and no more are inside than there are places. Parking may end at any time here, so an unpark that comes too early
 * is for {@link FairGateTest}'s real threads to find.
 */
class FairGateInterleavingsTest {
    private static final TenantId LOUD = new TenantId("loud");
    private static final TenantId QUIET = new TenantId("quiet");

    @Test
    void whoever_comes_to_one_place_gets_it_alone() {
        check(OnePlace.class);
    }

    @Test
    void whoever_comes_to_two_places_gets_one() {
        check(TwoPlaces.class);
    }

    private static void check(Class<?> gate) {
        new ModelCheckingOptions()
                .threads(3)
                .actorsPerThread(1)
                .actorsBefore(0)
                .actorsAfter(0)
                .iterations(1)
                .invocationsPerIteration(800)
                .addGuarantee(ManagedStrategyGuaranteeKt.forClasses(
                                "java.util.HashMap",
                                "java.util.PriorityQueue",
                                "java.util.concurrent.atomic.AtomicInteger")
                        .allMethods()
                        .treatAsAtomic())
                .check(gate);
    }

    /** What a visit tells must be what it tells when visits come one after the other: nobody too many. */
    private static final class Gate {
        private final int places;
        private final FairGate<TenantId> gate;
        private final AtomicInteger inside = new AtomicInteger();

        Gate(int places) {
            this.places = places;
            this.gate = new FairGate<>(places, tenant -> tenant.equals(QUIET) ? 2 : 1);
        }

        boolean visit(TenantId tenant) {
            gate.enter(tenant);
            boolean fits = inside.incrementAndGet() <= places;
            inside.decrementAndGet();
            gate.leave();
            return fits;
        }
    }

    public static class OnePlace {
        private final Gate gate = new Gate(1);

        @Operation
        public boolean loud() {
            return gate.visit(LOUD);
        }

        @Operation
        public boolean quiet() {
            return gate.visit(QUIET);
        }
    }

    public static class TwoPlaces {
        private final Gate gate = new Gate(2);

        @Operation
        public boolean loud() {
            return gate.visit(LOUD);
        }

        @Operation
        public boolean quiet() {
            return gate.visit(QUIET);
        }
    }
}
