package io.agentserver.router;

import io.agentserver.router.Upstream.Signal;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Optional;
import java.util.Queue;

/**
 * An answer as its backend gives it. Within the route's limits of silence and of time in all; whatever way it ends, its
 * usage is recorded exactly once: complete, broken off, or closed because the caller has gone.
 */
final class LiveCall implements Answer.Live {
    private static final Duration PAUSE = Duration.ofMillis(500); // longer than between two tokens that are shown

    private final Answer.Head head;
    private final Route route;
    private final Upstream upstream;
    private final Queue<ObjectNode> ahead;
    private final Stopwatch sinceArrival;
    private final Settlement.Open settlement;
    private final int answers;
    private final Patience patience;
    private final Completion completion = new Completion();
    private Stopwatch sinceLast = new Stopwatch();
    private Duration silent;
    private boolean over;
    private @Nullable ObjectNode completed;

    /**
     * How long what a provider has sent is waited for when its client has gone.
     *
     * @param usage the usage of an answer that is finished
     * @param all everything else, together
     * @param next between two of them: enough for what has arrived to be read
     */
    record Patience(Duration usage, Duration all, Duration next) {
        static final Patience DEFAULT =
                new Patience(Duration.ofSeconds(1), Duration.ofMillis(200), Duration.ofMillis(10));
    }

    /**
     * @param ahead chunks that were read while waiting for the first token
     * @param silent how long that took
     * @param answers how many were asked for
     */
    LiveCall(
            Answer.Head head,
            Route route,
            Upstream upstream,
            List<ObjectNode> ahead,
            Stopwatch sinceArrival,
            Duration silent,
            int answers,
            Settlement.Open settlement,
            Patience patience) {
        this.head = head;
        this.route = route;
        this.upstream = upstream;
        this.ahead = new ArrayDeque<>(ahead);
        this.sinceArrival = sinceArrival;
        this.silent = silent;
        this.answers = answers;
        this.settlement = settlement;
        this.patience = patience;
        ahead.forEach(completion::add);
    }

    @Override
    public Answer.Head head() {
        return head;
    }

    @Override
    public Answer.Event next(Duration wait) throws InterruptedException {
        ObjectNode early = ahead.poll();
        if (early != null) {
            return new Answer.Event.Chunk(early);
        }
        Duration left = left();
        return switch (poll(left.compareTo(wait) < 0 ? left : wait)) {
            case null -> {
                if (left().isPositive()) {
                    yield new Answer.Event.Quiet();
                }
                if (!sinceLast.left(route.limits().silence()).isPositive()) {
                    upstream.broke("silence");
                }
                yield broken("fell silent or took too long");
            }
            case Signal.Part part -> {
                sinceLast = new Stopwatch();
                completion.add(part.chunk());
                yield sinceArrival.left(route.limits().total()).isPositive()
                        ? new Answer.Event.Chunk(part.chunk())
                        : broken("took too long");
            }
            case Signal.Ended ended -> {
                over = true;
                yield new Answer.Event.End(complete());
            }
            case Signal.Failed failed -> {
                if (!upstream.hasOpened()) {
                    settlement.usedNothing(); // likewise
                }
                upstream.broke(failed.reason());
                yield broken(failed.reason());
            }
            case Signal.Refused refused -> {
                settlement.usedNothing(); // of a call that was left before its provider had said anything
                yield broken("refused the request");
            }
        };
    }

    private ObjectNode complete() {
        ObjectNode whole = settlement.complete(completion);
        completed = whole;
        return whole;
    }

    @Override
    public Optional<ObjectNode> completed() {
        return Optional.ofNullable(completed);
    }

    @Override
    public Duration readWithin() {
        return route.limits().total();
    }

    @Override
    public void close() {
        try {
            if (!over) {
                readWhatIsThere();
            }
        } finally {
            over = true; // who closes it once more finds nothing that came after
            upstream.close();
            settlement.abandon(completion, silent);
        }
    }

    /**
     * What the provider has sent by now is consumed, also what a slow client has not taken. An answer that is finished costs
     * nothing more, so its usage is waited for a moment; everything else is to be cancelled at once.
     */
    private void readWhatIsThere() {
        Stopwatch reading = new Stopwatch();
        try {
            while (true) {
                boolean finished = completion.isFinished(answers);
                Duration left = reading.left(finished ? patience.usage() : patience.all());
                if (!left.isPositive()) {
                    return;
                }
                switch (upstream.poll(finished ? left : patience.next())) {
                    case Signal.Part part -> completion.add(part.chunk());
                    case Signal.Ended ended -> {
                        complete();
                        return;
                    }
                    case null -> {
                        return;
                    }
                    case Signal.Failed failed -> {
                        if (!upstream.hasOpened()) {
                            settlement.usedNothing();
                        }
                        return;
                    }
                    case Signal.Refused refused -> {
                        settlement.usedNothing();
                        return;
                    }
                }
            }
        } catch (InterruptedException stopping) {
            Thread.currentThread().interrupt();
        }
    }

    /** Notes for how long the model was silent; not how long the client took. */
    private @Nullable Signal poll(Duration wait) throws InterruptedException {
        Stopwatch waited = new Stopwatch();
        Signal signal = upstream.poll(wait);
        if (signal == null || waited.elapsed().compareTo(PAUSE) > 0) {
            silent = silent.plus(waited.elapsed());
        }
        return signal;
    }

    private Duration left() {
        Duration silence = sinceLast.left(route.limits().silence());
        Duration total = sinceArrival.left(route.limits().total());
        return silence.compareTo(total) < 0 ? silence : total;
    }

    private Answer.Event broken(String reason) {
        over = true;
        upstream.close();
        settlement.abandon(completion, silent);
        return new Answer.Event.Broken(new Refusal(
                503,
                Refusal.Reason.PROVIDER_BROKEN,
                head.model() + " " + reason + "; its answer is not complete",
                null,
                Refusal.SOON));
    }
}
