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

import java.io.StringReader;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The nodes of the routes file. The first thing that is not as asked for is a {@link ConfigurationException} with file, line,
 * reason and remedy.
 */
record YamlNodes(String file) {
    private static final Pattern DURATION = Pattern.compile("([0-9]{1,6})(ms|s|m)");

    Node parse(String yaml) {
        Node root;
        try {
            root = new Yaml(new SafeConstructor(new LoaderOptions())).compose(new StringReader(yaml));
        } catch (MarkedYAMLException malformed) {
            int line = malformed.getProblemMark() == null
                    ? 1
                    : malformed.getProblemMark().getLine() + 1;
            throw wrong(line, "not YAML: " + malformed.getProblem(), "mend it there");
        } catch (YAMLException malformed) {
            throw wrong(1, "not YAML: " + malformed.getMessage(), "mend it");
        }
        if (root == null) {
            throw wrong(1, "the file is empty", "write providers and routes, or unset the variable");
        }
        return root;
    }

    ConfigurationException wrong(int line, String reason, String remedy) {
        return new ConfigurationException(
                "AGENTSERVER_LLM_ROUTES=" + file + " line " + line + ": " + reason + "; " + remedy);
    }

    ConfigurationException wrong(Node node, String reason, String remedy) {
        return wrong(line(node), reason, remedy);
    }

    /** @param known the only keys there may be; null: any */
    Map<String, Node> members(Node node, String where, @Nullable Set<String> known) {
        if (!(node instanceof MappingNode mapping)) {
            throw wrong(node, where + " is not a mapping", "write it as key: value pairs");
        }
        Map<String, Node> members = new LinkedHashMap<>();
        for (NodeTuple tuple : mapping.getValue()) {
            String key = text(tuple.getKeyNode());
            if (known != null && !known.contains(key)) {
                throw wrong(
                        tuple.getKeyNode(),
                        where + ": unknown key '" + key + "'",
                        "known: " + String.join(", ", known.stream().sorted().toList()));
            }
            if (members.put(key, tuple.getValueNode()) != null) {
                throw wrong(tuple.getKeyNode(), where + ": '" + key + "' twice", "keep one of them");
            }
        }
        return members;
    }

    List<Node> elements(@Nullable Node node, String where) {
        if (node == null) {
            return List.of();
        }
        if (node instanceof SequenceNode sequence) {
            return sequence.getValue();
        }
        throw wrong(node, where + " is not a list", "write it as [a, b] or with dashes");
    }

    String required(Map<String, Node> members, String key, Node owner) {
        Node node = members.get(key);
        if (node == null) {
            throw wrong(owner, "'" + key + "' is missing", "add it");
        }
        return text(node);
    }

    String text(Node node) {
        if (node instanceof ScalarNode scalar) {
            return scalar.getValue();
        }
        throw wrong(node, "not a plain text", "write one value here");
    }

    Duration duration(@Nullable Node node, Duration otherwise) {
        if (node == null) {
            return otherwise;
        }
        Matcher matcher = DURATION.matcher(text(node));
        if (!matcher.matches() || Long.parseLong(matcher.group(1)) == 0) {
            throw wrong(node, "time <" + text(node) + ">", "write it like 500ms, 5s or 2m, over 0");
        }
        long amount = Long.parseLong(matcher.group(1));
        return switch (matcher.group(2)) {
            case "ms" -> Duration.ofMillis(amount);
            case "s" -> Duration.ofSeconds(amount);
            default -> Duration.ofMinutes(amount);
        };
    }

    /** @param unit what is counted, for the message */
    int count(@Nullable Node node, String key, int most, String unit, int otherwise) {
        if (node == null) {
            return otherwise;
        }
        String text = text(node);
        if (!text.matches("[0-9]{1,9}") || Integer.parseInt(text) < 1 || Integer.parseInt(text) > most) {
            throw wrong(node, key + " <" + text + ">", "write 1 to " + most + " " + unit);
        }
        return Integer.parseInt(text);
    }

    /** From 0 to 1. */
    double share(@Nullable Node node, String key) {
        if (node == null) {
            return 0;
        }
        String text = text(node);
        if (!text.matches("[01]|0\\.[0-9]{1,6}|1\\.0{1,6}")) {
            throw wrong(node, key + " <" + text + ">", "write a share of the calls, 0 to 1");
        }
        return Double.parseDouble(text);
    }

    int line(Node node) {
        return node.getStartMark().getLine() + 1;
    }
}
