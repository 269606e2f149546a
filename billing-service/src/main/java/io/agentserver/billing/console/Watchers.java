package io.agentserver.billing.console;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Who looks at conversations as they go on: so many at once of each person and in all, for this port serves Stripe and the
 * gateway too. Whoever is no member any more, or may not, is out within seconds. Safe on any thread.
 */
final class Watchers {
    static final int MOST_OF_ONE = 20;
    private static final int MOST = 1_000;
    private static final Duration LONGEST = Duration.ofMinutes(10);
    /** A busy stream asks the table no more often. */
    private static final Duration BELIEVED = Duration.ofSeconds(2);

    private final Orgs orgs;
    private final Clock clock;
    private final Map<String, Integer> places = new ConcurrentHashMap<>();

    Watchers(Orgs orgs, Clock clock) {
        this.orgs = orgs;
        this.clock = clock;
    }

    /** Empty: this person, or this process, watches as many as it may. */
    Optional<Watching> enter(Visit visit) {
        String person = visit.person().email();
        if (places.values().stream().mapToInt(Integer::intValue).sum() >= MOST) {
            return Optional.empty();
        }
        if (places.merge(person, 1, Integer::sum) > MOST_OF_ONE) {
            leave(person);
            return Optional.empty();
        }
        return Optional.of(new Watching(visit));
    }

    private void leave(String person) {
        places.computeIfPresent(person, (_, count) -> count > 1 ? count - 1 : null);
    }

    /** One stream; used by one thread. Its end gives the place back. */
    final class Watching implements AutoCloseable {
        private final Visit visit;
        private final Instant end;
        private Instant asked;

        private Watching(Visit visit) {
            this.visit = visit;
            this.asked = clock.instant();
            this.end = asked.plus(LONGEST);
        }

        /** The page comes again by itself after ten minutes, with the cookie that it then has. */
        boolean isStillAllowed() {
            Instant now = clock.instant();
            if (now.isAfter(end)) {
                return false;
            }
            if (Duration.between(asked, now).compareTo(BELIEVED) < 0) {
                return true;
            }
            asked = now;
            return orgs.visit(visit.person(), visit.tenant().value())
                    .filter(member -> member.may(Action.SEE_CONVERSATIONS))
                    .isPresent();
        }

        @Override
        public void close() {
            leave(visit.person().email());
        }
    }
}
