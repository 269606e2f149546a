package io.agentserver.router;

import org.jspecify.annotations.Nullable;
import org.yaml.snakeyaml.nodes.Node;
import org.yaml.snakeyaml.nodes.ScalarNode;

import java.net.URI;
import java.net.URISyntaxException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * One provider of the routes file.
 *
 * @param urls of its replicas; none: it is simulated
 * @param keyEnv the environment variable that holds its key; none, and no {@code keyFile}: it takes no key
 * @param keyFile the file that holds its key
 * @param cap by which name it is told how long an answer may be; none: by its host
 * @param price of all its models that the price list has no row for
 * @param guard of each replica; of a tenant's own key too, which has guards of its own
 * @param ownKeys whether it is asked under a tenant's own key, where the tenant has one of that name; empty: it does not say, which is no
 */
record ProviderEntry(
        int line,
        String name,
        Kind kind,
        List<URI> urls,
        Optional<String> keyEnv,
        Optional<String> keyFile,
        Optional<OpenAiBackend.Cap> cap,
        Optional<Price> price,
        Guard.Limits guard,
        Optional<Boolean> ownKeys,
        Simulation simulation) {
    private static final Pattern NAME = Pattern.compile("[a-z][a-z0-9-]{0,62}");
    private static final Set<String> KEYS = Set.of(
            "name",
            "kind",
            "url",
            "urls",
            "key_env",
            "key_file",
            "own_keys",
            "cap",
            "price",
            "max_concurrent",
            "breaker");
    private static final Set<String> SIMULATED = Set.of(
            "name",
            "kind",
            "price",
            "max_concurrent",
            "breaker",
            "seed",
            "first_token",
            "per_token",
            "input_tokens",
            "output_tokens",
            "fail",
            "rate_limit",
            "hang",
            "break");

    /** What it speaks. */
    enum Kind {
        OPENAI,
        ANTHROPIC,
        SIMULATED
    }

    ProviderEntry {
        urls = List.copyOf(urls);
    }

    static ProviderEntry parse(Node node, YamlNodes yaml) {
        Kind kind = kind(yaml.members(node, "a provider", null).get("kind"), yaml);
        Map<String, Node> members = yaml.members(node, "a provider", kind == Kind.SIMULATED ? SIMULATED : KEYS);
        String name = yaml.required(members, "name", node);
        if (!NAME.matcher(name).matches()) {
            throw yaml.wrong(node, "provider <" + name + ">", "a name is [a-z][a-z0-9-]*");
        }
        if (members.containsKey("key_env") && members.containsKey("key_file")) {
            throw yaml.wrong(node, "key_env and key_file", "keep one of them");
        }
        Node price = members.get("price");
        return new ProviderEntry(
                yaml.line(node),
                name,
                kind,
                kind == Kind.SIMULATED ? List.of() : urls(members, node, yaml),
                Optional.ofNullable(members.get("key_env")).map(yaml::text),
                Optional.ofNullable(members.get("key_file")).map(yaml::text),
                Optional.ofNullable(members.get("cap")).map(cap -> cap(cap, yaml)),
                priceIn(price, kind, yaml),
                guard(members, yaml),
                Optional.ofNullable(members.get("own_keys")).map(own -> isTrue("own_keys", own, yaml)),
                simulation(members, yaml));
    }

    /** Simulated ones cost nothing to ask. */
    private static Optional<Price> priceIn(@Nullable Node node, Kind kind, YamlNodes yaml) {
        return node != null
                ? Optional.of(price(node, yaml))
                : kind == Kind.SIMULATED ? Optional.of(Price.FREE) : Optional.empty();
    }

    private static Kind kind(@Nullable Node node, YamlNodes yaml) {
        return switch (node == null ? "openai" : yaml.text(node)) {
            case "openai" -> Kind.OPENAI;
            case "anthropic" -> Kind.ANTHROPIC;
            case "simulated" -> Kind.SIMULATED;
            default ->
                throw yaml.wrong(
                        Objects.requireNonNull(node),
                        "kind <" + yaml.text(Objects.requireNonNull(node)) + ">",
                        "write openai (also for every compatible server), anthropic or simulated");
        };
    }

    private static List<URI> urls(Map<String, Node> members, Node owner, YamlNodes yaml) {
        if (!members.containsKey("urls")) {
            return List.of(url(yaml.required(members, "url", owner), owner, yaml));
        }
        if (members.containsKey("url")) {
            throw yaml.wrong(owner, "url and urls", "keep one of them");
        }
        List<URI> urls = new ArrayList<>();
        for (Node node : yaml.elements(members.get("urls"), "urls")) {
            urls.add(url(yaml.text(node), node, yaml));
        }
        if (urls.isEmpty() || Set.copyOf(urls).size() < urls.size()) {
            throw yaml.wrong(owner, "urls is empty or has one twice", "name each replica once");
        }
        return urls;
    }

    private static URI url(String text, Node node, YamlNodes yaml) {
        try {
            URI url = new URI(text.endsWith("/") ? text.substring(0, text.length() - 1) : text);
            if (Set.of("http", "https").contains(String.valueOf(url.getScheme()))
                    && url.getHost() != null
                    && url.getQuery() == null) {
                return url;
            }
        } catch (URISyntaxException malformed) {
            // told below, as for every other text that is no base URL
        }
        throw yaml.wrong(node, "url <" + text + ">", "write a base URL like http://127.0.0.1:8000/v1");
    }

    private static OpenAiBackend.Cap cap(Node node, YamlNodes yaml) {
        return switch (yaml.text(node)) {
            case "max_tokens" -> OpenAiBackend.Cap.MAX_TOKENS;
            case "max_completion_tokens" -> OpenAiBackend.Cap.MAX_COMPLETION_TOKENS;
            default ->
                throw yaml.wrong(
                        node,
                        "cap <" + yaml.text(node) + ">",
                        "write max_tokens or max_completion_tokens, as the provider knows it");
        };
    }

    /** Who may think without showing it is not known of models that nobody has looked at: they do, unless it says otherwise. */
    static Price priceCap(Node node, YamlNodes yaml) {
        return price(node, yaml, true);
    }

    private static Price price(Node node, YamlNodes yaml) {
        return node instanceof ScalarNode && yaml.text(node).matches("free|0") ? Price.FREE : price(node, yaml, false);
    }

    private static Price price(Node node, YamlNodes yaml, boolean hiddenReasoning) {
        Map<String, Node> members = yaml.members(
                node,
                "price",
                Set.of("input", "cached_input", "cache_write", "output", "image", "hidden_reasoning", "tool_preamble"));
        long input = amount(members, "input", node, yaml);
        Node hidden = members.get("hidden_reasoning");
        return new Price(
                input,
                members.containsKey("cached_input") ? amount(members, "cached_input", node, yaml) : input,
                amount(members, "output", node, yaml),
                members.containsKey("image") ? amount(members, "image", node, yaml) : Price.IMAGE,
                hidden == null ? hiddenReasoning : isTrue("hidden_reasoning", hidden, yaml),
                members.containsKey("cache_write") ? amount(members, "cache_write", node, yaml) : input,
                members.containsKey("tool_preamble") ? amount(members, "tool_preamble", node, yaml) : 0);
    }

    private static boolean isTrue(String key, Node node, YamlNodes yaml) {
        return switch (yaml.text(node)) {
            case "true" -> true;
            case "false" -> false;
            default -> throw yaml.wrong(node, key + " <" + yaml.text(node) + ">", "write true or false");
        };
    }

    private static long amount(Map<String, Node> members, String key, Node owner, YamlNodes yaml) {
        String text = yaml.required(members, key, owner);
        if (!text.matches("[0-9]{1,12}")) {
            throw yaml.wrong(
                    owner,
                    "price " + key + " <" + text + ">",
                    key.equals("image") || key.equals("tool_preamble")
                            ? "write how many tokens it has at most"
                            : "write whole micro-USD for a million tokens, 1000000 for a dollar");
        }
        return Long.parseLong(text);
    }

    private static Guard.Limits guard(Map<String, Node> members, YamlNodes yaml) {
        Guard.Limits standard = Guard.Limits.DEFAULT;
        Node breaker = members.get("breaker");
        Map<String, Node> settings =
                breaker == null ? Map.of() : yaml.members(breaker, "breaker", Set.of("window", "rest"));
        return new Guard.Limits(
                yaml.count(members.get("max_concurrent"), "max_concurrent", 1_000_000, "calls", standard.mostAtOnce()),
                yaml.count(settings.get("window"), "window", 1_000, "calls", standard.window()),
                yaml.duration(settings.get("rest"), standard.rest()));
    }

    private static Simulation simulation(Map<String, Node> members, YamlNodes yaml) {
        return new Simulation(
                yaml.count(members.get("seed"), "seed", Integer.MAX_VALUE, "as the seed", 1),
                yaml.duration(members.get("first_token"), Duration.ZERO),
                yaml.duration(members.get("per_token"), Duration.ZERO),
                yaml.count(members.get("input_tokens"), "input_tokens", 10_000_000, "tokens", 0),
                yaml.count(members.get("output_tokens"), "output_tokens", 1_000_000, "tokens", 0),
                yaml.share(members.get("fail"), "fail"),
                yaml.share(members.get("rate_limit"), "rate_limit"),
                yaml.share(members.get("hang"), "hang"),
                yaml.share(members.get("break"), "break"));
    }
}
