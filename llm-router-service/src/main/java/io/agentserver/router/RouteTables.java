package io.agentserver.router;

import io.agentserver.service.ConfigurationException;
import org.jspecify.annotations.Nullable;

import java.net.URI;
import java.net.http.HttpClient;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.function.Function;
import java.util.function.Predicate;

/**
 * Makes the {@link RouteTable}: the providers whose keys are in the environment and {@code simulated} are always there;
 * the routes come from the operator's file or, without one, from which keys there are.
 */
final class RouteTables {
    private static final List<WellKnown> WELL_KNOWN = List.of(
            new WellKnown(
                    "openai", ProviderEntry.Kind.OPENAI, "https://api.openai.com/v1", "OPENAI_API_KEY", "gpt-4.1-mini"),
            new WellKnown(
                    "anthropic",
                    ProviderEntry.Kind.ANTHROPIC,
                    "https://api.anthropic.com/v1",
                    "ANTHROPIC_API_KEY",
                    "claude-haiku-4-5"),
            new WellKnown(
                    "groq",
                    ProviderEntry.Kind.OPENAI,
                    "https://api.groq.com/openai/v1",
                    "GROQ_API_KEY",
                    "openai/gpt-oss-120b"));
    private static final List<String> STANDARD_ROUTES = List.of("default", "fast", "cheap");

    private final HttpClient http;
    private final Function<String, @Nullable String> environment;
    private final Clock clock;
    private final Route.Caching caching;
    private final Map<Guarded, Guard> guards = new ConcurrentHashMap<>();
    private final Map<Guarded, Semaphore> ownKeysPlaces = new ConcurrentHashMap<>();

    private record Guarded(String provider, String url, Guard.Limits limits) {}

    /** @param model what a route without a file asks of it */
    private record WellKnown(String name, ProviderEntry.Kind kind, URI url, String keyEnv, String model) {
        WellKnown(String name, ProviderEntry.Kind kind, String url, String keyEnv, String model) {
            this(name, kind, URI.create(url), keyEnv, model);
        }
    }

    /** @param caching where a route does not say */
    RouteTables(HttpClient http, Function<String, @Nullable String> environment, Clock clock, Route.Caching caching) {
        this.http = http;
        this.environment = environment;
        this.clock = clock;
        this.caching = caching;
    }

    /** By the keys in the environment. */
    RouteTable ofEnvironment() {
        return new RouteTable(
                this::standardRoutes, wellKnown(), ownable(_ -> true), PriceList.builtIn(), caching, KeyFiles.NONE);
    }

    private Map<String, Route> standardRoutes(Map<String, Backend> backends, PriceList prices) {
        List<Route.Target> chain = new ArrayList<>();
        for (WellKnown provider : WELL_KNOWN) {
            Backend backend = backends.get(provider.name());
            if (backend != null) {
                chain.add(new Route.Target(backend, provider.model()));
            }
        }
        if (chain.isEmpty()) {
            Backend simulated = Objects.requireNonNull(backends.get(SimulatedBackend.PROVIDER));
            chain.add(new Route.Target(simulated, SimulatedBackend.MODEL));
        }
        Map<String, Route> routes = new LinkedHashMap<>();
        for (String name : STANDARD_ROUTES) {
            routes.put(
                    name,
                    new Route(
                            name,
                            chain,
                            Optional.empty(),
                            Route.Limits.DEFAULT,
                            Route.MAX_OUTPUT,
                            List.of(),
                            prices,
                            caching));
        }
        return routes;
    }

    /** @throws ConfigurationException with file, line, reason and remedy */
    RouteTable of(RoutesFile file) {
        Map<String, Backend> backends = wellKnown();
        Map<String, Servers> ownable = ownable(provider -> takesOwnKeys(file, provider));
        PriceList prices = PriceList.builtIn();
        Map<Path, String> keys = new LinkedHashMap<>();
        List<String> seen = new ArrayList<>(List.of(SimulatedBackend.PROVIDER));
        for (ProviderEntry provider : file.providers()) {
            if (seen.contains(provider.name())) {
                throw file.wrong(provider.line(), "a second provider " + provider.name(), "give it another name");
            }
            seen.add(provider.name());
            Optional<String> key = key(file, provider);
            provider.keyFile().ifPresent(path -> keys.put(Path.of(path), KeyFiles.hash(key.orElse(""))));
            backends.put(provider.name(), pool(provider, key));
            ownable.remove(provider.name());
            if (provider.kind() != ProviderEntry.Kind.SIMULATED
                    && (takesOwnKeys(provider) || isWellKnown(provider.name()))) {
                ownable.put(provider.name(), servers(provider));
            }
            if (provider.price().isPresent()) {
                prices = prices.withAll(provider.name(), provider.price().get());
            }
        }
        requireNamesWithoutEntry(file);
        for (RoutesFile.PriceCap cap : file.priceCaps()) {
            prices = capped(prices, cap, file);
        }
        requirePrices(file, prices);
        RouteTable table = new RouteTable(
                (some, at) -> routes(file, some, at), backends, ownable, prices, caching, new KeyFiles(keys));
        keepOnly(backends, ownable); // the file is right
        return table;
    }

    private Map<String, Route> routes(RoutesFile file, Map<String, Backend> backends, PriceList prices) {
        Map<String, Route> routes = new LinkedHashMap<>();
        for (RoutesFile.Entry entry : file.routes()) {
            List<Route.Target> chain = new ArrayList<>();
            for (RoutesFile.Link link : entry.chain()) {
                Route.Target target = target(file, entry, link.model(), backends);
                chain.add(new Route.Target(target.backend(), target.model(), link.step(), link.weight()));
            }
            List<Route.Target> cheapest = entry.cheapest().stream()
                    .map(model -> target(file, entry, model, backends))
                    .toList();
            Route route = new Route(
                    entry.name(),
                    chain,
                    entry.stub(),
                    entry.limits(),
                    entry.maxOutput(),
                    cheapest,
                    prices,
                    new Route.Caching(
                            entry.cache().orElse(caching.ttl()),
                            entry.hitPrice(),
                            entry.cache().isPresent()));
            route.unpriced().ifPresent(reason -> {
                throw file.wrong(entry.line(), "route " + entry.name() + ": " + reason, "name another model");
            });
            route.unlisted().ifPresent(model -> {
                throw file.wrong(
                        entry.line(),
                        "route " + entry.name() + ": the price list has no row for " + model,
                        "name another model, or say in price_caps what it is charged at");
            });
            routes.put(entry.name(), route);
        }
        return routes;
    }

    /**
     * What stands under a well-known name need not be that provider: a server that looks at no key would serve whoever has
     * stored any, for nothing.
     */
    private static boolean takesOwnKeys(ProviderEntry provider) {
        return provider.ownKeys().orElse(false);
    }

    /** One that has no entry. */
    private static boolean takesOwnKeys(RoutesFile file, String provider) {
        return file.ownKeys()
                .map(named -> named.stream().anyMatch(of -> of.provider().equals(provider)))
                .orElse(true);
    }

    private static void requireNamesWithoutEntry(RoutesFile file) {
        for (RoutesFile.OwnKeysOf named : file.ownKeys().orElse(List.of())) {
            if (file.providers().stream().anyMatch(own -> own.name().equals(named.provider()))) {
                throw file.wrong(
                        named.line(),
                        "own_keys: " + named.provider() + " has an entry",
                        "write own_keys: true there, and not here");
            }
            if (!isWellKnown(named.provider())) {
                throw file.wrong(
                        named.line(),
                        "own_keys: <" + named.provider() + "> is no provider without an entry",
                        "write those of openai, anthropic and groq that tenants' own keys are taken of");
            }
        }
    }

    private static boolean isWellKnown(String name) {
        return WELL_KNOWN.stream().anyMatch(provider -> provider.name().equals(name));
    }

    /** Also of a provider whose key is not here: one file does for many routers. */
    private static PriceList capped(PriceList prices, RoutesFile.PriceCap cap, RoutesFile file) {
        if (!isWellKnown(cap.provider())) {
            throw file.wrong(
                    cap.line(),
                    "price_caps: <" + cap.provider() + "> is no provider with a price list",
                    "write openai, anthropic or groq; a provider of your own has its price in its own entry");
        }
        if (file.providers().stream()
                .anyMatch(
                        own -> own.name().equals(cap.provider()) && own.price().isPresent())) {
            throw file.wrong(
                    cap.line(), cap.provider() + " has a price in its own entry and a cap", "keep one of them");
        }
        return prices.with(cap.provider(), cap.price());
    }

    /** A provider that the price list does not know says what it takes, if it is nothing too. */
    private static void requirePrices(RoutesFile file, PriceList prices) {
        for (ProviderEntry provider : file.providers()) {
            if (provider.price().isEmpty() && prices.modelsOf(provider.name()).isEmpty()) {
                throw file.wrong(
                        provider.line(),
                        "provider " + provider.name() + " has no price",
                        "write price: {input: …, output: …} in micro-USD for a million tokens, or price: free");
            }
        }
    }

    private static Route.Target target(
            RoutesFile file, RoutesFile.Entry entry, String model, Map<String, Backend> backends) {
        return RouteTable.target(model, backends)
                .orElseThrow(() -> file.wrong(
                        entry.line(),
                        "route " + entry.name() + ": no provider for <" + model + ">",
                        "write provider/model; providers: " + String.join(", ", backends.keySet())));
    }

    private Pool pool(ProviderEntry provider, Optional<String> key) {
        if (provider.kind() == ProviderEntry.Kind.SIMULATED) {
            Backend backend = new SimulatedBackend(provider.name(), provider.simulation(), clock);
            return new Pool(
                    provider.name(), List.of(new Replica(backend, guard(provider.name(), "", provider.guard()))));
        }
        return platforms(servers(provider), key);
    }

    private Servers servers(ProviderEntry provider) {
        return servers(
                provider.name(),
                provider.kind(),
                provider.urls(),
                provider.cap(),
                provider.guard(),
                takesOwnKeys(provider));
    }

    private Servers servers(
            String name,
            ProviderEntry.Kind kind,
            List<URI> urls,
            Optional<OpenAiBackend.Cap> cap,
            Guard.Limits limits,
            boolean takesOwnKeys) {
        return new Servers(
                name,
                urls,
                limits,
                takesOwnKeys,
                url -> places(name, url.toString(), limits),
                kind == ProviderEntry.Kind.ANTHROPIC
                        ? (url, key) -> new AnthropicBackend(name, url, key, http, clock)
                        : (url, key) -> new OpenAiBackend(
                                name, url, key, cap.orElseGet(() -> OpenAiBackend.Cap.of(url)), http));
    }

    private Pool platforms(Servers servers, Optional<String> key) {
        return servers.under(Credential.of(key), (url, limits) -> guard(servers.provider(), url.toString(), limits));
    }

    /** The same one for the same server after the file was loaded again: what is known of it stays, calls go on. */
    private Guard guard(String provider, String url, Guard.Limits limits) {
        return guards.computeIfAbsent(new Guarded(provider, url, limits), guarded -> new Guard(guarded.limits()));
    }

    /** Likewise. */
    private Semaphore places(String provider, String url, Guard.Limits limits) {
        return ownKeysPlaces.computeIfAbsent(
                new Guarded(provider, url, limits),
                guarded -> new Semaphore(guarded.limits().mostAtOnce()));
    }

    /** Forgets the guards of servers that are in no table any more; calls that run at one keep it. */
    private void keepOnly(Map<String, Backend> backends, Map<String, Servers> ownable) {
        ownKeysPlaces.keySet().removeIf(guarded -> {
            Servers servers = ownable.get(guarded.provider());
            return servers == null
                    || !servers.limits().equals(guarded.limits())
                    || servers.urls().stream().noneMatch(url -> url.toString().equals(guarded.url()));
        });
        Set<Guard> used = Collections.newSetFromMap(new IdentityHashMap<>());
        backends.values().forEach(backend -> backend.inTurn().forEach(replica -> used.add(replica.guard())));
        guards.values().retainAll(used);
    }

    /** How many it keeps. */
    int guards() {
        return guards.size();
    }

    private Map<String, Backend> wellKnown() {
        Map<String, Backend> backends = new LinkedHashMap<>();
        for (WellKnown provider : WELL_KNOWN) {
            Optional<String> key = secret(provider.keyEnv());
            if (key.isPresent()) {
                backends.put(provider.name(), platforms(servers(provider, true), key));
            }
        }
        backends.put(
                SimulatedBackend.PROVIDER,
                new Pool(
                        SimulatedBackend.PROVIDER,
                        List.of(new Replica(
                                new SimulatedBackend(clock),
                                guard(SimulatedBackend.PROVIDER, "", Guard.Limits.NONE)))));
        return backends;
    }

    /** Also where the platform itself has no key. */
    private Map<String, Servers> ownable(Predicate<String> takesOwnKeys) {
        Map<String, Servers> ownable = new LinkedHashMap<>();
        WELL_KNOWN.forEach(
                provider -> ownable.put(provider.name(), servers(provider, takesOwnKeys.test(provider.name()))));
        return ownable;
    }

    private Servers servers(WellKnown provider, boolean takesOwnKeys) {
        return servers(
                provider.name(),
                provider.kind(),
                List.of(provider.url()),
                Optional.empty(),
                Guard.Limits.DEFAULT,
                takesOwnKeys);
    }

    private Optional<String> key(RoutesFile file, ProviderEntry provider) {
        if (provider.keyFile().isPresent()) {
            Path path = Path.of(provider.keyFile().get());
            Optional<String> key = KeyFiles.read(path);
            if (key.isEmpty()) {
                throw file.wrong(
                        provider.line(),
                        "provider " + provider.name() + ": no key can be read from " + path,
                        "write it there, or remove key_file");
            }
            return key;
        }
        Optional<String> key = provider.keyEnv().flatMap(this::secret);
        if (provider.keyEnv().isPresent() && key.isEmpty()) {
            throw file.wrong(
                    provider.line(),
                    "provider " + provider.name() + ": " + provider.keyEnv().get() + " is not in the environment",
                    "set it, or remove key_env");
        }
        return key;
    }

    private Optional<String> secret(String variable) {
        return Optional.ofNullable(environment.apply(variable))
                .map(String::strip)
                .filter(key -> !key.isEmpty());
    }
}
