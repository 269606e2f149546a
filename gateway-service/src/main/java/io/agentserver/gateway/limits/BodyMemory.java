package io.agentserver.gateway.limits;

import io.agentserver.service.FairShares;
import jakarta.servlet.http.HttpServletRequest;

/**
 * The memory that the bodies of all requests may take together, each from its first byte until its request is over: without a bound,
 * clients that send slowly, or many at once, would take the whole heap. It is shared as {@link FairShares} says, by tenants and, as one
 * of them, by all who come without an API key. Safe on any thread.
 */
public final class BodyMemory {
    /** Who signs and has no API key, or says so. No tenant's id, as the others below. */
    public static final String STRANGERS = "";

    /** Whoever speaks to the operator's calls: strangers must not keep the operator from limiting them. */
    static final String OPERATOR = "/admin";

    /** Services that answer late, by a token. */
    static final String RESPONDERS = "/v1/respond";

    private static final String SHARE = BodyMemory.class.getName();

    private final FairShares shares;

    /** @param mostBytes of all bodies together */
    public BodyMemory(long mostBytes) {
        this.shares = new FairShares(mostBytes);
    }

    /** What one request holds; to be closed when it is over. Not shared between threads. */
    public final class Share implements AutoCloseable {
        private final String owner;
        private long bytes;

        private Share(String owner) {
            this.owner = owner;
        }

        /** Whether nobody knows yet whose request it is. */
        public boolean isStrangers() {
            return owner.equals(STRANGERS);
        }

        /** False, and nothing taken, if there is no room. */
        public boolean take(long more) {
            boolean taken = shares.take(owner, more);
            bytes += taken ? more : 0;
            return taken;
        }

        /** What was taken and not used. */
        public void giveBack(long less) {
            shares.take(owner, -less);
            bytes -= less;
        }

        @Override
        public void close() {
            giveBack(bytes);
        }
    }

    /** @param owner a tenant's id, or {@link #STRANGERS} */
    public Share share(String owner) {
        return new Share(owner);
    }

    /** Of a request that no filter has seen: one that nobody else can have less for. */
    public static Share of(HttpServletRequest request) {
        return request.getAttribute(SHARE) instanceof Share share
                ? share
                : new BodyMemory(Long.MAX_VALUE).share(STRANGERS);
    }

    static void set(HttpServletRequest request, Share share) {
        request.setAttribute(SHARE, share);
    }

    /** What all bodies hold now, in bytes. */
    public long held() {
        return shares.held();
    }
}
