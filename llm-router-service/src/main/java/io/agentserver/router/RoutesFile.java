package io.agentserver.router;

import io.agentserver.service.ConfigurationException;
import org.jspecify.annotations.Nullable;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.constructor.SafeConstructor;
import org.yaml.snakeyaml.error.MarkedYAMLException;
import org.yaml.snakeyaml.error.YAMLException;
import org.yaml.snakeyaml.nodes.MappingNode;
import org.yaml.snakeyaml.nodes.Node;
import org.yaml.snakeyaml.nodes.NodeTuple;
import org.yaml.snakeyaml.nodes.ScalarNode;
import org.yaml.snakeyaml.nodes.SequenceNode;

import java.net.URI;
import java.net.URISyntaxException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The operator's {@code AGENTSERVER_LLM_ROUTES} file, read and checked for its form; {@link RouteTables} checks what it
 * refers to. The first thing wrong is a {@link ConfigurationException} with file, line, reason and remedy.
 */
record RoutesFile(String name, List<Provider> providers, List<Entry> routes) {
    private static final Pattern NAME = Pattern.compile("[a-z][a-z0-9-]{0,62}");
    private static final Pattern DURATION = Pattern.compile("([0-9]{1,6})(ms|s|m)");

    /**
     * @param keyEnv the environment variable that holds the provider's key; none: it takes no key
     * @param cap by which name it is told how long an answer may be; none: by its host
     * @param price of all its models that the price list has no row for
     */
    record Provider(
            int line,
            String name,
            URI url,
            Optional<String> keyEnv,
            Optional<OpenAiBackend.Cap> cap,
            Optional<Price> price) {}

    record Entry(
            int line, String name, List<String> chain, Optional<String> stub, Route.Limits limits, int maxOutput) {}

    static RoutesFile parse(String name, String yaml) {
        return new Parser(name).parse(yaml);
    }

    ConfigurationException wrong(int line, String reason, String remedy) {
        return wrong(name, line, reason, remedy);
    }

    private static ConfigurationException wrong(String file, int line, String reason, String remedy) {
        return new ConfigurationException(
                "AGENTSERVER_LLM_ROUTES=" + file + " line " + line + ": " + reason + "; " + remedy);
    }

    private record Parser(String file) {
        RoutesFile parse(String yaml) {
            Node root;
            try {
                root = new Yaml(new SafeConstructor(new LoaderOptions())).compose(new java.io.StringReader(yaml));
            } catch (MarkedYAMLException malformed) {
                int line = malformed.getProblemMark() == null
                        ? 1
                        : malformed.getProblemMark().getLine() + 1;
                throw wrong(file, line, "not YAML: " + malformed.getProblem(), "mend it there");
            } catch (YAMLException malformed) {
                throw wrong(file, 1, "not YAML: " + malformed.getMessage(), "mend it");
            }
            if (root == null) {
                throw wrong(file, 1, "the file is empty", "write providers and routes, or unset the variable");
            }
            Map<String, Node> top = members(root, "the file", Set.of("providers", "routes"));
            List<Provider> providers = new ArrayList<>();
            for (Node node : elements(top.get("providers"), "providers")) {
                providers.add(provider(node));
            }
            List<Entry> routes = new ArrayList<>();
            Node table = top.get("routes");
            if (table == null) {
                throw wrong(file, line(root), "no routes", "write at least routes: {default: {chain: […]}}");
            }
            members(table, "routes", null).forEach((route, node) -> routes.add(route(route, node)));
            return new RoutesFile(file, List.copyOf(providers), List.copyOf(routes));
        }

        private Provider provider(Node node) {
            Map<String, Node> members = members(node, "a provider", Set.of("name", "url", "key_env", "cap", "price"));
            String name = required(members, "name", node);
            if (!NAME.matcher(name).matches()) {
                throw wrong(file, line(node), "provider <" + name + ">", "a name is [a-z][a-z0-9-]*");
            }
            Node price = members.get("price");
            return new Provider(
                    line(node),
                    name,
                    url(required(members, "url", node), node),
                    Optional.ofNullable(members.get("key_env")).map(this::text),
                    Optional.ofNullable(members.get("cap")).map(this::cap),
                    price == null ? Optional.empty() : Optional.of(price(price)));
        }

        private URI url(String text, Node node) {
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
            throw wrong(file, line(node), "url <" + text + ">", "write a base URL like http://127.0.0.1:8000/v1");
        }

        private OpenAiBackend.Cap cap(Node node) {
            return switch (text(node)) {
                case "max_tokens" -> OpenAiBackend.Cap.MAX_TOKENS;
                case "max_completion_tokens" -> OpenAiBackend.Cap.MAX_COMPLETION_TOKENS;
                default ->
                    throw wrong(
                            file,
                            line(node),
                            "cap <" + text(node) + ">",
                            "write max_tokens or max_completion_tokens, as the provider knows it");
            };
        }

        private Price price(Node node) {
            Map<String, Node> members =
                    members(node, "price", Set.of("input", "cached_input", "output", "image", "hidden_reasoning"));
            long input = amount(members, "input", node);
            long cached = members.containsKey("cached_input") ? amount(members, "cached_input", node) : input;
            Node hidden = members.get("hidden_reasoning");
            if (hidden != null && !text(hidden).matches("true|false")) {
                throw wrong(file, line(hidden), "hidden_reasoning <" + text(hidden) + ">", "write true or false");
            }
            return new Price(
                    input,
                    cached,
                    amount(members, "output", node),
                    members.containsKey("image") ? amount(members, "image", node) : Price.IMAGE,
                    hidden != null && text(hidden).equals("true"));
        }

        private long amount(Map<String, Node> members, String key, Node owner) {
            String text = required(members, key, owner);
            if (!text.matches("[0-9]{1,12}")) {
                throw wrong(
                        file,
                        line(owner),
                        "price " + key + " <" + text + ">",
                        key.equals("image")
                                ? "write how many tokens an image has at most"
                                : "write whole micro-USD for a million tokens, 1000000 for a dollar");
            }
            return Long.parseLong(text);
        }

        private Entry route(String name, Node node) {
            if (name.contains("/") || name.isBlank()) {
                throw wrong(file, line(node), "route <" + name + ">", "a route's name has no slash");
            }
            Map<String, Node> members = members(
                    node, "route " + name, Set.of("chain", "stub", "first_token", "silence", "total", "max_output"));
            List<String> chain = new ArrayList<>();
            elements(members.get("chain"), "chain of route " + name).forEach(element -> chain.add(text(element)));
            if (chain.isEmpty()) {
                throw wrong(file, line(node), "route " + name + " has no chain", "name at least one provider/model");
            }
            Route.Limits standard = Route.Limits.DEFAULT;
            return new Entry(
                    line(node),
                    name,
                    List.copyOf(chain),
                    Optional.ofNullable(members.get("stub")).map(this::text),
                    new Route.Limits(
                            duration(members.get("first_token"), standard.firstToken()),
                            duration(members.get("silence"), standard.silence()),
                            duration(members.get("total"), standard.total())),
                    maxOutput(members.get("max_output")));
        }

        private int maxOutput(@Nullable Node node) {
            if (node == null) {
                return Route.MAX_OUTPUT;
            }
            if (!text(node).matches("[1-9][0-9]{0,6}")) {
                throw wrong(file, line(node), "max_output <" + text(node) + ">", "write 1 to 9999999 tokens");
            }
            return Integer.parseInt(text(node));
        }

        private Duration duration(@Nullable Node node, Duration otherwise) {
            if (node == null) {
                return otherwise;
            }
            Matcher matcher = DURATION.matcher(text(node));
            if (!matcher.matches() || Long.parseLong(matcher.group(1)) == 0) {
                throw wrong(file, line(node), "time <" + text(node) + ">", "write it like 500ms, 5s or 2m, over 0");
            }
            long amount = Long.parseLong(matcher.group(1));
            return switch (matcher.group(2)) {
                case "ms" -> Duration.ofMillis(amount);
                case "s" -> Duration.ofSeconds(amount);
                default -> Duration.ofMinutes(amount);
            };
        }

        private Map<String, Node> members(Node node, String where, @Nullable Set<String> known) {
            if (!(node instanceof MappingNode mapping)) {
                throw wrong(file, line(node), where + " is not a mapping", "write it as key: value pairs");
            }
            Map<String, Node> members = new LinkedHashMap<>();
            for (NodeTuple tuple : mapping.getValue()) {
                String key = text(tuple.getKeyNode());
                if (known != null && !known.contains(key)) {
                    throw wrong(
                            file,
                            line(tuple.getKeyNode()),
                            where + ": unknown key '" + key + "'",
                            "known: "
                                    + String.join(", ", known.stream().sorted().toList()));
                }
                if (members.put(key, tuple.getValueNode()) != null) {
                    throw wrong(file, line(tuple.getKeyNode()), where + ": '" + key + "' twice", "keep one of them");
                }
            }
            return members;
        }

        private List<Node> elements(@Nullable Node node, String where) {
            if (node == null) {
                return List.of();
            }
            if (node instanceof SequenceNode sequence) {
                return sequence.getValue();
            }
            throw wrong(file, line(node), where + " is not a list", "write it as [a, b] or with dashes");
        }

        private String required(Map<String, Node> members, String key, Node owner) {
            Node node = members.get(key);
            if (node == null) {
                throw wrong(file, line(owner), "'" + key + "' is missing", "add it");
            }
            return text(node);
        }

        private String text(Node node) {
            if (node instanceof ScalarNode scalar) {
                return scalar.getValue();
            }
            throw wrong(file, line(node), "not a plain text", "write one value here");
        }

        private static int line(Node node) {
            return node.getStartMark().getLine() + 1;
        }
    }
}
