package io.agentserver.router;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.agentserver.envelope.Ids;
import io.agentserver.envelope.TenantId;
import io.lettuce.core.RedisException;
import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.SetArgs;
import io.lettuce.core.cluster.api.sync.RedisClusterCommands;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Predicate;

/**
 * What is known of idempotency keys, in Redis under <code>once:{&lt;tenant&gt;}:&lt;sha256 of the key&gt;</code>, by {@code
 * claim.lua}, {@code renew.lua} and {@code end-claim.lua}; with {@code :unwanted} behind it, that its answer is wanted no more. A tenant's
 * share one slot of a cluster, for they have {@link Bounds} together. By its own time this process says whose calls are dead: those
 * that it has seen unrenewed for {@link #LEASE}, be it at looks of several calls. No method throws when Redis is away: it says so once, and answers
 * that it does not know; what it may have claimed then it gives back when Redis answers again. Safe on any thread.
 */
final class RedisAnswers {
    /** A holder whose claim has stood unrenewed for this long, by the time of whoever saw it, is dead. */
    static final Duration LEASE = Duration.ofSeconds(15);

    static final Duration KEPT = Duration.ofHours(24);

    private static final String UNWANTED = ":unwanted";

    /** Claims of others that were seen; of one that is forgotten the time is counted anew. */
    private static final int MOST_SEEN = 10_000;

    private static final Duration SEEN_FOR = Duration.ofMinutes(10);

    private static final Duration GIVEN_BACK_EVERY = Duration.ofSeconds(1);

    private static final Logger LOG = LoggerFactory.getLogger(RedisAnswers.class);
    private static final String CLAIM = script("claim.lua");
    private static final String RENEW = script("renew.lua");
    private static final String END = script("end-claim.lua");

    private final RedisClusterCommands<String, String> redis;
    private final Bounds bounds;
    private final Duration lease;
    private final Predicate<TenantId> gone;
    private final AtomicBoolean away = new AtomicBoolean();
    private final Cache<Name, Seen> seen = Caffeine.newBuilder()
            .maximumSize(MOST_SEEN)
            .expireAfterAccess(SEEN_FOR)
            .build();
    private final BlockingQueue<Perhaps> unanswered = new LinkedBlockingQueue<>(MOST_SEEN);
    private final AtomicBoolean givingBack = new AtomicBoolean();

    /**
     * @param answer bytes of one answer, at most; of a larger one it is remembered alone that it was given
     * @param tenant bytes of all answers of a tenant, at most; where one more is too much, the oldest are remembered so
     * @param keys of a tenant that are remembered at once; with one more the oldest is as if it had never been
     */
    record Bounds(long answer, long tenant, int keys) {
        Bounds {
            if (answer < 1 || tenant < answer || keys < 1) {
                throw new IllegalArgumentException(
                        "bounds of answers under idempotency keys: " + answer + " and " + tenant + " bytes, " + keys
                                + " keys: each must be 1 or more, the second not less than the first");
            }
        }
    }

    /**
     * A tenant's idempotency key.
     *
     * @param sha256 of the key
     */
    record Name(TenantId tenant, String sha256) {
        String prefix() {
            return "once:{" + tenant + "}:"; // others than before: what older routers kept there had another form
        }

        String key() {
            return prefix() + sha256;
        }
    }

    sealed interface Claim {
        /**
         * Until another has seen it unrenewed for {@link #LEASE}.
         *
         * @param broken runs before this one that gave no answer
         */
        record Mine(Name name, String digest, UUID owner, long broken) implements Claim {}

        /** Another call has it. */
        record Running() implements Claim {}

        record Done(KeptAnswer answer) implements Claim {}

        /**
         * The call was answered, and its answer is not kept: {@link Bounds}.
         *
         * @param receipt of that call
         */
        record Answered(String receipt) implements Claim {}

        /** The key belongs to another body. */
        record Mismatch() implements Claim {}

        record Unavailable() implements Claim {}
    }

    /** Whose a claim is, or was when it ended. */
    enum Ownership {
        OWN,
        /** Another one has it by now, or had it. */
        LOST,
        /** Redis is away. */
        UNKNOWN
    }

    /**
     * Another's claim.
     *
     * @param claim owner and renewal, as {@code claim.lua} says it
     * @param time for which it was seen like that. Of a pause between two looks a moment counts: Redis may have stood still, and
     *     the owner was kept from renewing it
     * @param looked since the last look
     */
    private record Seen(String claim, Duration time, Stopwatch looked) {
        Seen again(Duration moment) {
            Duration pause = looked.elapsed();
            return new Seen(claim, time.plus(pause.compareTo(moment) < 0 ? pause : moment), new Stopwatch());
        }
    }

    /**
     * A claim that Redis did not answer: it may have taken it, and nobody runs under it.
     *
     * @param since it was asked
     */
    private record Perhaps(Claim.Mine claim, Stopwatch since) {}

    private interface Command<T> {
        T run();
    }

    /**
     * @param redis of one node or of a cluster; each command touches one tenant's keys
     * @param gone deleted tenants, of whom nothing is kept: neither what ends only now
     */
    RedisAnswers(RedisClusterCommands<String, String> redis, Bounds bounds, Predicate<TenantId> gone) {
        this(redis, bounds, LEASE, gone);
    }

    /** @param lease of {@link #LEASE} another length */
    RedisAnswers(RedisClusterCommands<String, String> redis, Bounds bounds, Duration lease, Predicate<TenantId> gone) {
        this.redis = redis;
        this.bounds = bounds;
        this.lease = lease;
        this.gone = gone;
    }

    /**
     * Gives the key to the caller if nobody has it, or who has it is dead, and there is no answer yet.
     *
     * @param digest of the request's body
     */
    Claim claim(Name name, String digest) {
        UUID owner = Ids.v7();
        String dead = unrenewed(name);
        Claim claim = attempt(
                () -> {
                    List<String> answer = redis.eval(
                            CLAIM,
                            ScriptOutputType.MULTI,
                            new String[] {name.key(), name.prefix() + "keys"},
                            digest,
                            owner.toString(),
                            millis(lease),
                            millis(KEPT),
                            name.sha256(),
                            Integer.toString(bounds.keys()),
                            name.prefix(),
                            dead);
                    return switch (answer.getFirst()) {
                        case "mine" -> new Claim.Mine(name, digest, owner, Long.parseLong(answer.get(1)));
                        case "running" -> {
                            see(name, answer.get(1));
                            yield new Claim.Running();
                        }
                        case "done" -> new Claim.Done(KeptAnswer.ofJson(answer.get(1)));
                        case "answered" -> new Claim.Answered(answer.get(1));
                        case "mismatch" -> new Claim.Mismatch();
                        default -> throw new IllegalStateException("claim.lua answers " + answer);
                    };
                },
                new Claim.Unavailable());
        if (claim instanceof Claim.Unavailable) {
            giveBackLater(new Claim.Mine(name, digest, owner, 0));
        }
        return claim;
    }

    /** What was seen for a whole lease, and may be taken over if it is so still; empty: nothing. */
    private String unrenewed(Name name) {
        Seen last = seen.getIfPresent(name);
        return last == null || last.time().compareTo(lease) < 0 ? "" : last.claim();
    }

    private void see(Name name, String claim) {
        seen.asMap()
                .compute(
                        name,
                        (_, last) -> last != null && last.claim().equals(claim)
                                ? last.again(lease.dividedBy(15))
                                : new Seen(claim, Duration.ZERO, new Stopwatch()));
    }

    /** For another {@link #LEASE} from now, also where Redis has lost it. */
    Ownership renew(Claim.Mine claim) {
        Name name = claim.name();
        return attempt(
                () -> {
                    if (gone.test(name.tenant())) {
                        return Ownership.OWN; // nobody else can call for it
                    }
                    Long own = redis.eval(
                            RENEW,
                            ScriptOutputType.INTEGER,
                            new String[] {name.key(), name.prefix() + "keys"},
                            claim.owner().toString(),
                            millis(lease),
                            claim.digest(),
                            millis(KEPT),
                            name.sha256());
                    return own == 1 ? Ownership.OWN : Ownership.LOST;
                },
                Ownership.UNKNOWN);
    }

    /** Keeps the answer for {@link #KEPT}, within {@link Bounds}, unless another one has the key by now. */
    Ownership keep(Claim.Mine claim, KeptAnswer answer) {
        String json = answer.json();
        boolean fits = json.getBytes(StandardCharsets.UTF_8).length <= bounds.answer();
        return end(claim, "done", fits ? json : "", answer.head().receipt().toString());
    }

    /** The key keeps its body for {@link #KEPT}, and may be claimed again. */
    Ownership breakOff(Claim.Mine claim) {
        return end(claim, "broken", "", "");
    }

    /** As if it had not been claimed. */
    Ownership release(Claim.Mine claim) {
        return end(claim, "unused", "", "");
    }

    /** That nobody wants the answer any more, for so long; false when Redis is away. */
    boolean markUnwanted(Name name, Duration time) {
        return attempt(
                () -> {
                    redis.set(name.key() + UNWANTED, "", SetArgs.Builder.px(time));
                    return true;
                },
                false);
    }

    /** False also when Redis is away. */
    boolean isUnwanted(Name name) {
        return attempt(() -> redis.exists(name.key() + UNWANTED) > 0, false);
    }

    private Ownership end(Claim.Mine claim, String how, String answer, String receipt) {
        return attempt(() -> tell(claim, how, answer, receipt), Ownership.UNKNOWN);
    }

    private Ownership tell(Claim.Mine claim, String how, String answer, String receipt) {
        Name name = claim.name();
        if (gone.test(name.tenant())) {
            redis.del(name.key());
            return Ownership.OWN;
        }
        Long own = redis.eval(
                END,
                ScriptOutputType.INTEGER,
                new String[] {name.key(), name.prefix() + "keys", name.prefix() + "answers", name.prefix() + "sizes"},
                claim.digest(),
                claim.owner().toString(),
                how,
                answer,
                millis(KEPT),
                name.sha256(),
                receipt,
                Long.toString(bounds.tenant()),
                name.prefix());
        return own == 1 ? Ownership.OWN : Ownership.LOST;
    }

    /** Else whoever comes with the key next would wait for a {@link #LEASE} for nobody. */
    private void giveBackLater(Claim.Mine claim) {
        if (unanswered.offer(new Perhaps(claim, new Stopwatch())) && givingBack.compareAndSet(false, true)) {
            Thread.ofVirtual().name("claims-back").start(this::giveBackAgainAndAgain);
        }
    }

    private void giveBackAgainAndAgain() {
        try {
            do {
                while (!unanswered.isEmpty()) {
                    Thread.sleep(GIVEN_BACK_EVERY);
                    giveBack();
                }
                givingBack.set(false);
            } while (!unanswered.isEmpty() && givingBack.compareAndSet(false, true));
        } catch (InterruptedException stopping) {
            Thread.currentThread().interrupt();
        }
    }

    /** Until one cannot be told: that one is the last the next time. */
    private void giveBack() {
        for (Perhaps each = unanswered.poll(); each != null; each = unanswered.poll()) {
            try {
                tell(each.claim(), "unused", "", ""); // changes nothing where Redis has not taken it
            } catch (RedisException stillAway) {
                if (each.since().left(SEEN_FOR).isPositive()) {
                    unanswered.offer(each);
                }
                return;
            }
        }
    }

    private <T> T attempt(Command<T> command, T otherwise) {
        try {
            T result = command.run();
            if (away.compareAndSet(true, false)) {
                LOG.info("Redis answers again: calls with an Idempotency-Key begin");
            }
            return result;
        } catch (RedisException failure) {
            if (away.compareAndSet(false, true)) {
                LOG.warn("Redis is away: no call with an Idempotency-Key begins", failure);
            }
            return otherwise;
        }
    }

    private static String millis(Duration duration) {
        return Long.toString(duration.toMillis());
    }

    private static String script(String name) {
        try (InputStream in =
                Objects.requireNonNull(RedisAnswers.class.getResourceAsStream("/io/agentserver/router/" + name))) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new IllegalStateException(name + " of this jar cannot be read", e);
        }
    }
}
