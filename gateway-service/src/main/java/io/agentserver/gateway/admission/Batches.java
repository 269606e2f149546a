package io.agentserver.gateway.admission;

import io.agentserver.envelope.Meta;
import io.agentserver.envelope.ThreadId;
import io.agentserver.gateway.admission.Admittance.Declined;
import io.agentserver.gateway.callers.Caller;
import io.agentserver.gateway.limits.RateLimits;
import io.agentserver.gateway.problems.Problem;
import io.agentserver.gateway.problems.ProblemType;
import io.agentserver.gateway.problems.Refusal;
import io.agentserver.gateway.problems.Unavailable;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.function.Supplier;

/**
 * Admits the messages of a batch as if each had come by itself. Those of one thread get onto the log one after the other, in their
 * order: when one is refused for now, or it is not known whether it got there, what comes after it in its thread is not tried. Different threads go side
 * by side, so that the log takes many at once. Blocks until all are answered.
 */
public final class Batches {
    /** Of the whole body, in bytes. */
    public static final int MOST_BYTES = 4 * 1024 * 1024;

    /** So many bytes of a batch count as a request at least. */
    private static final int BYTES_A_REQUEST = 8 * 1024;

    /** What is over by itself, or by money. */
    private static final Set<ProblemType> PASSING =
            EnumSet.of(ProblemType.UNAVAILABLE, ProblemType.RATE_LIMITED, ProblemType.CREDIT_EXHAUSTED);

    private static final Logger LOG = LoggerFactory.getLogger(Batches.class);

    private final Admission admission;
    private final RateLimits limits;
    private final Supplier<Executor> sideBySide;

    /** @param sideBySide gives what runs work at once, in the context of the request that asks */
    public Batches(Admission admission, RateLimits limits, Supplier<Executor> sideBySide) {
        this.admission = admission;
        this.limits = limits;
        this.sideBySide = sideBySide;
    }

    /**
     * @param caller null: none with an API key, so each envelope must be signed
     * @param idempotencyKey of the whole: a message without an id gets one of the key and its place; null: none was sent
     * @return in the order of the messages
     * @throws Refusal for what is no batch, or over the caller's rate: then nothing of it is on the log
     */
    public List<Admittance> admit(@Nullable Caller caller, byte[] body, @Nullable String idempotencyKey) {
        int bySize = Math.ceilDiv(body.length, BYTES_A_REQUEST);
        take(caller, bySize - 1); // before it costs anything more; one is the request
        List<@Nullable Submission> submissions = new ArrayList<>(admission.readBatch(caller, body));
        take(caller, submissions.size() - Math.max(1, bySize));
        Admittance[] admittances = new Admittance[submissions.size()];
        Executor threadsOfRequest = sideBySide.get();
        List<CompletableFuture<Void>> threads = new ArrayList<>();
        for (List<Integer> places : byThread(caller, submissions)) {
            threads.add(CompletableFuture.runAsync(
                    () -> {
                        ProblemType closed = null;
                        for (int place : places) {
                            admittances[place] = closed == null
                                    ? admit(
                                            caller,
                                            Objects.requireNonNull(submissions.get(place)),
                                            keyAt(idempotencyKey, place))
                                    : new Declined(Problem.of(
                                            closed, "not tried: an earlier message of its thread is not on the log"));
                            submissions.set(place, null); // what was read of all may be much
                            closed = closed == null ? closedBy(admittances[place]) : closed;
                        }
                    },
                    threadsOfRequest));
        }
        CompletableFuture.allOf(threads.toArray(CompletableFuture[]::new)).join();
        return List.of(admittances);
    }

    private void take(@Nullable Caller caller, int requests) {
        Problem tooMany = caller == null || requests < 1 ? null : limits.take(caller, requests);
        if (tooMany != null) {
            throw tooMany.refusal();
        }
    }

    /** The places of the messages of each thread; one that begins a thread has an id that says which, or is alone. */
    private static Collection<List<Integer>> byThread(@Nullable Caller caller, List<@Nullable Submission> submissions) {
        Map<Object, List<Integer>> places = new LinkedHashMap<>();
        for (int i = 0; i < submissions.size(); i++) {
            Object thread = i;
            if (submissions.get(i) instanceof Submission.Read read) {
                Meta meta = read.document().meta();
                if (meta.thread() != null) {
                    thread = meta.thread();
                } else if (meta.id() != null) {
                    thread = caller == null ? meta.id() : ThreadId.ofFirstMessage(caller.tenantId(), meta.id());
                }
            }
            places.computeIfAbsent(thread, _ -> new ArrayList<>()).add(i);
        }
        return places.values();
    }

    private Admittance admit(@Nullable Caller caller, Submission submission, @Nullable String key) {
        try {
            return admission.admit(caller, submission, key);
        } catch (Refusal e) {
            return new Declined(e.problem());
        } catch (Unavailable e) {
            LOG.warn("a message of a batch could not be served: {} ({})", e.getMessage(), String.valueOf(e.getCause()));
            return new Declined(Problem.unavailable(String.valueOf(e.getMessage())));
        } catch (RuntimeException e) {
            LOG.error("a message of a batch failed", e); // what became of the others has to be told all the same
            return new Declined(Problem.unavailable("something went wrong here; whether it got in is not known"));
        }
    }

    /** What a client will send again, and what follows in its thread with it; null: the thread goes on. */
    private static @Nullable ProblemType closedBy(Admittance admittance) {
        return admittance instanceof Declined(Problem problem) && PASSING.contains(problem.type())
                ? problem.type()
                : null;
    }

    private static @Nullable String keyAt(@Nullable String idempotencyKey, int place) {
        return idempotencyKey == null ? null : idempotencyKey + " " + place; // no client's own key has a space
    }
}
