package io.agentserver.router;

import io.agentserver.service.ConfigurationException;
import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/**
 * Makes the {@link RouteTable}: the providers whose keys are in the environment and {@code simulated} are always there;
 * the routes come from the operator's file or, without one, from which keys there are.
 */
final class RouteTables {
    private static final List<WellKnown> WELL_KNOWN = List.of(
            new WellKnown("openai", "https://api.openai.com/v1", "OPENAI_API_KEY", "gpt-4.1-mini"),
            new WellKnown("anthropic", "https://api.anthropic.com/v1", "ANTHROPIC_API_KEY", "claude-haiku-4-5"),
            new WellKnown("groq", "https://api.groq.com/openai/v1", "GROQ_API_KEY", "llama-3.3-70b-versatile"));
    private static final List<String> STANDARD_ROUTES = List.of("default", "fast", "cheap");

    private final HttpClient http;
    private final Function<String, @Nullable String> environment;
    private final Clock clock;

    /** @param model what a route without a file asks of it */
    private record WellKnown(String name, String url, String keyEnv, String model) {}

    RouteTables(HttpClient http, Function<String, @Nullable String> environment, Clock clock) {
        this.http = http;
        this.environment = environment;
        this.clock = clock;
    }

    /** By the keys in the environment. */
    RouteTable ofEnvironment() {
        Map<String, Backend> backends = wellKnown();
        List<Route.Target> chain = new ArrayList<>();
        for (WellKnown provider : WELL_KNOWN) {
            Backend backend = backends.get(provider.name());
            if (backend != null) {
                chain.add(new Route.Target(backend, provider.model()));
            }
        }
        if (chain.isEmpty()) {
            chain.add(new Route.Target(new SimulatedBackend(clock), SimulatedBackend.MODEL));
        }
        Map<String, Route> routes = new LinkedHashMap<>();
        for (String name : STANDARD_ROUTES) {
            routes.put(name, new Route(name, chain, Optional.empty(), Route.Limits.DEFAULT, Route.MAX_OUTPUT));
        }
        return new RouteTable(routes, backends, PriceList.builtIn());
    }

    /** @throws ConfigurationException with file, line, reason and remedy */
    RouteTable ofFile(Path file) {
        try {
            return of(RoutesFile.parse(file.toString(), Files.readString(file)));
        } catch (IOException unreadable) {
            throw new ConfigurationException(
                    "AGENTSERVER_LLM_ROUTES=" + file
                            + ": the file cannot be read: name a readable UTF-8 file or unset the variable",
                    unreadable);
        }
    }

    RouteTable of(RoutesFile file) {
        Map<String, Backend> backends = wellKnown();
        PriceList prices = PriceList.builtIn();
        List<String> seen = new ArrayList<>(List.of(SimulatedBackend.PROVIDER));
        for (RoutesFile.Provider provider : file.providers()) {
            if (seen.contains(provider.name())) {
                throw file.wrong(provider.line(), "a second provider " + provider.name(), "give it another name");
            }
            seen.add(provider.name());
            backends.put(
                    provider.name(),
                    new OpenAiBackend(
                            provider.name(),
                            provider.url(),
                            key(file, provider),
                            provider.cap().orElseGet(() -> OpenAiBackend.Cap.of(provider.url())),
                            http));
            if (provider.price().isPresent()) {
                prices = prices.with(provider.name(), provider.price().get());
            }
        }
        Map<String, Route> routes = new LinkedHashMap<>();
        for (RoutesFile.Entry entry : file.routes()) {
            List<Route.Target> chain = entry.chain().stream()
                    .map(model -> RouteTable.target(model, backends)
                            .orElseThrow(() -> file.wrong(
                                    entry.line(),
                                    "route " + entry.name() + ": no provider for <" + model + ">",
                                    "write provider/model; providers: " + String.join(", ", backends.keySet()))))
                    .toList();
            routes.put(entry.name(), new Route(entry.name(), chain, entry.stub(), entry.limits(), entry.maxOutput()));
        }
        return new RouteTable(routes, backends, prices);
    }

    private Map<String, Backend> wellKnown() {
        Map<String, Backend> backends = new LinkedHashMap<>();
        for (WellKnown provider : WELL_KNOWN) {
            secret(provider.keyEnv()).ifPresent(key -> backends.put(provider.name(), openAi(provider, key)));
        }
        backends.put(SimulatedBackend.PROVIDER, new SimulatedBackend(clock));
        return backends;
    }

    private Backend openAi(WellKnown provider, String key) {
        URI url = URI.create(provider.url());
        return new OpenAiBackend(provider.name(), url, Optional.of(key), OpenAiBackend.Cap.of(url), http);
    }

    private Optional<String> key(RoutesFile file, RoutesFile.Provider provider) {
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
