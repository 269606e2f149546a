package io.agentserver.router;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.random.RandomGenerator;
import java.util.stream.Stream;

/**
 * Where a model's name leads: backends to be tried in this order, and what is answered when none of them answers.
 *
 * @param stub the text of the stub answer; none: 503
 * @param maxOutput tokens of an answer for which credit is held, where the request has no {@code max_tokens}
 * @param cheapest when the chain has failed: these, the cheapest one first
 * @param prices as they are while the call runs, whatever is loaded meanwhile
 * @param caching of its answers
 */
record Route(
        String name,
        List<Target> chain,
        Optional<String> stub,
        Limits limits,
        int maxOutput,
        List<Target> cheapest,
        PriceList prices,
        Caching caching) {
    static final int MAX_OUTPUT = 4096;

    /**
     * A model at a provider.
     *
     * @param step targets of the same step share its calls by their weights
     */
    record Target(Backend backend, String model, int step, int weight) {
        /** A step of its own. */
        Target(Backend backend, String model) {
            this(backend, model, -1, 1);
        }

        String fullName() {
            return backend.provider() + "/" + model;
        }
    }

    /**
     * How long is waited.
     *
     * @param firstToken for each backend's first token; until then the next backend can take over
     * @param silence between two tokens
     * @param total from the call's arrival to the answer's end
     * @param embeddings for each backend's answer to embeddings, which come all at once
     */
    record Limits(Duration firstToken, Duration silence, Duration total, Duration embeddings) {
        static final Limits DEFAULT =
                new Limits(Duration.ofSeconds(5), Duration.ofSeconds(15), Duration.ofSeconds(120));

        Limits {
            if (!firstToken.isPositive() || !silence.isPositive() || !total.isPositive() || !embeddings.isPositive()) {
                throw new IllegalArgumentException("time limits " + firstToken + ", " + silence + ", " + total + ", "
                        + embeddings + ": each must be over 0");
            }
        }

        Limits(Duration firstToken, Duration silence, Duration total) {
            this(firstToken, silence, total, Duration.ofSeconds(60));
        }

        /** For how long a backend may say nothing of an answer. */
        Duration beginning(ChatRequest.Kind kind) {
            return kind == ChatRequest.Kind.EMBEDDINGS ? embeddings : firstToken;
        }
    }

    /**
     * How answers are kept.
     *
     * @param ttl 0: they are not
     * @param hitPrice what a tenant pays for one that is kept, in micro-USD
     * @param simulated also those of simulated models, which nobody needs: they cost nothing, and who asks wants to see how they fail
     */
    record Caching(Duration ttl, long hitPrice, boolean simulated) {
        static final Caching NONE = new Caching(Duration.ZERO, 0, false);
    }

    Route {
        chain = List.copyOf(chain);
        cheapest = List.copyOf(cheapest);
        if (chain.isEmpty()) {
            throw new IllegalArgumentException("route " + name + ": its chain is empty; name at least one model");
        }
        if (maxOutput < 1) {
            throw new IllegalArgumentException("route " + name + ": max_output " + maxOutput + ": write 1 or more");
        }
    }

    /** At the prices of this jar. */
    Route(String name, List<Target> chain, Optional<String> stub, Limits limits, int maxOutput) {
        this(name, chain, stub, limits, maxOutput, List.of(), PriceList.builtIn(), Caching.NONE);
    }

    boolean isCached() {
        return caching.ttl().isPositive()
                && (caching.simulated()
                        || targets()
                                .allMatch(target -> target.backend().address().isPresent()));
    }

    /** All that may answer. */
    Stream<Target> targets() {
        return Stream.concat(chain.stream(), cheapest.stream());
    }

    /** Whether its tenant pays the provider itself, whichever of them answers. */
    boolean isPaidByTenant() {
        return targets().allMatch(target -> target.backend().isTenants());
    }

    /** Why one of them cannot be paid by its tokens; empty: all can. */
    Optional<String> unpriced() {
        return targets()
                .flatMap(target -> prices
                        .refuses(target.backend().provider(), target.model())
                        .map(reason -> target.fullName() + " is not taken here: " + reason)
                        .stream())
                .findFirst();
    }

    /** The first of them that has no price; empty: all have one. */
    Optional<String> unlisted() {
        return targets()
                .filter(target ->
                        prices.of(target.backend().provider(), target.model()).isEmpty())
                .map(Target::fullName)
                .findFirst();
    }

    /** Of a route that has none {@link #unlisted}: no other is called. */
    Price priceOf(Target target) {
        return prices.of(target.backend().provider(), target.model()).orElseThrow();
    }

    /** The order in which one call tries them: within a step by weight, the others of the step after the one drawn. */
    List<Target> inOrder(RandomGenerator random) {
        List<Target> order = new ArrayList<>();
        int from = 0;
        while (from < chain.size()) {
            int to = from + 1;
            while (to < chain.size()
                    && chain.get(to).step() >= 0
                    && chain.get(to).step() == chain.get(from).step()) {
                to++;
            }
            draw(new ArrayList<>(chain.subList(from, to)), random, order);
            from = to;
        }
        order.addAll(cheapest);
        return order;
    }

    private static void draw(List<Target> step, RandomGenerator random, List<Target> order) {
        while (!step.isEmpty()) {
            int drawn = step.size() == 1
                    ? 0
                    : random.nextInt(step.stream().mapToInt(Target::weight).sum());
            int chosen = 0;
            while (step.size() > 1 && drawn >= step.get(chosen).weight()) {
                drawn -= step.get(chosen).weight();
                chosen++;
            }
            order.add(step.remove(chosen));
        }
    }
}
