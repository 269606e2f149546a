package io.agentserver.organism;

import org.jspecify.annotations.Nullable;
import org.yaml.snakeyaml.nodes.MappingNode;
import org.yaml.snakeyaml.nodes.Node;
import org.yaml.snakeyaml.nodes.NodeTuple;
import org.yaml.snakeyaml.nodes.ScalarNode;
import org.yaml.snakeyaml.nodes.SequenceNode;
import org.yaml.snakeyaml.nodes.Tag;

import java.math.BigDecimal;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * One mapping of the document, read key by key. What is wrong goes to {@link Errors} with its line, and the reading goes on
 * with nothing or the default; {@link #finish} reports the keys that nobody asked for. Used once, on one thread.
 */
final class YamlMap {

    private static final Pattern DURATION = Pattern.compile("([0-9]{1,9})(ms|s|m|h|d)");
    private static final Pattern INTEGER = Pattern.compile("-?[0-9][0-9_]{0,18}");
    private static final Pattern DECIMAL = Pattern.compile("[-+]?[0-9]{1,40}(\\.[0-9]{1,40})?");

    private final String where;
    private final Node node;
    private final Errors errors;
    private final Map<String, Node> keys = new LinkedHashMap<>();
    private final Map<String, Node> values = new LinkedHashMap<>();
    private final Set<String> asked = new LinkedHashSet<>();

    private YamlMap(String where, MappingNode node, Errors errors) {
        this.where = where;
        this.node = node;
        this.errors = errors;
        for (NodeTuple tuple : node.getValue()) {
            String key = tuple.getKeyNode() instanceof ScalarNode scalar ? scalar.getValue() : "?";
            if (values.containsKey(key)) {
                errors.add(tuple.getKeyNode(), where + ": the key '" + key + "' occurs twice", "keep one of them");
                continue;
            }
            keys.put(key, tuple.getKeyNode());
            values.put(key, tuple.getValueNode());
        }
    }

    /** Null, and an error, if the node is no mapping. */
    static @Nullable YamlMap of(String where, Node node, Errors errors) {
        if (node instanceof MappingNode mapping) {
            return new YamlMap(where, mapping, errors);
        }
        errors.add(node, where + " is not a mapping", "write it as key: value pairs");
        return null;
    }

    Node node() {
        return node;
    }

    String where() {
        return where;
    }

    Set<String> keys() {
        return values.keySet();
    }

    boolean has(String key) {
        return values.containsKey(key);
    }

    /** The key's value, or the mapping itself: where an error about the key is shown. */
    Node at(String key) {
        Node value = values.get(key);
        return value == null ? node : value;
    }

    /** The value as it stands there, an alias already followed; null if the key is missing. */
    @Nullable
    Node raw(String key) {
        asked.add(key);
        return values.get(key);
    }

    @Nullable
    String text(String key, int longest) {
        Node value = raw(key);
        return value == null ? null : textOf(value, key, longest);
    }

    @Nullable
    String required(String key, int longest, String remedy) {
        if (!has(key)) {
            asked.add(key);
            error(key, "is missing", remedy);
            return null;
        }
        String text = text(key, longest);
        if (text != null && text.isBlank()) {
            error(key, "is empty", remedy);
            return null;
        }
        return text;
    }

    /** A scalar's text, whatever YAML takes it for: {@code no} and {@code 1.0} are names too. */
    @Nullable
    String textOf(Node value, String key, int longest) {
        if (!(value instanceof ScalarNode scalar)) {
            errors.add(value, where + ": " + key + " is not a text", "write one value");
            return null;
        }
        String text = scalar.getValue();
        if (scalar.getTag().equals(Tag.NULL)) {
            errors.add(value, where + ": " + key + " has no value", "give it one, or remove the key");
        } else if (!scalar.getTag().startsWith(Tag.PREFIX) || scalar.getTag().equals(Tag.BINARY)) {
            errors.add(value, where + ": " + key + " has a YAML tag", "remove the tag; plain values are enough");
        } else if (text.length() > longest) {
            errors.add(value, where + ": " + key + " is over " + longest + " characters", "make it shorter");
        } else if (!XmlNames.isText(text)) {
            errors.add(value, where + ": " + key + " contains control characters", "remove them");
        } else {
            return text;
        }
        return null;
    }

    boolean flag(String key) {
        String text = text(key, 10);
        if (text == null || text.equals("true") || text.equals("false")) {
            return "true".equals(text);
        }
        error(key, "is '" + text + "'", "write true or false");
        return false;
    }

    long number(String key, long least, long greatest, long otherwise) {
        String text = text(key, 40);
        if (text == null) {
            return otherwise;
        }
        if (INTEGER.matcher(text).matches()) {
            BigDecimal number = new BigDecimal(text.replace("_", ""));
            if (number.compareTo(BigDecimal.valueOf(least)) >= 0
                    && number.compareTo(BigDecimal.valueOf(greatest)) <= 0) {
                return number.longValueExact();
            }
        }
        error(key, "is '" + text + "'", "write a whole number from " + least + " to " + greatest);
        return otherwise;
    }

    @Nullable
    BigDecimal decimal(String key) {
        String text = text(key, 100);
        if (text == null) {
            return null;
        }
        if (DECIMAL.matcher(text).matches()) {
            return new BigDecimal(text);
        }
        error(key, "is '" + text + "'", "write a number like 5 or 0.5");
        return null;
    }

    Duration duration(String key, Duration least, Duration greatest, Duration otherwise) {
        String text = text(key, 40);
        if (text == null) {
            return otherwise;
        }
        Optional<Duration> duration = durationOf(text);
        if (duration.isPresent()
                && duration.get().compareTo(least) >= 0
                && duration.get().compareTo(greatest) <= 0) {
            return duration.get();
        }
        error(
                key,
                "is '" + text + "'",
                "write a duration like 500ms, 30s, 10m or 2h, from " + plain(least) + " to " + plain(greatest));
        return otherwise;
    }

    private static Optional<Duration> durationOf(String text) {
        Matcher matcher = DURATION.matcher(text);
        if (!matcher.matches()) {
            return Optional.empty();
        }
        long amount = Long.parseLong(matcher.group(1));
        return Optional.of(
                switch (matcher.group(2)) {
                    case "ms" -> Duration.ofMillis(amount);
                    case "s" -> Duration.ofSeconds(amount);
                    case "m" -> Duration.ofMinutes(amount);
                    case "h" -> Duration.ofHours(amount);
                    default -> Duration.ofDays(amount);
                });
    }

    private static String plain(Duration duration) {
        return duration.toSeconds() == 0
                ? duration.toMillis() + "ms"
                : duration.toHours() > 0 ? duration.toHours() + "h" : duration.toSeconds() + "s";
    }

    @Nullable
    YamlMap map(String key) {
        Node value = raw(key);
        return value == null ? null : of(where + ": " + key, value, errors);
    }

    /** The items of a list; empty if the key is missing. */
    List<Node> list(String key, int most) {
        Node value = raw(key);
        if (value == null) {
            return List.of();
        }
        if (!(value instanceof SequenceNode sequence)) {
            error(key, "is not a list", "write it as a list, with a dash before each item");
            return List.of();
        }
        if (sequence.getValue().size() > most) {
            error(key, "has " + sequence.getValue().size() + " items", "keep to " + most);
            return List.of();
        }
        return sequence.getValue();
    }

    void error(String key, String reason, String remedy) {
        errors.add(at(key), where + ": " + key + " " + reason, remedy);
    }

    /** Reports the keys that were never asked for. */
    void finish() {
        keys.forEach((key, at) -> {
            if (!asked.contains(key)) {
                errors.add(at, where + ": unknown key '" + key + "'", "remove it; known: " + String.join(", ", asked));
            }
        });
    }
}
