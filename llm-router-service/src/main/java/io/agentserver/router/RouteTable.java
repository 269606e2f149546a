package io.agentserver.router;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** All models that can be asked for: routes by their names, and every provider's models by {@code provider/model}. */
final class RouteTable {
    private final Chains chains;
    private final Map<String, Route> routes;
    private final Map<String, Backend> backends;
    private final Map<String, Servers> ownable;
    private final PriceList prices;
    private final KeyFiles keys;
    private final Route.Caching caching;

    /** What {@code GET /v1/models} shows of one. */
    record Model(String id, String owner) {}

    /** The routes, over these backends and at these prices. */
    interface Chains {
        Map<String, Route> over(Map<String, Backend> backends, PriceList prices);
    }

    /**
     * @param ownable providers that are not asked under the platform's key for a tenant that has an own one of that name, by
     *     their names; also such as have no backend here
     * @param caching of models that are asked for by {@code provider/model}
     * @param keys that its backends have
     */
    RouteTable(
            Chains chains,
            Map<String, Backend> backends,
            Map<String, Servers> ownable,
            PriceList prices,
            Route.Caching caching,
            KeyFiles keys) {
        this.chains = chains;
        this.routes = Collections.unmodifiableMap(new LinkedHashMap<>(chains.over(backends, prices)));
        this.backends = Collections.unmodifiableMap(new LinkedHashMap<>(backends));
        this.ownable = Map.copyOf(ownable);
        this.prices = prices;
        this.caching = caching;
        this.keys = keys;
    }

    Map<String, Servers> ownable() {
        return ownable;
    }

    /** This table as a tenant sees it that has keys of these providers itself, and pays them. */
    RouteTable with(Map<String, Backend> own) {
        Map<String, Backend> all = new LinkedHashMap<>(backends);
        all.putAll(own);
        return new RouteTable(chains, all, ownable, prices.unpaid(own.keySet()), caching, keys);
    }

    /** A route of that name; else {@code provider/model} as a chain of one without a stub. */
    Optional<Route> resolve(String model) {
        Route route = routes.get(model);
        return route != null
                ? Optional.of(route)
                : target(model, backends)
                        .map(target -> new Route(
                                model,
                                List.of(target),
                                Optional.empty(),
                                Route.Limits.DEFAULT,
                                Route.MAX_OUTPUT,
                                List.of(),
                                prices,
                                caching));
    }

    /** How long a call of this model may last; the longest of all, if there is no such model any more. */
    Duration totalOf(String model) {
        return resolve(model).map(route -> route.limits().total()).orElseGet(this::longestTotal);
    }

    /** How long any call may last. */
    Duration longestTotal() {
        return routes.values().stream()
                .map(route -> route.limits().total())
                .reduce(Route.Limits.DEFAULT.total(), (one, other) -> one.compareTo(other) > 0 ? one : other);
    }

    static Optional<Route.Target> target(String fullName, Map<String, Backend> backends) {
        int slash = fullName.indexOf('/');
        Backend backend = slash < 1 ? null : backends.get(fullName.substring(0, slash));
        return backend == null || slash == fullName.length() - 1
                ? Optional.empty()
                : Optional.of(new Route.Target(backend, fullName.substring(slash + 1)));
    }

    KeyFiles keys() {
        return keys;
    }

    /** A metric's label for it: callers can name any model, and labels are kept for ever. */
    String label(Route route) {
        return routes.containsKey(route.name()) ? route.name() : "none";
    }

    PriceList prices() {
        return prices;
    }

    /** Routes first, then what chains name and the price list knows. */
    List<Model> models() {
        Map<String, Model> models = new LinkedHashMap<>();
        routes.keySet().forEach(name -> models.put(name, new Model(name, "agentserver")));
        List<String> named = new ArrayList<>();
        routes.values().forEach(route -> route.targets().forEach(t -> named.add(t.fullName())));
        backends.keySet().forEach(provider -> named.addAll(prices.modelsOf(provider)));
        named.forEach(id -> models.putIfAbsent(id, new Model(id, id.substring(0, id.indexOf('/')))));
        return List.copyOf(models.values());
    }

    /** For a message to the user: the names of the routes and of the providers. */
    String known() {
        return "routes: " + String.join(", ", routes.keySet()) + "; models: "
                + String.join(
                        ", ", backends.keySet().stream().map(p -> p + "/…").toList());
    }

    /** Whether a model's name may be a metric's label: callers can name any model, and labels are kept for ever. */
    boolean isListed(String provider, String model) {
        return prices.knows(provider, model)
                || routes.values().stream()
                        .flatMap(Route::targets)
                        .anyMatch(t -> t.backend().provider().equals(provider)
                                && t.model().equals(model));
    }
}
