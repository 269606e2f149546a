package io.agentserver.router;

import io.agentserver.credit.Minute;
import tools.jackson.databind.node.ObjectNode;

import java.time.Duration;
import java.util.Optional;
import java.util.UUID;

/** What comes of a call. */
sealed interface Answer {
    record Given(Live live) implements Answer {}

    /** @param minute what is left of the tenant's limits, if that is known */
    record Refused(Refusal refusal, Minute minute) implements Answer {
        Refused(Refusal refusal) {
            this(refusal, Minute.UNLIMITED);
        }
    }

    /**
     * What an answer's headers say.
     *
     * @param cache what the cache had to do with it
     * @param minute what its tenant had left of its limits when it began
     */
    record Head(UUID receipt, String provider, String model, int attempts, boolean stub, Cache cache, Minute minute) {
        enum Cache {
            HIT,
            MISS,
            BYPASS
        }

        /** Of one that the cache has not seen. */
        Head(UUID receipt, String provider, String model, int attempts, boolean stub, Minute minute) {
            this(receipt, provider, model, attempts, stub, Cache.BYPASS, minute);
        }

        /** Of one that was given before. */
        Head(UUID receipt, String provider, String model, int attempts, boolean stub) {
            this(receipt, provider, model, attempts, stub, Minute.UNLIMITED);
        }

        Head with(Cache other) {
            return new Head(receipt, provider, model, attempts, stub, other, minute);
        }
    }

    /** What happens next in an answer. */
    sealed interface Event {
        record Chunk(ObjectNode chunk) implements Event {}

        /** Nothing for as long as the caller wanted to wait. */
        record Quiet() implements Event {}

        /**
         * It is complete, and its usage is recorded.
         *
         * @param completion the whole answer as one chat completion, with {@code usage} and {@code agentserver}
         */
        record End(ObjectNode completion) implements Event {}

        /** It broke off, and what was consumed is recorded. Nothing follows. */
        record Broken(Refusal refusal) implements Event {}
    }

    /** An answer being given; used on one thread. Whoever gets one closes it, which cancels what still runs. */
    interface Live extends AutoCloseable {
        Head head();

        /** Not to be called again after {@link Event.End} or {@link Event.Broken}. */
        Event next(Duration wait) throws InterruptedException;

        /** The whole answer, where it has come to its end, be it while it was closed. */
        Optional<ObjectNode> completed();

        /** For how long its client may read it. */
        Duration readWithin();

        @Override
        void close();
    }
}
