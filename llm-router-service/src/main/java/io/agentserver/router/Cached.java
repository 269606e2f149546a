package io.agentserver.router;

import io.agentserver.router.Answer.Head;
import io.agentserver.router.RedisCache.Found;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

import java.time.Duration;
import java.util.Optional;
import java.util.UUID;

/**
 * Gives a tenant's calls that are the same the same answer for as long as their route says. Those that come while the first one
 * runs wait for its answer, over any number of routers; if it gives none that can be kept, each of them asks for itself. A hit is a
 * call of its own: it needs credit and a place within the limits, has a receipt and a usage record, and costs the route's hit price.
 * Without Redis nothing is kept.
 */
final class Cached implements Chat {
    /** Between two looks at the first call's answer: the longer it takes the longer, for a thousand may wait for it. */
    private static final Duration LOOK_SOON = Duration.ofMillis(25);

    private static final Duration LOOK_LATER = Duration.ofMillis(250);
    private static final Duration LEASE = Duration.ofSeconds(10);
    private static final Duration RENEW_EVERY = LEASE.dividedBy(4);

    private final Chat chat;
    private final TenantRoutes tables;
    private final RedisCache cache;
    private final Hits hits;
    private final RouterMetrics metrics;

    Cached(Chat chat, TenantRoutes tables, RedisCache cache, Hits hits, RouterMetrics metrics) {
        this.chat = chat;
        this.tables = tables;
        this.cache = cache;
        this.hits = hits;
        this.metrics = metrics;
    }

    /** A call whose answer may be kept. */
    private record Cacheable(Call call, Route route, CacheKey key, String label) {}

    @Override
    public Answer answer(Call call) throws InterruptedException {
        RouteTable table = tables.of(call.tenant());
        Optional<Route> route = table.resolve(call.request().model()).filter(Route::isCached);
        if (route.isEmpty() || call.cache() == CacheUse.NONE) {
            return chat.answer(call);
        }
        Cacheable cacheable = new Cacheable(
                call, route.get(), CacheKey.of(call.tenant(), route.get(), call.request()), table.label(route.get()));
        if (call.cache() == CacheUse.REFRESH) {
            metrics.cache(call.tenant(), cacheable.label(), Head.Cache.BYPASS);
            return make(cacheable, null, Head.Cache.BYPASS);
        }
        return find(cacheable);
    }

    private Answer find(Cacheable cacheable) throws InterruptedException {
        Route route = cacheable.route();
        Stopwatch waited = new Stopwatch();
        String first = null;
        Found found = cache.look(cacheable.key(), untilItBegins(route.limits(), (int)
                route.targets().count()));
        while (true) {
            switch (found) {
                case Found.Hit hit -> {
                    metrics.cache(cacheable.call().tenant(), cacheable.label(), Head.Cache.HIT);
                    return hits.give(cacheable.call(), route, hit.answer());
                }
                case Found.Mine mine -> {
                    return miss(cacheable, mine.owner());
                }
                case Found.Nothing nothing -> {
                    return miss(cacheable, null);
                }
                case Found.Running running -> {
                    if (first != null && !first.equals(running.owner())
                            || waited.left(route.limits().total()).isNegative()) {
                        return miss(cacheable, null);
                    }
                    first = running.owner();
                }
            }
            if (cacheable.call().client().hasHappened()) {
                return new Answer.Refused(Refusal.clientGone());
            }
            Thread.sleep(pause(waited.elapsed()));
            found = cache.look(cacheable.key());
        }
    }

    private static Duration pause(Duration waited) {
        Duration eighth = waited.dividedBy(8);
        Duration atMost = eighth.compareTo(LOOK_LATER) < 0 ? eighth : LOOK_LATER;
        return atMost.compareTo(LOOK_SOON) > 0 ? atMost : LOOK_SOON;
    }

    /** Until its first token nobody renews it. */
    private static Duration untilItBegins(Route.Limits limits, int targets) {
        Duration all = limits.firstToken().multipliedBy(targets);
        return (all.compareTo(limits.total()) < 0 ? all : limits.total()).plus(LEASE);
    }

    private Answer miss(Cacheable cacheable, @Nullable UUID owner) throws InterruptedException {
        metrics.cache(cacheable.call().tenant(), cacheable.label(), Head.Cache.MISS);
        return make(cacheable, owner, Head.Cache.MISS);
    }

    /** @param owner of the right to make it; null: others may make it too */
    private Answer make(Cacheable cacheable, @Nullable UUID owner, Head.Cache how) throws InterruptedException {
        boolean given = false;
        try {
            Answer answer = chat.answer(cacheable.call());
            if (answer instanceof Answer.Given(Answer.Live live)) {
                given = true;
                return new Answer.Given(new Keeping(live, live.head().with(how), cacheable, owner));
            }
            return answer;
        } finally {
            if (!given && owner != null) {
                cache.giveBack(cacheable.key(), owner);
            }
        }
    }

    /** Whether it is whole, and the same call would be answered by it as well. */
    private static boolean isWorthKeeping(Head head, Route route, ObjectNode completion) {
        if (head.stub() || route.targets().noneMatch(target -> target.fullName().equals(head.model()))) {
            return false; // or the routes have changed since it was looked for
        }
        for (JsonNode choice : completion.path("choices")) {
            JsonNode message = choice.path("message");
            if (!choice.path("finish_reason").asString("").equals("stop")
                    || !Json.isAbsent(message.path("tool_calls"))
                    || !Json.isAbsent(message.path("function_call"))) {
                return false;
            }
        }
        return true;
    }

    /** The answer, kept when its end is told. */
    private final class Keeping implements Answer.Live {
        private final Answer.Live live;
        private final Head head;
        private final Cacheable cacheable;
        private final @Nullable UUID owner;
        private Stopwatch sinceRenewed = new Stopwatch();
        private boolean kept;

        Keeping(Answer.Live live, Head head, Cacheable cacheable, @Nullable UUID owner) {
            this.live = live;
            this.head = head;
            this.cacheable = cacheable;
            this.owner = owner;
            renew();
        }

        @Override
        public Head head() {
            return head;
        }

        @Override
        public Answer.Event next(Duration wait) throws InterruptedException {
            Answer.Event event = live.next(wait);
            if (event instanceof Answer.Event.End(ObjectNode completion)) {
                keep(completion);
            } else if (sinceRenewed.left(RENEW_EVERY).isNegative()) {
                renew();
            }
            return event;
        }

        private void keep(ObjectNode completion) {
            if (isWorthKeeping(head, cacheable.route(), completion)) {
                kept = cache.keep(
                        cacheable.key(),
                        new KeptAnswer(head, completion),
                        cacheable.route().caching().ttl());
            }
        }

        @Override
        public Optional<ObjectNode> completed() {
            return live.completed();
        }

        @Override
        public Duration readWithin() {
            return live.readWithin();
        }

        /** While the client is too slow for it the right lapses, and who waits for this answer asks for itself. */
        private void renew() {
            if (owner != null) {
                cache.renew(cacheable.key(), owner, LEASE);
                sinceRenewed = new Stopwatch();
            }
        }

        @Override
        public void close() {
            try {
                live.close();
            } finally {
                if (!kept) { // whole all the same, where its end came when its client had gone
                    live.completed().ifPresent(this::keep);
                }
                if (!kept && owner != null) {
                    cache.giveBack(cacheable.key(), owner);
                }
            }
        }
    }
}
