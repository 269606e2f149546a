package io.agentserver.router;

import io.agentserver.credit.Minute;
import io.agentserver.router.Answer.Head;
import io.agentserver.router.Route.Target;
import io.agentserver.router.Upstream.Signal;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.node.ObjectNode;

import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;

/**
 * A call in, an answer out: finds the route and tries its backends in order, each one's replicas in turn and only
 * those that their {@link Guard} lets be asked, until one gives a first token. From there on
 * the answer is that backend's, {@link LiveCall}. Runs on the caller's thread; a backend that is given up is cancelled.
 */
final class Router implements Chat {
    private static final Logger LOG = LoggerFactory.getLogger(Router.class);

    private static final Duration LOOK_EVERY = Duration.ofMillis(250);
    /** Chunks without a token, of one answer. */
    private static final int MOST_AHEAD = 1_000;

    private final TenantRoutes tables;
    private final Settlement settlement;
    private final Holds holds;
    private final RouterMetrics metrics;
    private final ModelSpan.Maker spans;
    private final Clock clock;

    /** What one backend made of it. */
    private sealed interface Attempt {
        /** Its answer is the call's: it has given a token, or its client has gone while it may have worked for it. */
        record Begun(Upstream upstream, List<ObjectNode> ahead, ModelSpan span) implements Attempt {}

        /** This router is stopping, while it may have worked. */
        record CutShort(Begun begun) implements Attempt {}

        /** The request is at fault, not the backend: no other one would take it. */
        record CallersFault(Refusal refusal) implements Attempt {}

        record Failed(String reason) implements Attempt {}

        /** Before it can have worked. */
        record ClientGone() implements Attempt {}
    }

    /** @param tables the routes of now */
    Router(
            TenantRoutes tables,
            Settlement settlement,
            Holds holds,
            RouterMetrics metrics,
            ModelSpan.Maker spans,
            Clock clock) {
        this.tables = tables;
        this.settlement = settlement;
        this.holds = holds;
        this.metrics = metrics;
        this.spans = spans;
        this.clock = clock;
    }

    @Override
    public Answer answer(Call call) throws InterruptedException {
        RouteTable table = tables.of(call.tenant());
        Optional<Route> route = table.resolve(call.request().model());
        if (route.isEmpty()) {
            return new Answer.Refused(new Refusal(
                    404,
                    Refusal.Reason.UNKNOWN_MODEL,
                    "unknown model: <" + call.request().model() + ">; " + table.known(),
                    "model",
                    null));
        }
        Optional<String> unpriced = route.get().unpriced();
        if (unpriced.isPresent()) {
            return new Answer.Refused(Refusal.invalid(unpriced.get() + "; name another model", "model"));
        }
        Optional<String> unlisted = route.get().unlisted();
        if (unlisted.isPresent()) {
            return new Answer.Refused(new Refusal(
                    404,
                    Refusal.Reason.UNKNOWN_MODEL,
                    "no price is known of <" + unlisted.get()
                            + ">, so it is not taken here; GET /v1/models names those that are",
                    "model",
                    null));
        }
        if (!settlement.isOpen()) {
            return new Answer.Refused(
                    Refusal.unavailable("usage cannot be recorded at the moment, so no model is called; try again"));
        }
        return switch (holds.take(call, route.get(), settlement.atMost(call, route.get()))) {
            case Holds.Taking.Refused refused -> new Answer.Refused(refused.refusal(), refused.minute());
            case Holds.Taking.Taken taken -> tryChainHolding(taken.hold(), call, route.get());
        };
    }

    /** Once it has begun the answer settles the hold, whatever way it ends; all else has cost the tenant nothing. */
    private Answer tryChainHolding(Holds.Running hold, Call call, Route route) throws InterruptedException {
        try {
            return tryChain(hold, call, route);
        } finally {
            if (!hold.hasBegun()) {
                hold.release();
                hold.awaitEnd();
            }
        }
    }

    private Answer tryChain(Holds.Running hold, Call call, Route route) throws InterruptedException {
        Stopwatch sinceArrival = new Stopwatch();
        List<String> failures = new ArrayList<>();
        int attempts = 0;
        for (Target step : settlement.cheapestLast(call, route, ThreadLocalRandom.current())) {
            for (Replica replica : step.backend().inTurn()) {
                Duration left = sinceArrival.left(route.limits().total());
                if (left.isNegative()) {
                    break;
                }
                Target target = new Target(replica.backend(), step.model());
                switch (replica.guard().enter(step.model())) {
                    case Guard.Entry.Closed closed -> {
                        if (target.backend().isTenants()) {
                            failures.add(target.fullName() + " " + closed.reason() + " under the tenant's own key");
                        } else {
                            metrics.passedOver(target.backend().provider());
                            failures.add(target.fullName() + " " + closed.reason());
                        }
                    }
                    case Guard.Entry.Free free -> {
                        attempts++;
                        Stopwatch sinceAsked = new Stopwatch();
                        switch (attempt(call, route, target, attempts, left, free.pass())) {
                            case Attempt.Begun begun -> {
                                Duration waited = sinceAsked.elapsed();
                                return new Answer.Given(
                                        live(call, route, target, attempts, hold, begun, sinceArrival, waited));
                            }
                            case Attempt.CutShort(Attempt.Begun begun) -> {
                                Duration waited = sinceAsked.elapsed();
                                live(call, route, target, attempts, hold, begun, sinceArrival, waited)
                                        .close();
                                throw new InterruptedException("this router is stopping");
                            }
                            case Attempt.CallersFault fault -> {
                                return new Answer.Refused(fault.refusal(), hold.minute());
                            }
                            case Attempt.ClientGone gone -> {
                                return new Answer.Refused(Refusal.clientGone());
                            }
                            case Attempt.Failed failed -> {
                                tell(target, failed);
                                failures.add(target.fullName() + " " + failed.reason());
                            }
                        }
                    }
                }
            }
        }
        int attempted = attempts;
        return route.stub()
                .filter(text -> call.request().kind() == ChatRequest.Kind.CHAT)
                .map(text -> stub(call, route, text, attempted, hold.minute()))
                .orElseGet(() -> new Answer.Refused(
                        Refusal.unavailable(
                                "no backend of " + route.name() + " answers: " + String.join("; ", failures)),
                        hold.minute()));
    }

    /** What is wrong under a tenant's own key is the tenant's to mend, who hears of it in the answer. */
    private void tell(Target target, Attempt.Failed failed) {
        if (target.backend().isTenants()) {
            LOG.debug("backend {} {}", target.fullName(), failed.reason());
        } else {
            metrics.failed(target.backend().provider());
            LOG.warn("backend {} {}", target.fullName(), failed.reason());
        }
    }

    private LiveCall live(
            Call call,
            Route route,
            Target target,
            int attempts,
            Holds.Running hold,
            Attempt.Begun begun,
            Stopwatch sinceArrival,
            Duration waited) {
        if (begun.ahead().stream().anyMatch(Completion::isToken)) {
            metrics.firstToken(target.backend().provider(), waited);
        }
        Head head = new Head(
                call.receipt(), target.backend().provider(), target.fullName(), attempts, false, hold.minute());
        LiveCall live = new LiveCall(
                head,
                route,
                begun.upstream(),
                begun.ahead(),
                sinceArrival,
                waited,
                call.request().answers(),
                settlement.open(call, route, target, attempts, hold, begun.span()),
                LiveCall.Patience.DEFAULT);
        hold.begin();
        return live;
    }

    private Attempt attempt(Call call, Route route, Target target, int attempt, Duration left, Guard.Pass pass)
            throws InterruptedException {
        ModelSpan span;
        try {
            span = spans.start(call, route, target, attempt);
        } catch (RuntimeException unexpected) {
            pass.givenUp();
            pass.leave();
            throw unexpected;
        }
        Backend.Request request = new Backend.Request(
                call.request(),
                target.model(),
                call.request().answerCap(route.maxOutput()),
                call.receipt(),
                span.headers());
        Duration patience = route.limits().beginning(call.request().kind());
        Duration limit = left.compareTo(patience) < 0 ? left : patience;
        Stopwatch waited = new Stopwatch();
        Upstream upstream = Upstream.start(target.backend(), request, pass); // from here on the pass is its
        boolean begun = false;
        List<ObjectNode> ahead = new ArrayList<>();
        try {
            Stopwatch looked = new Stopwatch();
            while (true) {
                if (!looked.left(LOOK_EVERY).isPositive()) { // also while chunks come
                    looked = new Stopwatch();
                    if (call.client().hasHappened()) {
                        begun = upstream.mayHaveWorked();
                        return begun ? left(upstream, ahead, span, pass) : new Attempt.ClientGone();
                    }
                }
                Duration wait = waited.left(limit);
                if (!wait.isPositive()) {
                    if (!upstream.hasOpened()) {
                        pass.failed("timeout");
                    } // else it is alive, and how long it thinks is the caller's doing too
                    span.fail("timeout");
                    return new Attempt.Failed("gave no token within " + limit.toMillis() + " ms");
                }
                Duration look = looked.left(LOOK_EVERY);
                switch (upstream.poll(wait.compareTo(look) < 0 ? wait : look)) {
                    case null -> {} // looks again
                    case Signal.Part part -> {
                        if (ahead.size() >= MOST_AHEAD) {
                            pass.failed("no token");
                            return new Attempt.Failed("gave no token in " + MOST_AHEAD + " chunks");
                        }
                        ahead.add(part.chunk());
                        if (Completion.isToken(part.chunk())) {
                            begun = true;
                            pass.answered();
                            span.firstToken();
                            return new Attempt.Begun(upstream, ahead, span);
                        }
                    }
                    case Signal.Ended ended -> {
                        pass.failed("empty answer");
                        return new Attempt.Failed("gave an empty answer");
                    }
                    case Signal.Failed failed -> {
                        if (failed.asked()) {
                            pass.failed(failed.reason());
                        }
                        return new Attempt.Failed(failed.reason());
                    }
                    case Signal.Refused refused -> {
                        pass.refused(refused.status(), refused.retryAfter());
                        span.fail(String.valueOf(refused.status()));
                        return refused(target, refused);
                    }
                }
            }
        } catch (InterruptedException stopping) {
            if (!upstream.mayHaveWorked()) {
                throw stopping;
            }
            begun = true;
            return new Attempt.CutShort(left(upstream, ahead, span, pass));
        } finally {
            if (!begun) {
                pass.givenUp(); // unless it has failed or refused
                upstream.close();
                span.fail("_OTHER"); // unless it has failed in a way that has a name
            }
        }
    }

    /** Nobody waits for its first token any more: what it has used is billed as of any answer that is left. */
    private static Attempt.Begun left(Upstream upstream, List<ObjectNode> ahead, ModelSpan span, Guard.Pass pass) {
        pass.givenUp();
        return new Attempt.Begun(upstream, ahead, span);
    }

    /** 401 and 403 are about the key, 404 about its models, 429 and 5xx about its state: another backend may do. */
    private static Attempt refused(Target target, Signal.Refused refused) {
        int status = refused.status();
        return status == 400 || status == 413 || status == 422
                ? new Attempt.CallersFault(Refusal.of(
                        status,
                        Refusal.Reason.PROVIDER_REFUSED,
                        target.backend().provider() + " refused the request: "
                                + (refused.message().isEmpty() ? "status " + status : refused.message())))
                : new Attempt.Failed(
                        "answered " + status + (target.backend().isTenants() ? " to the tenant's own key" : ""));
    }

    private Answer stub(Call call, Route route, String text, int attempts, Minute minute) {
        metrics.stub(route.name());
        Head head = new Head(call.receipt(), "stub", "stub", attempts, true, minute);
        ObjectNode completion = Json.object()
                .put("id", "chatcmpl-" + call.receipt())
                .put("object", "chat.completion")
                .put("created", clock.instant().getEpochSecond())
                .put("model", "stub");
        ObjectNode choice = completion.putArray("choices").addObject().put("index", 0);
        choice.putObject("message")
                .put("role", "assistant")
                .put("content", text)
                .putNull("refusal");
        choice.putNull("logprobs").put("finish_reason", "stop");
        completion.set("usage", Tokens.NONE.toUsage());
        completion
                .putObject("agentserver")
                .put("stub", true)
                .put("receipt", call.receipt().toString());
        settlement.recordStub(call, route);
        return new Answer.Given(new RecordedAnswer(head, completion));
    }
}
