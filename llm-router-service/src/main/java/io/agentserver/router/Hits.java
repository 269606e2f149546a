package io.agentserver.router;

import io.agentserver.router.Answer.Head;
import tools.jackson.databind.node.ObjectNode;

/** Gives kept answers: each is a call of its own, with a receipt, a usage record and the route's hit price. Safe on any thread. */
final class Hits {
    private final Holds holds;
    private final Settlement settlement;
    private final RouterMetrics metrics;

    Hits(Holds holds, Settlement settlement, RouterMetrics metrics) {
        this.holds = holds;
        this.settlement = settlement;
        this.metrics = metrics;
    }

    Answer give(Call call, Route route, KeptAnswer kept) throws InterruptedException {
        if (!settlement.isOpen()) {
            return new Answer.Refused(
                    Refusal.unavailable("usage cannot be recorded at the moment, so nothing is answered; try again"));
        }
        long price = route.caching().hitPrice();
        return switch (holds.take(call, route, settlement.hit(call, route, kept.head(), price))) {
            case Holds.Taking.Refused refused -> new Answer.Refused(refused.refusal(), refused.minute());
            case Holds.Taking.Taken taken -> {
                long saved = kept.completion().at("/agentserver/cost").asLong(0);
                settlement.recordHit(taken.hold());
                metrics.saved(call.tenant(), saved - price);
                Head head = new Head(
                        call.receipt(),
                        kept.head().provider(),
                        kept.head().model(),
                        0,
                        false,
                        Head.Cache.HIT,
                        taken.hold().minute());
                yield new Answer.Given(new RecordedAnswer(head, completion(call, kept, price)));
            }
        };
    }

    private static ObjectNode completion(Call call, KeptAnswer kept, long price) {
        ObjectNode completion = kept.completion().deepCopy();
        completion
                .putObject("agentserver")
                .put("receipt", call.receipt().toString())
                .put("provider", kept.head().provider())
                .put("model", kept.head().model())
                .put("attempts", 0)
                .put("cost", price)
                .put("estimated", false)
                .put("cached", true);
        return completion;
    }
}
