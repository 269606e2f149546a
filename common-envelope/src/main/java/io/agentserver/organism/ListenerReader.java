package io.agentserver.organism;

import org.jspecify.annotations.Nullable;
import org.yaml.snakeyaml.nodes.Node;
import org.yaml.snakeyaml.nodes.ScalarNode;

import java.net.URI;
import java.net.URISyntaxException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;

/** Reads one item of {@code listeners}; what depends on the other items is checked by {@link OrganismParser}. */
final class ListenerReader {

    private static final int LONGEST_DESCRIPTION = 4096;
    private static final int LONGEST_PROMPT = 64 * 1024;
    private static final int LONGEST_URL = 2048;
    private static final int MOST_PEERS = 100;
    private static final int MOST_OPTIONS = 64;
    private static final int LONGEST_OPTION = 4096;
    private static final Duration LONGEST_TIMEOUT = Duration.ofHours(24);

    private final Set<String> builtins;
    private final Set<String> javaHandlers;
    private final HandlerHosts hosts;
    private final Errors errors;
    private final PayloadReader payloads;

    ListenerReader(Set<String> builtins, Set<String> javaHandlers, HandlerHosts hosts, Errors errors) {
        this.builtins = builtins;
        this.javaHandlers = javaHandlers;
        this.hosts = hosts;
        this.errors = errors;
        this.payloads = new PayloadReader(errors);
    }

    /** What the rules between listeners need, also of a listener that has errors of its own. */
    record Draft(
            YamlMap map,
            @Nullable String name,
            boolean agent,
            boolean broadcast,
            @Nullable PayloadType payload,
            Map<String, Node> peers,
            @Nullable Listener listener) {}

    @Nullable
    Draft read(Node node, int ordinal) {
        int before = errors.count();
        YamlMap map = YamlMap.of("listener " + ordinal, node, errors);
        if (map == null) {
            return null;
        }
        String name = name(map);
        String description =
                map.required("description", LONGEST_DESCRIPTION, "say in a sentence what it does; callers see it");
        String kind = map.required("handler", 200, "write llm, http, builtin:<name> or java:<name>");
        // whoever asks a model is an agent; saying so is optional, denying it is not
        boolean agent = map.flag("agent") || ("llm".equals(kind) && !map.has("agent"));
        Handler handler = handler(map, kind, agent);
        PayloadType payload = payloads.read(map, "payload");
        if (!map.has("payload")) {
            map.error("payload", "is missing", "declare what it takes, like {root: Greeting, fields: {Name: string}}");
        }
        PayloadType response = payloads.read(map, "response");
        Map<String, Node> peerNodes = new LinkedHashMap<>();
        List<Listener.Peer> peers = peers(map, peerNodes);
        boolean broadcast = map.flag("broadcast");
        boolean boot = map.flag("boot");
        Duration timeout = map.duration("timeout", Duration.ofMillis(100), LONGEST_TIMEOUT, Listener.DEFAULT_TIMEOUT);
        int retries = (int) map.number("retries", 0, 20, Listener.DEFAULT_RETRIES);
        Listener.History history = history(map);
        Listener.Join join = join(map);
        Map<String, String> options = options(map);
        map.finish();
        Listener listener = null;
        if (errors.count() == before && name != null && description != null && handler != null && payload != null) {
            listener = new Listener(
                    name,
                    description,
                    agent,
                    handler,
                    payload,
                    response,
                    peers,
                    broadcast,
                    boot,
                    timeout,
                    map.has("timeout") ? timeout : null,
                    retries,
                    history,
                    join,
                    options);
        }
        return new Draft(map, name, agent, broadcast, payload, peerNodes, listener);
    }

    private static @Nullable String name(YamlMap map) {
        String name = map.required("name", 1000, "name the listener");
        if (name == null) {
            return null;
        }
        if (!Listener.NAME.matcher(name).matches()) {
            map.error(
                    "name",
                    "'" + name + "' is no listener name",
                    "write a letter, then letters, digits, '.', '_', '-', 128 at most");
            return null;
        }
        if (Listener.RESERVED_NAMES.contains(name)) {
            map.error("name", "'" + name + "' is the platform's own", "choose another name");
            return null;
        }
        return name;
    }

    private @Nullable Handler handler(YamlMap map, @Nullable String kind, boolean agent) {
        String prompt = map.text("prompt", LONGEST_PROMPT);
        String model = map.text("model", 200);
        String url = map.text("url", LONGEST_URL);
        String secret = map.text("secret", 200);
        if (kind == null) {
            return null;
        }
        if (!kind.equals("llm")) {
            refuse(map, "prompt", "llm");
            refuse(map, "model", "llm");
        }
        if (!kind.equals("http")) {
            refuse(map, "url", "http");
            refuse(map, "secret", "http");
        }
        if (kind.equals("llm")) {
            return llm(map, prompt, model, agent);
        }
        if (kind.equals("http")) {
            return http(map, url, secret);
        }
        if (kind.startsWith("builtin:")) {
            String name = kind.substring("builtin:".length());
            return known(map, kind, name, builtins) ? new Handler.Builtin(name) : null;
        }
        if (kind.startsWith("java:")) {
            String name = kind.substring("java:".length());
            return known(map, kind, name, javaHandlers) ? new Handler.Java(name) : null;
        }
        map.error("handler", "'" + kind + "' is unknown", "write llm, http, builtin:<name> or java:<name>");
        return null;
    }

    private static void refuse(YamlMap map, String key, String handler) {
        if (map.has(key)) {
            map.error(key, "belongs to the handler " + handler + " alone", "remove it, or write handler: " + handler);
        }
    }

    private static boolean known(YamlMap map, String kind, String name, Set<String> names) {
        if (names.contains(name)) {
            return true;
        }
        String known = names.isEmpty() ? "none here" : String.join(", ", new TreeSet<>(names));
        map.error("handler", "'" + kind + "' is unknown", "use one of those known: " + known);
        return false;
    }

    private static @Nullable Handler llm(YamlMap map, @Nullable String prompt, @Nullable String model, boolean agent) {
        if (!agent) {
            map.error("agent", "is false, but who asks a model is an agent", "write agent: true");
        }
        if (!map.has("prompt") || (prompt != null && prompt.isBlank())) {
            map.error("prompt", "is missing", "say what the agent is and how it should answer");
            return null;
        }
        if (model != null && model.isBlank()) {
            map.error("model", "is empty", "name a model or a route, like default");
            return null;
        }
        return prompt == null ? null : new Handler.Llm(prompt, Objects.requireNonNullElse(model, "default"));
    }

    private @Nullable Handler http(YamlMap map, @Nullable String url, @Nullable String secret) {
        URI uri = uri(url);
        boolean signs = secret != null && isSecret(secret);
        if (uri == null) {
            map.error(
                    "url",
                    map.has("url") ? "is no absolute http or https address" : "is missing",
                    "write one like https://tools.example.com/greet, without user name or fragment");
        } else if (!hosts.allow(uri.getHost())) {
            map.error(
                    "url",
                    "is not on the public internet",
                    "give a public host; the platform calls no loopback, private, link-local or metadata addresses");
        }
        if (!signs) {
            // the value is not repeated: it is a secret
            map.error(
                    "secret",
                    map.has("secret") ? "is not right" : "is missing",
                    "write whsec_ and the base64 of 24 to 64 random bytes");
        }
        return uri == null || secret == null || !signs ? null : new Handler.Http(uri, secret);
    }

    private static @Nullable URI uri(@Nullable String url) {
        try {
            URI uri = url == null ? null : new URI(url);
            boolean usable = uri != null
                    && ("http".equalsIgnoreCase(uri.getScheme()) || "https".equalsIgnoreCase(uri.getScheme()))
                    && uri.getHost() != null
                    && uri.getUserInfo() == null
                    && uri.getFragment() == null
                    && uri.getPort() <= 65535;
            return usable ? uri : null;
        } catch (URISyntaxException e) {
            return null;
        }
    }

    private static boolean isSecret(String secret) {
        if (!secret.startsWith("whsec_")) {
            return false;
        }
        try {
            int bytes = Base64.getDecoder().decode(secret.substring("whsec_".length())).length;
            return bytes >= 24 && bytes <= 64;
        } catch (IllegalArgumentException e) {
            return false;
        }
    }

    private List<Listener.Peer> peers(YamlMap map, Map<String, Node> nodes) {
        List<Listener.Peer> peers = new ArrayList<>();
        for (Node item : map.list("peers", MOST_PEERS)) {
            String name;
            boolean handOver = false;
            if (item instanceof ScalarNode) {
                name = map.textOf(item, "a peer's name", 128);
            } else {
                YamlMap peer = YamlMap.of(map.where() + ": a peer", item, errors);
                if (peer == null) {
                    continue;
                }
                name = peer.required("name", 128, "name a listener");
                handOver = peer.flag("hand_over");
                peer.finish();
            }
            if (name == null) {
                continue;
            }
            if (nodes.putIfAbsent(name, item) != null) {
                errors.add(item, map.where() + ": the peer '" + name + "' is listed twice", "keep one of them");
                continue;
            }
            peers.add(new Listener.Peer(name, handOver));
        }
        return peers;
    }

    private static Listener.History history(YamlMap map) {
        YamlMap history = map.map("history");
        if (history == null) {
            return Listener.History.DEFAULT;
        }
        int slots = (int) history.number("slots", 0, 1000, Listener.History.DEFAULT.slots());
        int tokens = (int) history.number("tokens", 0, 1_000_000, Listener.History.DEFAULT.tokens());
        history.finish();
        return new Listener.History(slots, tokens);
    }

    private static Listener.Join join(YamlMap map) {
        String join = map.text("join", 100);
        if (join == null || join.equals("all")) {
            return Listener.Join.ALL;
        }
        if (!join.equals("each")) {
            map.error("join", "is '" + join + "'", "write all or each");
        }
        return Listener.Join.EACH;
    }

    private static Map<String, String> options(YamlMap map) {
        YamlMap options = map.map("options");
        if (options == null) {
            return Map.of();
        }
        if (options.keys().size() > MOST_OPTIONS) {
            map.error("options", "has " + options.keys().size() + " entries", "keep to " + MOST_OPTIONS);
            return Map.of();
        }
        Map<String, String> read = new LinkedHashMap<>();
        for (String key : options.keys()) {
            String value = options.text(key, LONGEST_OPTION);
            if (value != null) {
                read.put(key, value);
            }
        }
        return read;
    }
}
