package io.agentserver.gateway.limits;

import io.agentserver.gateway.problems.Problem;
import io.agentserver.service.FairShares;
import jakarta.servlet.http.HttpServletRequest;
import org.jspecify.annotations.Nullable;

/**
 * The requests that are not over yet, and how many of them wait for something that may take long: each holds memory until it has
 * its answer, and whoever sends faster than is answered would take the whole heap. Shared as {@link FairShares} says; safe on any
 * thread.
 */
public final class OpenRequests {
    /** What one takes of the heap, at most on the average: buffers of the connection, stacks, and its calls of others (docs/performance.md). */
    public static final int BYTES_EACH = 128 * 1024;

    private static final String PLACE = OpenRequests.class.getName();

    private final FairShares open;
    private final FairShares waiting;

    /**
     * @param most at once; three quarters of them may wait, so that who waits for one thing can ask for another
     */
    public OpenRequests(int most) {
        open = new FairShares(most);
        waiting = new FairShares(most * 3L / 4);
    }

    /** One request's, until it is over. Not shared between threads. */
    public final class Place implements AutoCloseable {
        private final String owner;
        private boolean isThere;
        private @Nullable String waits;

        private Place(String owner) {
            this.owner = owner;
            this.isThere = open.take(owner, 1);
        }

        /** False: there is no room for this request. */
        public boolean isThere() {
            return isThere;
        }

        /**
         * Whether it may wait for long; until it is over.
         *
         * @param tenant whose request it is
         */
        public boolean mayWait(String tenant) {
            if (waits == null && waiting.take(tenant, 1)) {
                waits = tenant;
            }
            return waits != null;
        }

        @Override
        public void close() {
            if (waits != null) {
                waiting.take(waits, -1);
                waits = null;
            }
            if (isThere) {
                open.take(owner, -1);
                isThere = false;
            }
        }
    }

    /** @param owner a tenant's id, or one of {@link BodyMemory}'s */
    public Place enter(String owner) {
        return new Place(owner);
    }

    /** Of a request that no filter has seen: one that nobody else can have less for. */
    public static Place of(HttpServletRequest request) {
        return request.getAttribute(PLACE) instanceof Place place ? place : new OpenRequests(4).enter("");
    }

    static void set(HttpServletRequest request, Place place) {
        request.setAttribute(PLACE, place);
    }

    /** That there is no room for one more. */
    public static Problem full() {
        return Problem.unavailable("this gateway has as many requests open as it has memory for; try again");
    }

    /** How many there are now. */
    public long open() {
        return open.held();
    }

    /** How many of them wait. */
    public long waiting() {
        return waiting.held();
    }
}
