package io.agentserver.organism;

import org.yaml.snakeyaml.nodes.Node;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** Collects what is wrong with one document. */
final class Errors {

    private static final int MOST = 1000;
    private static final int LONGEST = 1000;

    private final List<OrganismError> all = new ArrayList<>();

    void add(Node at, String reason, String remedy) {
        add(line(at), reason, remedy);
    }

    void add(int line, String reason, String remedy) {
        if (all.size() < MOST) {
            all.add(new OrganismError(line, shortened(reason), shortened(remedy)));
        }
    }

    /** What is wrong may quote the document, and an alias can quote it a thousand times. */
    private static String shortened(String text) {
        return text.length() > LONGEST ? text.substring(0, LONGEST) + "…" : text;
    }

    int count() {
        return all.size();
    }

    List<OrganismError> inOrder() {
        return all.stream().sorted(Comparator.comparingInt(OrganismError::line)).toList();
    }

    static int line(Node node) {
        return node.getStartMark().getLine() + 1;
    }
}
