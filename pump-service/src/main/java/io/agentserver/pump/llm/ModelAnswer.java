package io.agentserver.pump.llm;

import io.agentserver.organism.Listener;
import io.agentserver.organism.Organism;
import io.agentserver.organism.PayloadType;
import io.agentserver.organism.Problem;
import io.agentserver.pump.handler.HandlerOutput;
import io.agentserver.pump.handler.XmlText;
import org.jsoup.nodes.Element;
import org.jsoup.nodes.Node;
import org.jsoup.nodes.TextNode;

import java.util.ArrayList;
import java.util.List;

/**
 * What a model's text means (CONTRACTS 4). Each top-level element whose root is a peer's payload root is a call to that
 * peer; without a call, an element of the declared response root, or else the whole text, is the response. Broken XML is
 * repaired before it is judged; what its schema still refuses is {@link Unfit}.
 */
sealed interface ModelAnswer {
    int MOST_OUTPUTS = 32;

    /** @param note the text around the calls */
    record Fit(List<HandlerOutput> outputs, String note) implements ModelAnswer {}

    /** @param error what the model may read to do better */
    record Unfit(String error) implements ModelAnswer {}

    static ModelAnswer read(String text, Listener listener, Organism organism) {
        if (text.isBlank()) {
            return new Unfit("The reply was empty.");
        }
        List<HandlerOutput> calls = new ArrayList<>();
        List<Element> elements = new ArrayList<>();
        StringBuilder note = new StringBuilder();
        for (Node node : RepairedXml.read(text)) {
            if (node instanceof Element element) {
                elements.add(element);
                List<Listener> callees = callees(element, listener, organism);
                if (callees.isEmpty()) {
                    note.append(RepairedXml.write(element));
                    continue;
                }
                String payload = RepairedXml.write(element);
                for (Listener callee : callees) {
                    List<Problem> problems = callee.payload().validate(payload);
                    if (!problems.isEmpty()) {
                        return new Unfit(misfit(callee.payload(), problems));
                    }
                    calls.add(call(listener, callee, payload));
                }
            } else if (node instanceof TextNode plain) {
                note.append(plain.getWholeText());
            }
        }
        return calls.isEmpty()
                ? response(text, elements, listener)
                : checked(calls, note.toString().strip());
    }

    private static ModelAnswer checked(List<HandlerOutput> calls, String note) {
        if (calls.size() > MOST_OUTPUTS) {
            return new Unfit("The reply has " + calls.size() + " calls; " + MOST_OUTPUTS + " are the most at once.");
        }
        if (calls.size() > 1 && calls.stream().anyMatch(HandlerOutput.HandOver.class::isInstance)) {
            return new Unfit("A call that hands the conversation over must be the only call of a reply.");
        }
        return new Fit(List.copyOf(calls), note);
    }

    private static ModelAnswer response(String text, List<Element> elements, Listener listener) {
        PayloadType type = listener.response();
        if (type != null) {
            for (Element element : elements) {
                if (RepairedXml.localName(element).equals(type.root())) {
                    String payload = RepairedXml.write(element);
                    List<Problem> problems = type.validate(payload);
                    return problems.isEmpty()
                            ? new Fit(List.of(new HandlerOutput.Respond(payload)), "")
                            : new Unfit(misfit(type, problems));
                }
            }
        }
        return new Fit(
                List.of(new HandlerOutput.Respond("<answer xmlns=\"\">" + XmlText.escape(text.strip()) + "</answer>")),
                "");
    }

    /** Several peers may share a root if each says {@code broadcast}. A wrong namespace is for the schema to tell. */
    private static List<Listener> callees(Element element, Listener listener, Organism organism) {
        String name = RepairedXml.localName(element);
        return listener.peers().stream()
                .flatMap(peer -> organism.listener(peer.name()).stream())
                .filter(callee -> callee.payload().root().equals(name))
                .toList();
    }

    private static HandlerOutput call(Listener listener, Listener callee, String payload) {
        boolean handOver =
                listener.peer(callee.name()).map(Listener.Peer::handOver).orElse(false);
        return handOver
                ? new HandlerOutput.HandOver(callee.name(), payload)
                : new HandlerOutput.Forward(callee.name(), payload);
    }

    private static String misfit(PayloadType type, List<Problem> problems) {
        StringBuilder error = new StringBuilder("The element <" + type.root() + "> is not as it must be:");
        for (Problem problem : problems) {
            error.append(' ')
                    .append(problem.pointer())
                    .append(": ")
                    .append(problem.reason())
                    .append('.');
        }
        return error.append(" It must look like this: ").append(type.example()).toString();
    }
}
