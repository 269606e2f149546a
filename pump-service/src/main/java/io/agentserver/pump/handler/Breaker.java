package io.agentserver.pump.handler;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.agentserver.envelope.TenantId;
import io.agentserver.organism.Handler;
import io.github.resilience4j.circuitbreaker.CircuitBreaker;
import io.github.resilience4j.circuitbreaker.CircuitBreaker.State;
import io.github.resilience4j.circuitbreaker.CircuitBreakerConfig;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;

/**
 * Lets whom a handler calls rest when it fails: after half of its last ten calls has failed, none is made for 10 s, then three
 * are tried. A message that finds it resting comes back after 10 to 20 s ({@link HandlerResult.Resting}); it has not been tried,
 * so none of its attempts is used up. A target is one tenant's: its service by its URL, or a model at the router; one tenant's
 * failures are never held against another's. What counts is an {@code Again} of a target that did not answer; a refusal, a
 * rate, a call that nobody wanted any more, a defect of ours do not. Remembers ten thousand targets, for ten minutes after
 * their last call.
 * Blocks as its handler does; safe on any thread.
 */
public final class Breaker implements MessageHandler {
    static final int MOST_TARGETS = 10_000;
    static final int CALLS = 10;
    static final int PROBES = 3;
    static final Duration REST = Duration.ofSeconds(10);

    private static final Logger LOG = LoggerFactory.getLogger(Breaker.class);
    private static final Duration IDLE = Duration.ofMinutes(10);

    private final MessageHandler handler;
    private final String kind;
    private final MeterRegistry registry;
    private final CircuitBreakerConfig config;
    private final Clock clock;
    private final Cache<Target, CircuitBreaker> breakers = Caffeine.newBuilder()
            .maximumSize(MOST_TARGETS)
            .expireAfterAccess(IDLE)
            .build();

    /** @param address a URL, or the name of a model */
    private record Target(TenantId tenant, String address) {}

    /** @param kind llm or http, for the metrics */
    public Breaker(MessageHandler handler, String kind, MeterRegistry registry) {
        this(handler, kind, registry, new SteadyClock());
    }

    Breaker(MessageHandler handler, String kind, MeterRegistry registry, Clock clock) {
        this.handler = handler;
        this.kind = kind;
        this.registry = registry;
        this.clock = clock;
        this.config = CircuitBreakerConfig.custom()
                .slidingWindowSize(CALLS)
                .minimumNumberOfCalls(CALLS)
                .failureRateThreshold(50)
                .permittedNumberOfCallsInHalfOpenState(PROBES)
                .waitDurationInOpenState(REST)
                .recordResult(result -> result instanceof HandlerResult.Again again && !again.answered())
                .clock(clock)
                .build();
        for (State state : List.of(State.OPEN, State.HALF_OPEN, State.CLOSED)) {
            transitions(state);
        }
    }

    @Override
    public HandlerResult handle(HandlerCall call) {
        Handler called = call.listener().handler();
        CircuitBreaker breaker = breakers.get(
                new Target(call.tenant(), addressOf(called)), target -> breaker(target.tenant(), nameOf(called)));
        if (!breaker.tryAcquirePermission()) {
            // spread out: all that wait for it would come back at once
            Duration pause = REST.plusMillis(ThreadLocalRandom.current().nextLong(REST.toMillis()));
            return new HandlerResult.Resting(
                    pause, nameOf(called) + " is resting after failures", "the handler is not available");
        }
        boolean counted = false;
        Instant begun = clock.instant();
        try {
            HandlerResult result = handler.handle(call);
            if (Thread.currentThread().isInterrupted() && !isOverTime(call, begun)) {
                return result; // cut short by us: nobody waits for it
            }
            breaker.onResult(0, TimeUnit.NANOSECONDS, result); // how long it may take is the listener's to say
            counted = true;
            return result;
        } finally {
            if (!counted) {
                breaker.releasePermission();
            }
        }
    }

    /** Its time began a moment before ours did. */
    private boolean isOverTime(HandlerCall call, Instant begun) {
        Duration taken = Duration.between(begun, clock.instant());
        return taken.multipliedBy(10).compareTo(call.time().multipliedBy(9)) >= 0;
    }

    @Override
    public boolean isInstant() {
        return handler.isInstant();
    }

    /** Targets that are remembered. */
    long targets() {
        breakers.cleanUp();
        return breakers.estimatedSize();
    }

    private CircuitBreaker breaker(TenantId tenant, String name) {
        CircuitBreaker breaker = CircuitBreaker.of(name, config);
        breaker.getEventPublisher().onStateTransition(event -> {
            State state = event.getStateTransition().getToState();
            LOG.warn("{} of tenant {} is {} now", name, tenant, state);
            transitions(state).increment();
        });
        return breaker;
    }

    private Counter transitions(State to) {
        return Counter.builder("agentserver.breaker.transitions")
                .tag("kind", kind)
                .tag("to", to.name().toLowerCase(Locale.ROOT))
                .description("services and models that were let rest, tried again, or trusted again")
                .register(registry);
    }

    private static String addressOf(Handler called) {
        return switch (called) {
            case Handler.Http http -> http.url().toString();
            case Handler.Llm llm -> llm.model();
            case Handler.Builtin(String name) -> name;
            case Handler.Java(String name) -> name;
        };
    }

    /** For the log and the dead letter: a URL's path and query may be secret. */
    private static String nameOf(Handler called) {
        return switch (called) {
            case Handler.Http http -> "the service at " + http.url().getHost();
            case Handler.Llm llm -> "the router's model " + llm.model();
            case Handler.Builtin(String name) -> name;
            case Handler.Java(String name) -> name;
        };
    }
}
