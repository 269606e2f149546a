package io.agentserver.router;

import io.agentserver.credit.Hold;
import io.agentserver.envelope.MessageId;
import io.agentserver.envelope.ThreadId;
import io.agentserver.router.Route.Target;
import io.agentserver.usage.UsageRecord;
import tools.jackson.databind.node.ObjectNode;

import java.time.Clock;
import java.util.Comparator;

/**
 * Turns what a call used into its usage record. The provider's own count wins; without one, and for what broke off, the
 * tokens are counted here and the record says so. Safe on any thread.
 */
final class Settlement {
    private final KafkaUsageLog log;
    private final PriceList prices;
    private final TokenCounter counter;
    private final RouterMetrics metrics;
    private final Clock clock;

    Settlement(KafkaUsageLog log, PriceList prices, TokenCounter counter, RouterMetrics metrics, Clock clock) {
        this.log = log;
        this.prices = prices;
        this.counter = counter;
        this.metrics = metrics;
        this.clock = clock;
    }

    /** Whether usage can be recorded; if not, nothing may be spent. */
    boolean isOpen() {
        return log.isOpen();
    }

    /**
     * The most that a call is expected to cost: its prompt as counted here and the longest answer, at the dearest of the
     * chain's models. A prompt of images, or one that its model counts in other tokens, may come to more.
     */
    UsageRecord atMost(Call call, Route route) {
        Tokens tokens =
                new Tokens(counter.prompt(call.request()), 0, call.request().maxOutput(route.maxOutput()), true);
        Target dearest = route.chain().stream()
                .max(Comparator.comparingLong(target -> priceAtMost(target, tokens)))
                .orElseThrow();
        return usage(
                call,
                route.name(),
                dearest.backend().provider(),
                dearest.model(),
                tokens,
                false,
                priceAtMost(dearest, tokens));
    }

    /** @param hold what the call holds of its tenant's credit; settled when the log has its usage */
    Open open(Call call, Route route, Target target, int attempts, Holds.Running hold) {
        return new Open(call, route, target, attempts, hold);
    }

    /** A stub used nothing and costs nothing. */
    void recordStub(Call call, Route route) {
        log.append(usage(call, route.name(), "stub", "stub", Tokens.NONE, true, 0));
    }

    /** One call's; used on one thread. */
    final class Open {
        private final Call call;
        private final Route route;
        private final Target target;
        private final int attempts;
        private final Holds.Running hold;
        private final Stopwatch sinceFirstToken = new Stopwatch();
        private boolean settled;

        private Open(Call call, Route route, Target target, int attempts, Holds.Running hold) {
            this.call = call;
            this.route = route;
            this.target = target;
            this.attempts = attempts;
            this.hold = hold;
        }

        /** Records the usage and gives the completion with {@code usage} and {@code agentserver} in it. */
        ObjectNode complete(Completion answer) {
            ObjectNode completion = answer.build();
            Tokens tokens =
                    Tokens.ofUsage(answer.usage()).orElseGet(() -> counter.estimate(call.request(), answer.saidText()));
            long price = settle(tokens, "complete");
            if (tokens.estimated()) {
                completion.set("usage", tokens.toUsage());
            }
            completion
                    .putObject("agentserver")
                    .put("receipt", call.receipt().toString())
                    .put("provider", target.backend().provider())
                    .put("model", target.fullName())
                    .put("attempts", attempts)
                    .put("cost", price)
                    .put("estimated", tokens.estimated());
            return completion;
        }

        /** Records what an unfinished answer has used; nothing happens if the call is settled already. */
        void abandon(Completion answer) {
            if (!settled) {
                settle(counter.estimate(call.request(), answer.saidText()), "broken");
            }
        }

        private long settle(Tokens tokens, String outcome) {
            settled = true;
            String provider = target.backend().provider();
            long price = prices.of(provider, target.model()).of(tokens);
            log.append(
                    usage(call, route.name(), provider, target.model(), tokens, false, price),
                    () -> hold.settle(price));
            metrics.settled(provider, target.model(), outcome, tokens, sinceFirstToken.elapsed());
            return price;
        }
    }

    private long priceAtMost(Target target, Tokens tokens) {
        try {
            return Math.min(
                    prices.of(target.backend().provider(), target.model()).of(tokens), Hold.MOST);
        } catch (ArithmeticException beyondAnyCredit) {
            return Hold.MOST;
        }
    }

    /** What the provider takes is what the tenant pays: there is no margin yet. */
    private UsageRecord usage(
            Call call, String route, String provider, String model, Tokens tokens, boolean stub, long price) {
        Attribution of = call.attribution();
        return new UsageRecord(
                call.receipt(),
                call.tenant().value(),
                of.conversation().map(ThreadId::toString).orElse(null),
                of.thread().map(ThreadId::toString).orElse(null),
                of.message().map(MessageId::toString).orElse(null),
                of.listener().orElse(null),
                route,
                provider,
                model,
                tokens.input(),
                tokens.cachedInput(),
                tokens.output(),
                tokens.estimated(),
                false,
                stub,
                price,
                price,
                clock.instant());
    }
}
