package io.agentserver.pump.llm;

import io.agentserver.buffer.v1.Slot;
import io.agentserver.envelope.EnvelopeDocument;
import io.agentserver.envelope.MessageId;
import io.agentserver.organism.Handler;
import io.agentserver.organism.Listener;
import io.agentserver.organism.Organism;
import io.agentserver.organism.PayloadType;
import io.agentserver.pump.handler.HandlerCall;
import io.agentserver.pump.handler.SystemErrors;
import io.agentserver.pump.handler.XmlText;
import io.agentserver.pump.llm.Llm.ChatMessage;
import io.agentserver.pump.llm.Llm.Role;
import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * What a model is told (CONTRACTS 4): the agent's prompt and how to call its peers as {@code system}, its own outputs as
 * {@code assistant}, what it got as {@code user}; a peer's answer carries the peer's name. The history is cut at its oldest
 * end to the listener's tokens, estimated at four characters each.
 */
final class Prompt {
    private static final int CHARACTERS_A_TOKEN = 4;

    private Prompt() {}

    static List<ChatMessage> of(HandlerCall call, Handler.Llm handler) {
        List<ChatMessage> messages = new ArrayList<>();
        messages.add(new ChatMessage(Role.SYSTEM, null, system(call.listener(), call.organism(), handler.prompt())));
        messages.addAll(latest(history(call), call.listener().history().tokens()));
        messages.add(new ChatMessage(
                Role.USER,
                nameOf(
                        call,
                        call.message().meta().from(),
                        causeOf(call),
                        call.history().isEmpty()),
                call.message().payload()));
        return messages;
    }

    /** The prompt, then the peers in a block that can be parsed by itself. */
    static String system(Listener listener, Organism organism, String prompt) {
        StringBuilder text = new StringBuilder(prompt.strip());
        List<String> tools = new ArrayList<>();
        for (Listener.Peer peer : listener.peers()) {
            organism.listener(peer.name()).ifPresent(callee -> tools.add(tool(callee, peer.handOver())));
        }
        if (!tools.isEmpty()) {
            text.append(
                            "\n\nThe tools below can help you. To call one, write its XML element as its example shows, with")
                    .append(
                            " your own values, at the top level of your reply, not inside another element. Several calls")
                    .append(" in one reply run side by side. You get each answer in a message of its own; after that,")
                    .append(" reply again.\n<tools>\n")
                    .append(String.join("\n", tools))
                    .append("\n</tools>");
        }
        PayloadType response = listener.response();
        if (response != null) {
            text.append("\n\nWhen you have your final answer, reply with this XML element and your own values in it:\n")
                    .append(response.example());
        } else if (!tools.isEmpty()) {
            text.append("\n\nWhen you have your final answer, reply with plain text and no call.");
        }
        return text.toString();
    }

    private static String tool(Listener callee, boolean handOver) {
        String description = handOver
                ? callee.description() + " Calling it hands the conversation over for good: it must be your only call."
                : callee.description();
        return "<tool name=\"" + callee.name() + "\"><description>" + XmlText.escape(description)
                + "</description><schema><![CDATA["
                + callee.payload().xsd().strip().replace("]]>", "]]]]><![CDATA[>")
                + "]]></schema><example>" + callee.payload().example() + "</example></tool>";
    }

    private static List<ChatMessage> history(HandlerCall call) {
        List<ChatMessage> messages = new ArrayList<>();
        for (Slot slot : call.history()) {
            if (slot.getFrom().equals(call.listener().name())) {
                String content = payload(slot);
                messages.add(new ChatMessage(
                        Role.ASSISTANT, null, slot.getNote().isBlank() ? content : slot.getNote() + "\n" + content));
            } else if (slot.getTo().equals(call.listener().name())) {
                messages.add(new ChatMessage(
                        Role.USER, nameOf(call, slot.getFrom(), slot.getCause(), messages.isEmpty()), payload(slot)));
            }
        }
        return joined(messages);
    }

    /** Parallel calls were one reply of the model's. */
    private static List<ChatMessage> joined(List<ChatMessage> messages) {
        List<ChatMessage> joined = new ArrayList<>();
        for (ChatMessage message : messages) {
            ChatMessage last = joined.isEmpty() ? null : joined.getLast();
            if (last != null && last.role() == Role.ASSISTANT && message.role() == Role.ASSISTANT) {
                joined.set(
                        joined.size() - 1,
                        new ChatMessage(Role.ASSISTANT, null, last.content() + "\n" + message.content()));
            } else {
                joined.add(message);
            }
        }
        return joined;
    }

    /**
     * The peer whose answer it is; null for the caller's message. The platform answers in a peer's place: then the peer is
     * the one whose call caused it, as far as the history shows.
     *
     * @param first whether it opened the thread, as far as the history shows: then it is the caller's, peer or not
     */
    private static @Nullable String nameOf(HandlerCall call, String from, String cause, boolean first) {
        if (cause.isEmpty() || (first && from.equals(call.caller()))) {
            return null;
        }
        if (!from.equals(SystemErrors.SENDER)) {
            return call.listener().peer(from).isPresent() ? from : null;
        }
        Map<String, String> calls = new HashMap<>();
        String latest = null;
        for (Slot slot : call.history()) {
            if (slot.getFrom().equals(call.listener().name())
                    && call.listener().peer(slot.getTo()).isPresent()) {
                latest = slot.getTo();
                calls.put(slot.getMessage(), latest);
            }
        }
        String caused = calls.get(cause);
        return caused == null ? latest : caused;
    }

    private static String causeOf(HandlerCall call) {
        MessageId cause = call.message().meta().cause();
        return cause == null ? "" : cause.toString();
    }

    private static String payload(Slot slot) {
        return EnvelopeDocument.readOwn(slot.getEnvelope()).payload();
    }

    private static List<ChatMessage> latest(List<ChatMessage> messages, int tokens) {
        List<ChatMessage> kept = new ArrayList<>();
        long left = (long) tokens * CHARACTERS_A_TOKEN;
        for (ChatMessage message : messages.reversed()) {
            left -= message.content().length();
            if (left < 0) {
                break;
            }
            kept.add(message);
        }
        Collections.reverse(kept);
        return kept;
    }
}
