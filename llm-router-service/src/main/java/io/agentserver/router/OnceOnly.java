package io.agentserver.router;

import io.agentserver.envelope.TenantId;
import io.agentserver.router.RedisAnswers.Claim;
import io.agentserver.router.RedisAnswers.Ownership;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.node.ObjectNode;

import java.time.Duration;
import java.util.Optional;

/**
 * Gives calls with the same {@code Idempotency-Key} the same answer for 24 h, over any number of routers: the first one
 * runs under a lease that it renews, the others wait for its answer. An answer that broke off is not kept, but that the key
 * was used with this body is: the next call with that key runs again, under a receipt of its own, and is paid by itself. A call that
 * finds, be it at its end, that another has taken its key over, while its router stood still or could not reach Redis, breaks off: that one's answer counts. One whose
 * answer was too large to be kept, or had to go for others of its tenant, does not run again: who asks is told so.
 * Without Redis no call with a key begins.
 */
final class OnceOnly implements Chat {
    private static final Logger LOG = LoggerFactory.getLogger(OnceOnly.class);
    private static final Duration LOOK_EVERY = Duration.ofMillis(50);
    /** After a call's time limit: its end is being recorded, or its router has died and that is being found out. */
    private static final Duration AND_ITS_END = RedisAnswers.LEASE.multipliedBy(2);

    private final Chat chat;
    private final RedisAnswers answers;
    private final TenantRoutes routes;
    private final RouterMetrics metrics;

    OnceOnly(Chat chat, RedisAnswers answers, TenantRoutes routes, RouterMetrics metrics) {
        this.routes = routes;
        this.chat = chat;
        this.answers = answers;
        this.metrics = metrics;
    }

    /** What Redis knows a key by. */
    static RedisAnswers.Name name(TenantId tenant, String idempotencyKey) {
        return new RedisAnswers.Name(tenant, ChatRequest.sha256(idempotencyKey));
    }

    @Override
    public Answer answer(Call call) throws InterruptedException {
        if (call.idempotencyKey().isEmpty()) {
            return chat.answer(call);
        }
        RedisAnswers.Name name = name(call.tenant(), call.idempotencyKey().get());
        String digest = call.request().digest();
        Duration longest =
                routes.of(call.tenant()).totalOf(call.request().model()).plus(AND_ITS_END);
        Stopwatch waited = new Stopwatch();
        while (waited.left(longest).isPositive()) {
            switch (answers.claim(name, digest)) {
                case Claim.Mine mine -> {
                    return run(call, mine);
                }
                case Claim.Done done -> {
                    return new Answer.Given(new RecordedAnswer(
                            done.answer().head(), done.answer().completion()));
                }
                case Claim.Answered answered -> {
                    return new Answer.Refused(Refusal.of(
                            410,
                            Refusal.Reason.ANSWER_NOT_KEPT,
                            "the call with this Idempotency-Key was answered and charged once, under receipt "
                                    + answered.receipt()
                                    + ", and its answer is not kept any more: to ask again, and pay "
                                    + "again, take a new key"));
                }
                case Claim.Mismatch mismatch -> {
                    return new Answer.Refused(Refusal.of(
                            422,
                            Refusal.Reason.IDEMPOTENCY_MISMATCH,
                            "this Idempotency-Key was used with another body: take a new key for a new call"));
                }
                case Claim.Unavailable away -> {
                    metrics.idempotencyUnavailable();
                    return new Answer.Refused(Refusal.unavailable("earlier calls with this Idempotency-Key cannot be "
                            + "looked up at the moment, so no model is called; try again"));
                }
                case Claim.Running running -> {
                    if (call.client().hasGone()) { // who comes next waits for the same answer
                        return new Answer.Refused(Refusal.clientGone());
                    }
                    Thread.sleep(LOOK_EVERY);
                }
            }
        }
        return new Answer.Refused(
                Refusal.unavailable("another call with this Idempotency-Key is still running; try again"));
    }

    private Answer run(Call call, Claim.Mine mine) throws InterruptedException {
        if (mine.broken() > 0) {
            LOG.info("run {} under one Idempotency-Key, with receipt {}", mine.broken() + 1, call.receipt());
        }
        Lease lease = new Lease(answers, mine);
        boolean ended = false;
        try {
            Answer answer = chat.answer(call);
            ended = true;
            return switch (answer) {
                case Answer.Given given -> new Answer.Given(new Keeping(given.live(), lease));
                case Answer.Refused refused -> {
                    lease.release(); // nothing was charged
                    yield refused;
                }
            };
        } finally {
            if (!ended) {
                lease.breakOff();
            }
        }
    }

    /** The answer, kept under its key just before its end is told, or when it is known that nobody hears it. */
    private static final class Keeping implements Answer.Live {
        private final Answer.Live answer;
        private final Lease lease;
        private boolean ended;

        Keeping(Answer.Live answer, Lease lease) {
            this.answer = answer;
            this.lease = lease;
        }

        @Override
        public Answer.Head head() {
            return answer.head();
        }

        @Override
        public Answer.Event next(Duration wait) throws InterruptedException {
            if (lease.isLost()) {
                return lost();
            }
            Answer.Event event = answer.next(wait);
            return event instanceof Answer.Event.End end && keep(end.completion()) == Ownership.LOST ? lost() : event;
        }

        /** Its client is not told that it is whole: the other's will be, and there is one answer under a key. */
        private Answer.Event lost() {
            LOG.warn("the call with receipt {} has lost its Idempotency-Key to another: it ends", head().receipt());
            answer.close();
            return new Answer.Event.Broken(Refusal.unavailable(
                    "another call has taken this Idempotency-Key over while this one stood still; try again"));
        }

        @Override
        public Optional<ObjectNode> completed() {
            return answer.completed();
        }

        @Override
        public Duration readWithin() {
            return answer.readWithin();
        }

        @Override
        public void close() {
            try {
                answer.close();
            } finally {
                if (!ended) { // whole all the same, where its end came when its client had gone
                    answer.completed().ifPresentOrElse(this::keep, lease::breakOff);
                }
            }
        }

        private Ownership keep(ObjectNode completion) {
            Ownership kept = lease.keep(new KeptAnswer(answer.head(), completion));
            if (kept != Ownership.OWN) {
                LOG.warn("the answer with receipt {} is not kept for its Idempotency-Key", head().receipt());
            }
            ended = kept != Ownership.UNKNOWN;
            return kept;
        }
    }
}
