package io.agentserver.buffer.journal;

import io.agentserver.buffer.store.ThreadStore;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import java.time.Duration;
import java.time.Instant;

/** What the journal promises, over a store that is not this process' memory: the tests that also run over that, once more. */
abstract class JournalContract {
    abstract ThreadStore store();

    /** By the wall's clock: DynamoDB Local deletes within seconds what has expired by that. */
    private Conversing today() {
        Instant now = Instant.now();
        Conversing talk = new Conversing(store(), Conversing.idOf(now));
        talk.clock.move(Duration.between(talk.clock.instant(), now));
        return talk;
    }

    /** Once for each thread and message; histories by slots, bytes and tokens. */
    @Nested
    class Repeats extends RepeatsTest {
        @Override
        Conversing conversing() {
            return today();
        }
    }

    /** The tree of threads, and what is closed below an ancestor. */
    @Nested
    class Routing extends RoutingTest {
        @Override
        Conversing conversing() {
            return today();
        }
    }

    @Nested
    class Cancelling extends CancelTest {
        @Override
        Conversing conversing() {
            return today();
        }
    }

    @Nested
    class Limiting extends LimitsTest {
        @Override
        Conversing conversing() {
            return today();
        }
    }

    /** After a sequence, of a thread, and as it comes. */
    @Nested
    class Reading extends ReadingTest {
        @Override
        Conversing conversing() {
            return today();
        }
    }

    @Nested
    class RacingProcesses extends RacingProcessesTest {
        @Override
        Conversing conversing() {
            return today();
        }

        @Override
        @ParameterizedTest(name = "seed {0}")
        @MethodSource("fewSeeds")
        void every_turn_ends_and_every_message_takes_effect_once(long seed) {
            super.every_turn_ends_and_every_message_takes_effect_once(seed);
        }
    }
}
