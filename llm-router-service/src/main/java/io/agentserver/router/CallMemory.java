package io.agentserver.router;

import io.agentserver.envelope.TenantId;
import io.agentserver.service.FairShares;

/**
 * The memory that calls may take together, each from the first byte of its body until it is over: a body is read, and read as
 * JSON, before anybody asks for its tenant's credit, so without a bound one tenant could take the whole heap for nothing. It is
 * shared by tenants as {@link FairShares} says. Safe on any thread.
 */
final class CallMemory {
    /** What a byte of a body takes: as it came, as a tree, and as it goes to a provider. */
    private static final int TIMES = 3;

    /** What a vector takes, as it came and as it goes out: two thousand numbers and some. */
    private static final int VECTOR = 64 * 1024;

    private final FairShares shares;
    private final long most;

    /** @param most bytes of all calls together */
    CallMemory(long most) {
        this.shares = new FairShares(most);
        this.most = most;
    }

    /** One call's; to be closed when it is over. Never more than one tenant alone may have. Not shared between threads. */
    final class Share implements AutoCloseable {
        private final String owner;
        private long taken;
        private long forBody;

        private Share(TenantId tenant) {
            this.owner = tenant.value();
        }

        /** False, and nothing taken, if there is no room for a body of this size. */
        boolean body(long bytes) {
            long before = taken;
            boolean room = take(bytes * TIMES);
            forBody = taken - before;
            return room;
        }

        /** The body has come to this many bytes. */
        void bodyIs(long bytes) {
            long more = Math.max(0, forBody - bytes * TIMES);
            shares.take(owner, -more);
            taken -= more;
            forBody -= more;
        }

        /** False, and nothing taken, if there is no room for an answer of this many vectors. */
        boolean vectors(int vectors) {
            return take((long) vectors * VECTOR);
        }

        private boolean take(long bytes) {
            long more = Math.min(bytes, most / 2 - taken); // so whatever may be sent can be had when all is quiet
            boolean room = shares.take(owner, more);
            taken += room ? more : 0;
            return room;
        }

        @Override
        public void close() {
            shares.take(owner, -taken);
            taken = 0;
        }
    }

    Share share(TenantId tenant) {
        return new Share(tenant);
    }

    /** What all calls hold now, in bytes. */
    long held() {
        return shares.held();
    }
}
