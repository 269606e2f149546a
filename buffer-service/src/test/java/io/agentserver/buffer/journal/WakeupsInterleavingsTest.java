package io.agentserver.buffer.journal;

import io.agentserver.buffer.store.ConversationKey;
import io.agentserver.envelope.TenantId;
import io.agentserver.envelope.ThreadId;
import org.jetbrains.lincheck.datastructures.ManagedStrategyGuaranteeKt;
import org.jetbrains.lincheck.datastructures.ModelCheckingOptions;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.verifier.EpsilonVerifier;
import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Who waits for a conversation beside who appends to it, their threads changed at every step that touches what they share
 * (Lincheck's model checking). What is checked is that everybody comes to an end: whoever registers before it looks hears of
 * what it has not seen, and a close ends every wait.
 */
class WakeupsInterleavingsTest {
    private static final int THREADS = 3;
    private static final Duration FOR_EVER = Duration.ofDays(365);
    private static final ConversationKey KEY =
            new ConversationKey(new TenantId("acme"), ThreadId.parse("0199c0de-7a11-7000-8000-000000000001"));

    @Test
    void whoever_registers_before_it_looks_hears_of_every_later_commit() {
        check(Commits.class);
    }

    @Test
    void a_close_ends_every_wait() {
        check(Closing.class);
    }

    /** Each scenario has one call in each thread: two would wait for a third. */
    private static void check(Class<?> who) {
        new ModelCheckingOptions()
                .threads(THREADS)
                .actorsPerThread(1)
                .actorsBefore(0)
                .actorsAfter(0)
                .iterations(1)
                .invocationsPerIteration(1_000)
                .minimizeFailedScenario(false)
                .verifier(EpsilonVerifier.class)
                .addGuarantee(ManagedStrategyGuaranteeKt.forClasses("java.util.concurrent.ConcurrentHashMap")
                        .methods("get", "compute", "computeIfPresent")
                        .treatAsAtomic())
                .check(who);
    }

    public static class Commits {
        private final Wakeups wakeups = new Wakeups();
        private final AtomicLong journal = new AtomicLong();

        /** Appends, and watches until all have, as {@link ConversationWatch} does. */
        @Operation
        public void appendAndWatch() {
            try (Wakeups.Waiter waiter = wakeups.register(KEY)) {
                wakeups.appended(KEY, journal.incrementAndGet(), false);
                long known = journal.get();
                while (known < THREADS) {
                    known = Math.max(known, waiter.await(FOR_EVER));
                }
            }
        }
    }

    public static class Closing {
        private final Wakeups wakeups = new Wakeups();
        private final AtomicLong calls = new AtomicLong();

        @Operation
        public void closeOrWait() {
            if (calls.getAndIncrement() == 0) {
                wakeups.close();
                return;
            }
            try (Wakeups.Waiter waiter = wakeups.register(KEY)) {
                while (!wakeups.isClosed()) {
                    waiter.await(FOR_EVER);
                }
            }
        }
    }
}
