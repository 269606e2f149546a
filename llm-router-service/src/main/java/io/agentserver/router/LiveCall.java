package io.agentserver.router;

import io.agentserver.router.Upstream.Signal;
import tools.jackson.databind.node.ObjectNode;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Queue;

/**
 * An answer as its backend gives it. Within the route's limits of silence and of time in all; whatever way it ends, its
 * usage is recorded exactly once: complete, broken off, or closed because the caller has gone.
 */
final class LiveCall implements Answer.Live {
    private final Answer.Head head;
    private final Route route;
    private final Upstream upstream;
    private final Queue<ObjectNode> ahead;
    private final Stopwatch sinceArrival;
    private final Settlement.Open settlement;
    private final Completion completion = new Completion();
    private Stopwatch sinceLast = new Stopwatch();

    /** @param ahead chunks that were read while waiting for the first token */
    LiveCall(
            Answer.Head head,
            Route route,
            Upstream upstream,
            List<ObjectNode> ahead,
            Stopwatch sinceArrival,
            Settlement.Open settlement) {
        this.head = head;
        this.route = route;
        this.upstream = upstream;
        this.ahead = new ArrayDeque<>(ahead);
        this.sinceArrival = sinceArrival;
        this.settlement = settlement;
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
        return switch (upstream.poll(left.compareTo(wait) < 0 ? left : wait)) {
            case null -> left().isPositive() ? new Answer.Event.Quiet() : broken("fell silent or took too long");
            case Signal.Part part -> {
                sinceLast = new Stopwatch();
                completion.add(part.chunk());
                yield sinceArrival.left(route.limits().total()).isPositive()
                        ? new Answer.Event.Chunk(part.chunk())
                        : broken("took too long");
            }
            case Signal.Ended ended -> new Answer.Event.End(settlement.complete(completion));
            case Signal.Failed failed -> broken(failed.reason());
            case Signal.Refused refused -> throw new IllegalStateException("refused after its first token");
        };
    }

    @Override
    public void close() {
        upstream.close();
        settlement.abandon(completion);
    }

    private Duration left() {
        Duration silence = sinceLast.left(route.limits().silence());
        Duration total = sinceArrival.left(route.limits().total());
        return silence.compareTo(total) < 0 ? silence : total;
    }

    private Answer.Event broken(String reason) {
        upstream.close();
        settlement.abandon(completion);
        return new Answer.Event.Broken(new Refusal(
                503,
                Refusal.Reason.PROVIDER_BROKEN,
                head.model() + " " + reason + "; its answer is not complete",
                null,
                Refusal.SOON));
    }
}
