package io.agentserver.gateway.deadletters;

import io.agentserver.buffer.v1.ReadReply;
import io.agentserver.envelope.Envelope;
import io.agentserver.envelope.EnvelopeNames;
import io.agentserver.envelope.TenantId;
import io.agentserver.gateway.admission.Admission;
import io.agentserver.gateway.admission.Admittance;
import io.agentserver.gateway.admission.Admittance.Declined;
import io.agentserver.gateway.problems.Problem;
import io.agentserver.gateway.problems.ProblemType;
import io.agentserver.gateway.problems.Unavailable;
import io.agentserver.gateway.threads.ThreadBuffer;
import io.agentserver.tenancy.TenantEntry;
import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Sends dead letters again: a client's message as a new one at its thread's end, whose id follows from the dead one's, so that
 * redriving it again makes a repeat (CONTRACTS 4). Blocks on the request's virtual thread; safe on any number of them.
 */
public final class Redrive {
    /** Of one request; what a rate does not let through in this time is for the next one. */
    private static final Duration LONGEST = Duration.ofSeconds(30);

    private final DeadLetters letters;
    private final ThreadBuffer buffer;
    private final Admission admission;
    private final Set<TenantId> running = ConcurrentHashMap.newKeySet();
    private final CountDownLatch stopping = new CountDownLatch(1);

    public Redrive(DeadLetters letters, ThreadBuffer buffer, Admission admission) {
        this.letters = letters;
        this.buffer = buffer;
        this.admission = admission;
    }

    /** What came of one of many. */
    record Outcome(LetterId id, Admittance admittance) {}

    /** @param next null: no more */
    record Batch(List<Outcome> outcomes, @Nullable Places next) {
        Batch {
            outcomes = List.copyOf(outcomes);
        }
    }

    /**
     * Empty: there is no such letter.
     *
     * @throws Unavailable if the log or the journal does not answer
     */
    Optional<Admittance> one(TenantEntry tenant, LetterId id) {
        return letters.find(tenant.tenantId(), id).map(opened -> again(tenant, opened.envelope()));
    }

    /**
     * Those from some places on, the oldest first, so many a second. It ends early where the platform cannot go on, with the
     * places of what is left; one at a time for a tenant and gateway, or the rate would be none.
     *
     * @throws io.agentserver.gateway.problems.Refusal 409 if one is running; 503 if not even the first could be sent
     */
    Batch many(TenantEntry tenant, Places from, int perSecond, int limit) {
        if (!running.add(tenant.tenantId())) {
            throw Problem.of(ProblemType.CONFLICT, "a redrive of many is running already; wait for its answer")
                    .refusal();
        }
        try {
            int most = Math.toIntExact(Math.min(limit, LONGEST.toSeconds() * perSecond));
            return sent(tenant, letters.oldest(tenant.tenantId(), from, most), new Pace(perSecond, System::nanoTime));
        } finally {
            running.remove(tenant.tenantId());
        }
    }

    /** Before the server waits for its requests to end. */
    void stop() {
        stopping.countDown();
    }

    private Batch sent(TenantEntry tenant, DeadLetters.Page page, Pace pace) {
        List<Outcome> outcomes = new ArrayList<>();
        long begun = System.nanoTime();
        for (DeadLetter letter : page.letters()) {
            if (isStopped(pace.next())) {
                if (outcomes.isEmpty()) {
                    throw new Unavailable("the gateway is stopping", null);
                }
                return upTo(outcomes, page);
            }
            // the rate alone does not bound it: log and journal may be slow
            if (!outcomes.isEmpty() && System.nanoTime() - begun > LONGEST.toNanos()) {
                return upTo(outcomes, page);
            }
            Admittance admittance;
            try {
                admittance = one(tenant, letter.id()).orElseGet(() -> new Declined(Problem.notFound()));
            } catch (Unavailable e) {
                if (outcomes.isEmpty()) {
                    throw e;
                }
                return upTo(outcomes, page);
            }
            if (admittance instanceof Declined(Problem problem) && problem.type() == ProblemType.UNAVAILABLE) {
                if (outcomes.isEmpty()) {
                    throw problem.refusal();
                }
                return upTo(outcomes, page);
            }
            outcomes.add(new Outcome(letter.id(), admittance));
        }
        return new Batch(outcomes, page.more() ? page.next() : null);
    }

    /** The first ones of a page: the next page begins with the others. */
    private static Batch upTo(List<Outcome> outcomes, DeadLetters.Page page) {
        Map<Integer, Long> next = new TreeMap<>(page.next().offsets());
        for (DeadLetter left :
                page.letters().subList(outcomes.size(), page.letters().size()).reversed()) {
            next.put(left.id().partition(), left.id().offset());
        }
        return new Batch(outcomes, new Places(next));
    }

    private boolean isStopped(Duration wait) {
        try {
            return stopping.await(wait.toNanos(), TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return true;
        }
    }

    private Admittance again(TenantEntry tenant, @Nullable Envelope dead) {
        if (dead == null) {
            return conflict("the record could not be verified as a message of this tenant's: it cannot be sent again");
        }
        if (!dead.meta().isClients()) {
            return conflict("its thread is closed: it was a step inside its turn, whose caller was answered with a"
                    + " SystemError; send the client's message again");
        }
        if (EnvelopeNames.RESERVED.contains(dead.meta().from())) {
            return conflict("it is the platform's own message; the next version of the organism sends it anew");
        }
        // the journal drops what comes to a closed thread, and an accepted message must not vanish: ask before
        ReadReply conversation = buffer.state(tenant.tenantId(), dead.meta().requiredThread(), Duration.ZERO);
        if (conversation.getErased()) {
            return conflict("its conversation was erased");
        }
        boolean closed = conversation.getConversation().getThreadsList().stream()
                .anyMatch(thread -> thread.getParent().isEmpty() && thread.getClosed());
        return closed ? conflict("its thread is closed") : admission.readmit(tenant, dead);
    }

    private static Admittance conflict(String detail) {
        return new Declined(Problem.of(ProblemType.CONFLICT, detail));
    }
}
