package io.agentserver.router;

import io.agentserver.router.RedisAnswers.Claim;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.time.Duration;

/**
 * Gives calls with the same {@code Idempotency-Key} the same answer for 24 h, over any number of routers: the first one
 * runs under a lease that it renews, the others wait for its answer. An answer that broke off is not kept; the next call
 * with that key runs again, under the same receipt. Without Redis calls run as if they had no key; the receipt, which is
 * made of the key, still makes it one charge.
 */
final class OnceOnly implements Chat {
    private static final Logger LOG = LoggerFactory.getLogger(OnceOnly.class);
    private static final Duration LOOK_EVERY = Duration.ofMillis(50);
    private static final Duration LONGEST_WAIT = Duration.ofSeconds(150);

    private final Chat chat;
    private final RedisAnswers answers;
    private final RouterMetrics metrics;

    OnceOnly(Chat chat, RedisAnswers answers, RouterMetrics metrics) {
        this.chat = chat;
        this.answers = answers;
        this.metrics = metrics;
    }

    @Override
    public Answer answer(Call call) throws InterruptedException {
        if (call.idempotencyKey().isEmpty()) {
            return chat.answer(call);
        }
        String name =
                call.tenant() + ":" + ChatRequest.sha256(call.idempotencyKey().get());
        Stopwatch waited = new Stopwatch();
        KeptAnswer.Pending mine = KeptAnswer.Pending.of(call);
        while (waited.left(LONGEST_WAIT).isPositive()) {
            switch (answers.claim(name, mine.json())) {
                case Claim.Mine got -> {
                    return run(call, name, mine);
                }
                case Claim.Unavailable away -> {
                    metrics.idempotencyUnavailable();
                    return chat.answer(call);
                }
                case Claim.Held held -> {
                    KeptAnswer kept = KeptAnswer.ofJson(held.value());
                    if (!kept.digest().equals(mine.digest())) {
                        return new Answer.Refused(Refusal.of(
                                422,
                                Refusal.Reason.IDEMPOTENCY_MISMATCH,
                                "this Idempotency-Key was used with another body: take a new key for a new call"));
                    }
                    if (kept instanceof KeptAnswer.Done done) {
                        return new Answer.Given(new RecordedAnswer(done.head(), done.completion()));
                    }
                }
            }
            Thread.sleep(LOOK_EVERY);
        }
        return new Answer.Refused(
                Refusal.unavailable("another call with this Idempotency-Key is still running; try again"));
    }

    private Answer run(Call call, String name, KeptAnswer.Pending mine) throws InterruptedException {
        Lease lease = new Lease(answers, name, mine.json());
        boolean handedOver = false;
        try {
            Answer answer = chat.answer(call);
            if (answer instanceof Answer.Given given) {
                handedOver = true;
                return new Answer.Given(new Keeping(given.live(), lease, mine));
            }
            return answer;
        } finally {
            if (!handedOver) {
                lease.release();
            }
        }
    }

    /** The answer, kept under its key just before its end is told. */
    private static final class Keeping implements Answer.Live {
        private final Answer.Live answer;
        private final Lease lease;
        private final KeptAnswer.Pending mine;

        Keeping(Answer.Live answer, Lease lease, KeptAnswer.Pending mine) {
            this.answer = answer;
            this.lease = lease;
            this.mine = mine;
        }

        @Override
        public Answer.Head head() {
            return answer.head();
        }

        @Override
        public Answer.Event next(Duration wait) throws InterruptedException {
            Answer.Event event = answer.next(wait);
            if (event instanceof Answer.Event.End end
                    && !lease.keep(new KeptAnswer.Done(mine.digest(), answer.head(), end.completion()).json())) {
                LOG.warn("the answer with receipt {} is not kept for its Idempotency-Key", head().receipt());
            }
            return event;
        }

        @Override
        public void close() {
            try {
                answer.close();
            } finally {
                lease.release();
            }
        }
    }
}
