package io.agentserver.gateway.admission;

import io.agentserver.envelope.Meta;
import io.agentserver.gateway.admission.Admittance.Declined;
import io.agentserver.gateway.callers.Caller;
import io.agentserver.gateway.problems.Problem;
import io.agentserver.gateway.problems.ProblemType;
import io.agentserver.gateway.problems.Refusal;
import io.agentserver.gateway.problems.Unavailable;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;

/**
 * Admits the messages of a batch as if each had come by itself. Those of one thread get onto the log one after the other, in their
 * order: when it is not known of one whether it got there, what comes after it in its thread is not tried. Different threads go side
 * by side, so that the log takes many at once. Blocks until all are answered.
 */
public final class Batches {
    /** Of the whole body, in bytes. */
    public static final int MOST_BYTES = 4 * 1024 * 1024;

    private static final Logger LOG = LoggerFactory.getLogger(Batches.class);

    private final Admission admission;
    private final Executor sideBySide;

    /** @param sideBySide runs what it is given at once, in the context of the request */
    public Batches(Admission admission, Executor sideBySide) {
        this.admission = admission;
        this.sideBySide = sideBySide;
    }

    /**
     * @param caller null: none with an API key, so each envelope must be signed
     * @param idempotencyKey of the whole: a message without an id gets one of the key and its place; null: none was sent
     * @return in the order of the messages
     * @throws Refusal for what is no batch: then nothing of it is on the log
     */
    public List<Admittance> admit(@Nullable Caller caller, byte[] body, @Nullable String idempotencyKey) {
        List<Submission> submissions = admission.readBatch(caller, body);
        Admittance[] admittances = new Admittance[submissions.size()];
        List<CompletableFuture<Void>> threads = new ArrayList<>();
        for (List<Integer> places : byThread(submissions)) {
            threads.add(CompletableFuture.runAsync(
                    () -> {
                        boolean open = true;
                        for (int place : places) {
                            admittances[place] = open
                                    ? admit(caller, submissions.get(place), keyAt(idempotencyKey, place))
                                    : new Declined(Problem.unavailable(
                                            "not tried: an earlier message of its thread may not be on the log"));
                            open = open && !isUnavailable(admittances[place]);
                        }
                    },
                    sideBySide));
        }
        CompletableFuture.allOf(threads.toArray(CompletableFuture[]::new)).join();
        return List.of(admittances);
    }

    /** The places of the messages of each thread; one that begins a thread has an id that says which, or is alone. */
    private static Collection<List<Integer>> byThread(List<Submission> submissions) {
        Map<Object, List<Integer>> places = new LinkedHashMap<>();
        for (int i = 0; i < submissions.size(); i++) {
            Object thread = i;
            if (submissions.get(i) instanceof Submission.Read read) {
                Meta meta = read.document().meta();
                thread = meta.thread() != null ? meta.thread() : meta.id() != null ? meta.id() : thread;
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
        }
    }

    private static boolean isUnavailable(Admittance admittance) {
        return admittance instanceof Declined(Problem problem) && problem.type() == ProblemType.UNAVAILABLE;
    }

    private static @Nullable String keyAt(@Nullable String idempotencyKey, int place) {
        return idempotencyKey == null ? null : idempotencyKey + " " + place; // no client's own key has a space
    }
}
