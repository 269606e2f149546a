package io.agentserver.router;

import io.agentserver.service.ConfigurationException;
import org.yaml.snakeyaml.nodes.MappingNode;
import org.yaml.snakeyaml.nodes.Node;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The operator's {@code AGENTSERVER_LLM_ROUTES} file, read and checked for its form; {@link RouteTables} checks what it
 * refers to. The first thing wrong is a {@link ConfigurationException} with file, line, reason and remedy.
 */
record RoutesFile(
        String name,
        List<ProviderEntry> providers,
        Optional<List<OwnKeysOf>> ownKeys,
        List<PriceCap> priceCaps,
        List<Entry> routes) {
    /** A provider without an entry that tenants' own keys are taken of; where none is named, not even by an empty list, all are. */
    record OwnKeysOf(int line, String provider) {}

    /** @param price of a provider's models that the price list has no row for */
    record PriceCap(int line, String provider, Price price) {}

    /**
     * A model of a chain.
     *
     * @param step models of the same step share its calls by their weights
     */
    record Link(String model, int step, int weight) {}

    /**
     * @param cheapest models to be tried after the chain, the cheapest first
     * @param cache how long answers are kept; 0: not at all
     * @param hitPrice of a kept one, in micro-USD
     */
    record Entry(
            int line,
            String name,
            List<Link> chain,
            List<String> cheapest,
            Optional<String> stub,
            Route.Limits limits,
            int maxOutput,
            Optional<Duration> cache,
            int hitPrice) {}

    static RoutesFile parse(String name, String text) {
        YamlNodes yaml = new YamlNodes(name);
        Node root = yaml.parse(text);
        Map<String, Node> top = yaml.members(root, "the file", Set.of("providers", "own_keys", "price_caps", "routes"));
        List<ProviderEntry> providers = new ArrayList<>();
        for (Node node : yaml.elements(top.get("providers"), "providers")) {
            providers.add(ProviderEntry.parse(node, yaml));
        }
        Optional<List<OwnKeysOf>> ownKeys = Optional.ofNullable(top.get("own_keys"))
                .map(named -> yaml.elements(named, "own_keys").stream()
                        .map(node -> new OwnKeysOf(yaml.line(node), yaml.text(node)))
                        .toList());
        List<PriceCap> caps = new ArrayList<>();
        Node capped = top.get("price_caps");
        if (capped != null) {
            yaml.members(capped, "price_caps", null)
                    .forEach((provider, cap) ->
                            caps.add(new PriceCap(yaml.line(cap), provider, ProviderEntry.priceCap(cap, yaml))));
        }
        Node table = top.get("routes");
        if (table == null) {
            throw yaml.wrong(root, "no routes", "write at least routes: {default: {chain: […]}}");
        }
        List<Entry> routes = new ArrayList<>();
        yaml.members(table, "routes", null).forEach((route, node) -> routes.add(route(route, node, yaml)));
        return new RoutesFile(name, List.copyOf(providers), ownKeys, List.copyOf(caps), List.copyOf(routes));
    }

    ConfigurationException wrong(int line, String reason, String remedy) {
        return new YamlNodes(name).wrong(line, reason, remedy);
    }

    private static Entry route(String name, Node node, YamlNodes yaml) {
        if (name.contains("/") || name.isBlank()) {
            throw yaml.wrong(node, "route <" + name + ">", "a route's name has no slash");
        }
        Map<String, Node> members = yaml.members(
                node,
                "route " + name,
                Set.of(
                        "chain",
                        "cheapest",
                        "stub",
                        "first_token",
                        "silence",
                        "total",
                        "embeddings",
                        "max_output",
                        "cache",
                        "hit_price"));
        List<Link> chain = new ArrayList<>();
        int step = 0;
        for (Node link : yaml.elements(members.get("chain"), "chain of route " + name)) {
            chain.addAll(links(link, step++, yaml));
        }
        if (chain.isEmpty()) {
            throw yaml.wrong(node, "route " + name + " has no chain", "name at least one provider/model");
        }
        Route.Limits standard = Route.Limits.DEFAULT;
        return new Entry(
                yaml.line(node),
                name,
                List.copyOf(chain),
                yaml.elements(members.get("cheapest"), "cheapest of route " + name).stream()
                        .map(yaml::text)
                        .toList(),
                Optional.ofNullable(members.get("stub")).map(yaml::text),
                new Route.Limits(
                        yaml.duration(members.get("first_token"), standard.firstToken()),
                        yaml.duration(members.get("silence"), standard.silence()),
                        yaml.duration(members.get("total"), standard.total()),
                        yaml.duration(members.get("embeddings"), standard.embeddings())),
                yaml.count(members.get("max_output"), "max_output", 9_999_999, "tokens", Route.MAX_OUTPUT),
                Optional.ofNullable(members.get("cache"))
                        .map(cache ->
                                yaml.text(cache).equals("off") ? Duration.ZERO : yaml.duration(cache, Duration.ZERO)),
                yaml.count(members.get("hit_price"), "hit_price", 999_999_999, "micro-USD", 0));
    }

    /** A model, or several with their weights. */
    private static List<Link> links(Node node, int step, YamlNodes yaml) {
        if (!(node instanceof MappingNode)) {
            return List.of(new Link(yaml.text(node), step, 1));
        }
        List<Link> links = new ArrayList<>();
        yaml.members(node, "a step of a chain", null)
                .forEach((model, weight) ->
                        links.add(new Link(model, step, yaml.count(weight, "weight", 1_000_000, "as a weight", 1))));
        return links;
    }
}
