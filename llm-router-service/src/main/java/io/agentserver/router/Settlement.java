package io.agentserver.router;

import io.agentserver.envelope.MessageId;
import io.agentserver.envelope.ThreadId;
import io.agentserver.router.Route.Target;
import io.agentserver.usage.UsageRecord;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.node.ObjectNode;

import java.time.Clock;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.random.RandomGenerator;

/**
 * Turns what a call used into its usage record. The provider's own count wins, up to what it is believed; without one, and
 * for what broke off, the tokens are counted here. Where the number is not the provider's the record says so. Safe on any thread.
 */
final class Settlement {
    private static final Logger LOG = LoggerFactory.getLogger(Settlement.class);

    /** Tokens that a model thinks in a second: assumed, no provider says it; rather above what they make. */
    private static final long THOUGHT_A_SECOND = 200;

    private final KafkaUsageLog log;
    private final TokenCounter counter;
    private final RouterMetrics metrics;
    private final Clock clock;

    Settlement(KafkaUsageLog log, TokenCounter counter, RouterMetrics metrics, Clock clock) {
        this.log = log;
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
     * chain's models. A prompt that its model counts in other tokens may come to more.
     */
    UsageRecord atMost(Call call, Route route) {
        long texts = counter.texts(call.request());
        return route.targets()
                .map(target -> atMost(call, route, target, texts))
                .max(Comparator.comparingLong(UsageRecord::priceMicrousd))
                .orElseThrow();
    }

    private UsageRecord atMost(Call call, Route route, Target target, long texts) {
        Price price = route.priceOf(target);
        long input = texts
                + price.image() * call.request().images()
                + (call.request().hasTools() ? price.toolPreamble() : 0);
        Price held = price.held(input);
        Tokens tokens = held.dearest(input, call.request().maxOutput(route.maxOutput()));
        return usage(call, route.name(), target.backend().provider(), target.model(), tokens, false, held.of(tokens));
    }

    /** The order in which a call tries its route's targets; of those that are there for the price, the cheapest first. */
    List<Target> cheapestLast(Call call, Route route, RandomGenerator random) {
        List<Target> order = route.inOrder(random);
        if (route.cheapest().size() > 1) {
            long texts = counter.texts(call.request());
            order.subList(route.chain().size(), order.size())
                    .sort(Comparator.comparingLong(
                            target -> atMost(call, route, target, texts).priceMicrousd()));
        }
        return order;
    }

    /**
     * @param hold what the call holds of its tenant's credit; settled when the log has its usage
     * @param span of the call; ended with it
     */
    Open open(Call call, Route route, Target target, int attempts, Holds.Running hold, ModelSpan span) {
        return new Open(call, route, target, attempts, hold, span);
    }

    /** A kept answer uses nothing, whatever it has once cost. */
    UsageRecord hit(Call call, Route route, Answer.Head kept, long price) {
        String model = kept.model().substring(kept.model().indexOf('/') + 1);
        return usage(call, route.name(), kept.provider(), model, Tokens.NONE, true, false, 0, price);
    }

    /**
     * Nothing is waited for: if this process ends before the log has it, the hold lapses and says the same. Unless its tenant may
     * have few calls at once, for the next one may need this one's place.
     */
    void recordHit(Holds.Running hold) {
        UsageRecord record = hold.atMost();
        Runnable taken = () -> hold.settle(record.priceMicrousd(), 0);
        if (hold.isOneOfFew()) {
            log.append(record, taken);
            hold.awaitEnd();
        } else {
            log.appendLater(record, taken);
        }
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
        private final Price price;
        private final ModelSpan span;
        private final Stopwatch sinceFirstToken = new Stopwatch();
        private boolean settled;

        private Open(Call call, Route route, Target target, int attempts, Holds.Running hold, ModelSpan span) {
            this.call = call;
            this.route = route;
            this.target = target;
            this.attempts = attempts;
            this.hold = hold;
            this.price = route.priceOf(target);
            this.span = span;
        }

        /** Records the usage and gives the completion with {@code usage} and {@code agentserver} in it. */
        ObjectNode complete(Completion answer) {
            ObjectNode completion = answer.build();
            Tokens tokens = toldOfAll(answer).orElseGet(() -> counted(answer));
            long price = settle(tokens, "complete");
            span.settle(tokens, price, true, completion);
            if (tokens.estimated()) {
                completion.set("usage", tokens.toUsage());
            }
            ObjectNode agentserver = completion
                    .putObject("agentserver")
                    .put("receipt", call.receipt().toString())
                    .put("provider", target.backend().provider())
                    .put("model", target.fullName())
                    .put("attempts", attempts)
                    .put("cost", price)
                    .put("estimated", tokens.estimated());
            if (target.backend().isTenants()) {
                agentserver.put("own_key", true);
            }
            return completion;
        }

        /**
         * Records what an unfinished answer has used; nothing happens if the call is settled already. A provider that was
         * asked to stop does not say what it has used. So it is what was said, and for a model that may have thought
         * without showing it, what it can have thought while it was silent, up to what it was allowed.
         *
         * @param silent for how long nothing came, while something was waited for
         */
        void abandon(Completion answer, Duration silent) {
            if (settled) {
                return;
            }
            Optional<Tokens> told = answer.isFinished(call.request().answers()) ? toldOfAll(answer) : Optional.empty();
            if (told.isPresent()) {
                broken(told.get(), answer);
                return;
            }
            told = told(answer);
            Tokens counted = counted(answer);
            if (price.hiddenReasoning() || call.request().asksForReasoning()) {
                counted = counted.max(new Tokens(0, 0, thought(counted.output(), silent), true));
            }
            broken(told.isPresent() ? told.get().saying(counted) : counted, answer);
        }

        /** Its provider has not taken it. */
        void usedNothing() {
            if (!settled) {
                settled = true;
                span.fail("_OTHER");
                hold.release();
                hold.awaitEnd();
            }
        }

        private void broken(Tokens tokens, Completion answer) {
            span.settle(tokens, settle(tokens, "broken"), false, answer.build());
        }

        private long thought(long said, Duration silent) {
            long most = call.request().maxOutput(route.maxOutput());
            return Math.min(said + silent.toMillis() * THOUGHT_A_SECOND / 1_000, most);
        }

        /** By the provider, as far as it is believed. */
        private Optional<Tokens> told(Completion answer) {
            Optional<Tokens> told = call.request().kind() == ChatRequest.Kind.EMBEDDINGS
                    ? Tokens.ofEmbeddings(answer.usage())
                    : Tokens.ofUsage(answer.usage());
            return told.map(this::believed);
        }

        /** Likewise, of an answer that is whole. */
        private Optional<Tokens> toldOfAll(Completion answer) {
            return told(answer).map(tokens -> atLeast(tokens, answer));
        }

        /**
         * Some servers send a usage of zeros, or what they said at the beginning, behind a whole answer. What is far below our own
         * count is no count: ours is taken for it. Nothing is counted where it is plain that it would not be.
         */
        private Tokens atLeast(Tokens told, Completion answer) {
            if (call.request().kind() != ChatRequest.Kind.CHAT) {
                return told;
            }
            long texts = isLittle(hold.atMost().inputTokens(), told.input(), 20) ? counter.texts(call.request()) : 0;
            String said = answer.saidText();
            long saidTokens = isLittle(said.length(), told.output(), 10) ? counter.count(said) : 0;
            boolean littleInput = isLittle(texts, told.input(), 20);
            if (!littleInput && !isLittle(saidTokens, told.output(), 10)) {
                return told;
            }
            LOG.warn(
                    "{} says that the call with receipt {} has used {}: it is counted here",
                    target.fullName(),
                    call.receipt(),
                    told);
            Tokens counted = counted(answer);
            return littleInput ? told.max(counted) : told.saying(counted);
        }

        /** No tokenizer differs by so much. */
        private static boolean isLittle(long counted, long told, int times) {
            return counted > 0 && told == 0 || counted > times * told + 100;
        }

        private Tokens believed(Tokens told) {
            Tokens believed =
                    told.believed(hold.atMost().inputTokens(), call.request().maxOutput(route.maxOutput()));
            if (!believed.equals(told)) {
                LOG.error(
                        "{} says that the call with receipt {} has used {}: of that is believed {}",
                        target.fullName(),
                        call.receipt(),
                        told,
                        believed);
            }
            return believed;
        }

        private Tokens counted(Completion answer) {
            return counter.estimate(call.request(), price.image(), answer.saidText());
        }

        private long settle(Tokens tokens, String outcome) {
            settled = true;
            String provider = target.backend().provider();
            long cost = price.of(tokens);
            log.append(
                    usage(call, route.name(), provider, target.model(), tokens, false, cost),
                    () -> hold.settle(cost, tokens.input() + tokens.output()));
            hold.awaitEnd();
            metrics.settled(call.tenant(), provider, target.model(), outcome, tokens, cost, sinceFirstToken.elapsed());
            return cost;
        }
    }

    /** What the provider takes is what the tenant pays: there is no margin yet. */
    private UsageRecord usage(
            Call call, String route, String provider, String model, Tokens tokens, boolean stub, long price) {
        return usage(call, route, provider, model, tokens, false, stub, price, price);
    }

    private UsageRecord usage(
            Call call,
            String route,
            String provider,
            String model,
            Tokens tokens,
            boolean cacheHit,
            boolean stub,
            long cost,
            long price) {
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
                cacheHit,
                stub,
                cost,
                price,
                clock.instant());
    }
}
