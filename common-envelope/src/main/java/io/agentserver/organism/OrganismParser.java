package io.agentserver.organism;

import io.agentserver.organism.ListenerReader.Draft;
import org.jspecify.annotations.Nullable;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.composer.Composer;
import org.yaml.snakeyaml.error.Mark;
import org.yaml.snakeyaml.error.MarkedYAMLException;
import org.yaml.snakeyaml.error.YAMLException;
import org.yaml.snakeyaml.nodes.Node;
import org.yaml.snakeyaml.parser.Parser;
import org.yaml.snakeyaml.parser.ParserImpl;
import org.yaml.snakeyaml.reader.ReaderException;
import org.yaml.snakeyaml.reader.StreamReader;
import org.yaml.snakeyaml.resolver.Resolver;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Reads {@code organism.yaml}. In: a stranger's text. Out: the organism, or every error at once with its line. Works on YAML's
 * node tree alone (no object is ever made from a tag), bounded in size, depth and aliases. Without state, safe on any thread.
 */
public final class OrganismParser {

    public static final int MOST_BYTES = 1024 * 1024;
    public static final int MOST_LISTENERS = 500;

    /** SnakeYAML reads a line's run of characters in time that grows with its square. */
    private static final int LONGEST_LINE = 128 * 1024;

    private static final int MOST_EVENTS = 200_000;
    private static final int MOST_ALIASES = 20;
    private static final int DEEPEST = 30;
    private static final int LONGEST_NAME = 128;
    private static final Duration LONGEST_TURN = Duration.ofHours(24);

    private final Set<String> builtins;
    private final Set<String> javaHandlers;
    private final HandlerHosts hosts;

    /**
     * @param builtins the names that {@code builtin:<name>} may have
     * @param javaHandlers the names that {@code java:<name>} may have
     */
    public OrganismParser(Set<String> builtins, Set<String> javaHandlers) {
        this(builtins, javaHandlers, HandlerHosts.ANY);
    }

    private OrganismParser(Set<String> builtins, Set<String> javaHandlers, HandlerHosts hosts) {
        this.builtins = Set.copyOf(builtins);
        this.javaHandlers = Set.copyOf(javaHandlers);
        this.hosts = hosts;
    }

    /** One that refuses {@code http} listeners at other hosts: for what is to be saved. */
    public OrganismParser with(HandlerHosts allowed) {
        return new OrganismParser(builtins, javaHandlers, allowed);
    }

    public Parsed parse(String yaml) {
        Errors errors = new Errors();
        Node document = compose(yaml, errors);
        Organism organism = document == null ? null : organism(document, errors);
        return organism == null ? new Parsed.Invalid(errors.inOrder()) : new Parsed.Valid(organism);
    }

    private static @Nullable Node compose(String yaml, Errors errors) {
        if (yaml.length() > MOST_BYTES || yaml.getBytes(StandardCharsets.UTF_8).length > MOST_BYTES) {
            errors.add(1, "the document is over " + MOST_BYTES / 1024 + " KiB", "make it smaller");
            return null;
        }
        int longLine = lineOver(yaml);
        if (longLine > 0) {
            errors.add(longLine, "the line is over " + LONGEST_LINE / 1024 + " Ki characters", "break it into lines");
            return null;
        }
        LoaderOptions limits = new LoaderOptions();
        limits.setCodePointLimit(MOST_BYTES);
        limits.setMaxAliasesForCollections(MOST_ALIASES);
        limits.setNestingDepthLimit(DEEPEST);
        try {
            Parser parser = new BoundedParser(new ParserImpl(new StreamReader(yaml), limits), MOST_EVENTS);
            Node document = new Composer(parser, new Resolver(), limits).getSingleNode();
            if (document == null) {
                errors.add(1, "the document is empty", "write an organism and its listeners");
            }
            return document;
        } catch (BoundedParser.TooManyException e) {
            errors.add(
                    e.line(), "the document has over " + MOST_EVENTS + " keys, values and brackets", "make it smaller");
        } catch (MarkedYAMLException e) {
            Mark mark = e.getProblemMark();
            errors.add(
                    mark == null ? 1 : mark.getLine() + 1,
                    "this is not YAML: " + Objects.requireNonNullElse(e.getProblem(), "it cannot be read"),
                    "check indentation, colons and quotes around here");
        } catch (ReaderException e) {
            int line = (int) yaml.codePoints()
                            .limit(e.getPosition())
                            .filter(c -> c == '\n')
                            .count()
                    + 1;
            errors.add(line, "the document contains a control character", "remove it");
        } catch (YAMLException e) {
            // the only ones without a mark are the limits
            errors.add(
                    1,
                    "the document nests deeper than " + DEEPEST + " or uses over " + MOST_ALIASES + " aliases",
                    "write it plainly");
        }
        return null;
    }

    /** The first line that is too long, from 1; 0 if there is none. */
    private static int lineOver(String yaml) {
        int line = 1;
        int start = 0;
        for (int i = 0; i < yaml.length(); i++) {
            if (yaml.charAt(i) == '\n') {
                line++;
                start = i + 1;
            } else if (i - start >= LONGEST_LINE) {
                return line;
            }
        }
        return 0;
    }

    private @Nullable Organism organism(Node document, Errors errors) {
        YamlMap top = YamlMap.of("the document", document, errors);
        if (top == null) {
            return null;
        }
        YamlMap head = top.map("organism");
        if (!top.has("organism")) {
            top.error("organism", "is missing", "write organism: {name: my-organism}");
        }
        String name = head == null ? null : head.required("name", LONGEST_NAME, "name the organism");
        Organism.Limits limits = head == null ? Organism.Limits.DEFAULT : limits(head);
        if (head != null) {
            head.finish();
        }
        List<Draft> drafts = listeners(top, errors);
        top.finish();
        checkNames(drafts, errors);
        checkPeers(drafts, errors);
        checkRoots(drafts, errors);
        if (errors.count() > 0) {
            return null;
        }
        List<Listener> listeners =
                drafts.stream().map(Draft::listener).filter(Objects::nonNull).toList();
        return new Organism(Objects.requireNonNull(name), limits, listeners);
    }

    private static Organism.Limits limits(YamlMap head) {
        YamlMap map = head.map("limits");
        Organism.Limits defaults = Organism.Limits.DEFAULT;
        if (map == null) {
            return defaults;
        }
        int hops = (int) map.number("hops", 1, 10_000, defaults.hops());
        long tokens = map.number("tokens", 0, 1_000_000_000, defaults.tokens());
        Duration time = map.duration("time", Duration.ofSeconds(1), LONGEST_TURN, defaults.time());
        map.finish();
        return new Organism.Limits(hops, tokens, time);
    }

    private List<Draft> listeners(YamlMap top, Errors errors) {
        if (!top.has("listeners")) {
            top.error("listeners", "is missing", "write a list of listeners; [] for none");
        }
        ListenerReader reader = new ListenerReader(builtins, javaHandlers, hosts, errors);
        List<Draft> drafts = new ArrayList<>();
        int ordinal = 0;
        for (Node item : top.list("listeners", MOST_LISTENERS)) {
            Draft draft = reader.read(item, ++ordinal);
            if (draft != null) {
                drafts.add(draft);
            }
        }
        return drafts;
    }

    private static void checkNames(List<Draft> drafts, Errors errors) {
        Map<String, Draft> first = new HashMap<>();
        for (Draft draft : drafts) {
            String name = draft.name();
            Draft other = name == null ? null : first.putIfAbsent(name, draft);
            if (other != null) {
                errors.add(
                        draft.map().at("name"),
                        "the listener '" + name + "' occurs twice, first in line "
                                + Errors.line(other.map().at("name")),
                        "rename one");
            }
        }
    }

    private static void checkPeers(List<Draft> drafts, Errors errors) {
        Set<String> names =
                drafts.stream().map(Draft::name).filter(Objects::nonNull).collect(Collectors.toSet());
        for (Draft draft : drafts) {
            draft.peers().forEach((peer, at) -> {
                if (!names.contains(peer)) {
                    errors.add(
                            at,
                            draft.map().where() + ": the peer '" + peer + "' is no listener of this organism",
                            "declare it, or remove it here");
                }
            });
        }
    }

    /** Without {@code to}, the root decides who gets a message: it may be ambiguous only where that is meant. */
    private static void checkRoots(List<Draft> drafts, Errors errors) {
        Map<String, List<Draft>> byRoot = new LinkedHashMap<>();
        for (Draft draft : drafts) {
            PayloadType payload = draft.payload();
            if (payload != null) {
                byRoot.computeIfAbsent(payload.rootText(), root -> new ArrayList<>())
                        .add(draft);
            }
        }
        byRoot.forEach((root, takers) -> {
            if (takers.size() < 2) {
                return;
            }
            for (Draft draft : takers) {
                if (draft.agent()) {
                    errors.add(
                            draft.map().at("payload"),
                            draft.map().where() + ": an agent's payload root must be its own, and " + root
                                    + " is shared",
                            "give the agent another root");
                } else if (!draft.broadcast()) {
                    errors.add(
                            draft.map().at("payload"),
                            draft.map().where() + ": the payload root " + root + " is shared by " + takers.size()
                                    + " listeners",
                            "give it another root, or write broadcast: true at each of them");
                }
            }
        });
    }
}
