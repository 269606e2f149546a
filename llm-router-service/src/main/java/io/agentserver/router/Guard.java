package io.agentserver.router;

import io.agentserver.router.ModelHealth.Permission;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.LongSupplier;

/**
 * Keeps calls from one backend that would not answer them: over so many at once; and of one of its models while that one's
 * breaker is open or while the backend wants to be left alone with it ({@code Retry-After}). Never waits. Safe on any thread.
 *
 * <p>Only what no caller can bring about by what it asks for counts against a model: it cannot be reached, breaks off, is
 * silent, answers 5xx or rubbish. A model that the backend does not know, or a key that it does not take, does not; and
 * whatever counts does so against that model alone, so one tenant's slow model takes nothing from who asks for another.
 */
final class Guard {
    /** Models that it remembers something of; callers can name any. */
    static final int MOST_MODELS = 256;

    /** Likewise, where there is a guard for each of many tenants. */
    static final int FEW_MODELS = 16;

    private static final Duration SOON = Duration.ofSeconds(1);

    private final Limits limits;
    private final int mostModels;
    private final Semaphore places;
    private final Optional<Semaphore> shared;
    private final LongSupplier nanos;

    /** Of models that have failed or asked for rest, the one that was asked for longest ago first. */
    private final Map<String, ModelHealth> models = new LinkedHashMap<>(16, 0.75f, true);

    /**
     * @param mostAtOnce calls that run at the backend
     * @param window a breaker opens when half of so many calls have failed, or of a quarter of them where there were no more
     * @param rest how long it stays open before calls are tried again
     */
    record Limits(int mostAtOnce, int window, Duration rest) {
        static final Limits DEFAULT = new Limits(4_000, 20, Duration.ofSeconds(10));
        static final Limits NONE = new Limits(Integer.MAX_VALUE, 20, Duration.ofSeconds(10));
    }

    /** Whether a call may go. */
    sealed interface Entry {
        record Free(Pass pass) implements Entry {}

        /**
         * @param reason why not, for a message and a metric
         * @param left for how long at least
         */
        record Closed(String reason, Duration left) implements Entry {}
    }

    Guard(Limits limits) {
        this(limits, MOST_MODELS);
    }

    Guard(Limits limits, int mostModels) {
        this(limits, mostModels, Optional.empty(), System::nanoTime);
    }

    /** @param shared places that calls take besides, with those of other guards */
    Guard(Limits limits, int mostModels, Semaphore shared) {
        this(limits, mostModels, Optional.of(shared), System::nanoTime);
    }

    Guard(Limits limits, LongSupplier nanos) {
        this(limits, MOST_MODELS, Optional.empty(), nanos);
    }

    /** @param mostModels that it remembers something of */
    private Guard(Limits limits, int mostModels, Optional<Semaphore> shared, LongSupplier nanos) {
        this.limits = limits;
        this.mostModels = mostModels;
        this.places = new Semaphore(limits.mostAtOnce());
        this.shared = shared;
        this.nanos = nanos;
    }

    /** @param model as the backend knows it */
    Entry enter(String model) {
        Optional<ModelHealth> known = known(model);
        Duration left = known.map(ModelHealth::alone).orElse(Duration.ZERO);
        if (left.isPositive()) {
            return new Entry.Closed("wants to be left alone", left);
        }
        if (!places.tryAcquire()) {
            return new Entry.Closed("has " + limits.mostAtOnce() + " calls already", SOON);
        }
        if (shared.isPresent() && !shared.get().tryAcquire()) {
            places.release();
            return new Entry.Closed("has as many calls of all tenants together as it may", SOON);
        }
        Optional<Permission> permission = known.flatMap(ModelHealth::permission);
        if (known.isPresent() && permission.isEmpty()) {
            giveBack();
            return new Entry.Closed("has failed too often", SOON);
        }
        return new Entry.Free(new Pass(model, permission));
    }

    private void giveBack() {
        places.release();
        shared.ifPresent(Semaphore::release);
    }

    /** How many calls run at it. */
    int running() {
        return limits.mostAtOnce() - places.availablePermits();
    }

    boolean isOpen(String model) {
        return known(model).filter(ModelHealth::isOpen).isPresent();
    }

    /** How many models it remembers something of. */
    int models() {
        synchronized (models) {
            return models.size();
        }
    }

    private Optional<ModelHealth> known(String model) {
        synchronized (models) {
            return Optional.ofNullable(models.get(model));
        }
    }

    /** From a model's first failure on; one that was asked for longest ago is forgotten for it. */
    private ModelHealth of(String model) {
        synchronized (models) {
            ModelHealth health = models.computeIfAbsent(model, _ -> new ModelHealth(limits, nanos));
            if (models.size() > mostModels) {
                models.remove(models.keySet().iterator().next());
            }
            return health;
        }
    }

    /** One call's. What is said first of how it went counts; a break may follow an answer. */
    final class Pass {
        private final String model;
        private final Optional<Permission> permission;
        private final AtomicBoolean told = new AtomicBoolean();
        private final AtomicBoolean left = new AtomicBoolean();

        private Pass(String model, Optional<Permission> permission) {
            this.model = model;
            this.permission = permission;
        }

        /** It has begun to answer. */
        void answered() {
            if (told.compareAndSet(false, true)) {
                permission.ifPresentOrElse(
                        Permission::answered, () -> known(model).ifPresent(ModelHealth::answered));
            }
        }

        /** It gave no first token. */
        void failed(String reason) {
            if (told.compareAndSet(false, true)) {
                permission.ifPresentOrElse(
                        p -> p.failed(reason), () -> of(model).failed(reason));
            }
        }

        /** It has begun and did not end. */
        void broke(String reason) {
            of(model).failed(reason);
        }

        void refused(int status, Optional<Duration> retryAfter) {
            if (retryAfter.isPresent() && (status == 429 || status >= 500)) {
                of(model).leaveAlone(retryAfter.get());
            }
            if (status >= 500 || status == 408) {
                failed("answered " + status);
            } else {
                givenUp();
            }
        }

        /** Nothing is known of how it would have gone. */
        void givenUp() {
            if (told.compareAndSet(false, true)) {
                permission.ifPresent(Permission::givenUp);
            }
        }

        /** Nothing of it runs any more; how it went may be told after that. */
        void leave() {
            if (left.compareAndSet(false, true)) {
                giveBack();
            }
        }
    }
}
