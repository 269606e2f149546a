package io.agentserver.router;

import io.agentserver.envelope.TenantId;

import java.time.Duration;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/**
 * Tells apart why another service has gone while its call was running. A pump that dies, or loses the message to another pump,
 * comes back with the same {@code Idempotency-Key}: the provider is let go on, and its answer is there by then, paid for once. An
 * answer that nobody wants any more is said to be so, to any router, and then the hang-up cancels as any client's does.
 */
final class Unwanted {
    /** Between two looks at Redis, while a caller has gone. */
    private static final Duration LOOK_EVERY = Duration.ofMillis(250);

    /** Beyond the longest call by the routes of now: it may have begun by others. */
    private static final Duration AND_SOME = Duration.ofMinutes(15);

    private final RedisAnswers answers;
    private final Supplier<RouteTable> routes;

    Unwanted(RedisAnswers answers, Supplier<RouteTable> routes) {
        this.answers = answers;
        this.routes = routes;
    }

    /** Idempotent. False: Redis is away. */
    boolean say(TenantId tenant, String idempotencyKey) {
        return answers.markUnwanted(
                OnceOnly.name(tenant, idempotencyKey),
                routes.get().longestTotal().plus(AND_SOME));
    }

    /** The hang-up of a service's call: nothing until its answer is unwanted. */
    HangUp unless(HangUp connection, TenantId tenant, String idempotencyKey) {
        return new HangUp(connection.gone(), new Both(connection, OnceOnly.name(tenant, idempotencyKey)));
    }

    /** Asked on one thread alone. */
    private final class Both implements BooleanSupplier {
        private final HangUp connection;
        private final RedisAnswers.Name name;
        private Stopwatch looked = new Stopwatch();
        private boolean gone;
        private boolean unwanted;

        Both(HangUp connection, RedisAnswers.Name name) {
            this.connection = connection;
            this.name = name;
        }

        @Override
        public boolean getAsBoolean() {
            if (!gone && connection.hasHappened()) {
                gone = true;
                unwanted = answers.isUnwanted(name);
            } else if (gone && !unwanted && looked.left(LOOK_EVERY).isNegative()) {
                looked = new Stopwatch();
                unwanted = answers.isUnwanted(name);
            }
            return unwanted;
        }
    }
}
