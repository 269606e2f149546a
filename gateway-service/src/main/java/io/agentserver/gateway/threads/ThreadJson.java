package io.agentserver.gateway.threads;

import io.agentserver.buffer.v1.Conversation;
import io.agentserver.buffer.v1.Slot;
import io.agentserver.buffer.v1.Tokens;
import io.agentserver.buffer.v1.Turn;

import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Slots and conversations as clients see them (CONTRACTS 8). Members without a value are left out. */
public final class ThreadJson {
    private static final DateTimeFormatter MILLIS =
            DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss.SSS'Z'").withZone(ZoneOffset.UTC);

    private ThreadJson() {}

    /** A slot; a caller may add members to it. */
    public static Map<String, Object> slot(Slot slot) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("sequence", slot.getSequence());
        json.put("message", slot.getMessage());
        json.put("thread", slot.getThread());
        json.put("turn", slot.getTurn());
        putText(json, "cause", slot.getCause());
        json.put("from", slot.getFrom());
        json.put("to", slot.getTo());
        json.put("root", slot.getRoot());
        json.put("at", time(slot.getAtMs()));
        json.put("state", slot.getState().name().toLowerCase(Locale.ROOT));
        json.put("tokens", tokens(slot.getTokens()));
        json.put("receipts", List.copyOf(slot.getReceiptsList()));
        putText(json, "note", slot.getNote());
        json.put("envelope", slot.getEnvelope());
        return json;
    }

    /** @param tree with threads and turns, which a list of conversations leaves out */
    public static Map<String, Object> conversation(Conversation conversation, boolean tree) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("id", conversation.getId());
        json.put("state", conversation.getState().name().toLowerCase(Locale.ROOT));
        json.put("created_at", time(conversation.getCreatedAtMs()));
        json.put("last_activity", time(conversation.getLastActivityMs()));
        json.put("last_sequence", conversation.getLastSequence());
        putText(json, "to", conversation.getTo());
        putText(json, "open_turn", conversation.getOpenTurn());
        json.put("tokens", tokens(conversation.getTokens()));
        if (tree) {
            json.put(
                    "threads",
                    conversation.getThreadsList().stream()
                            .map(thread -> {
                                Map<String, Object> one = new LinkedHashMap<>();
                                one.put("id", thread.getId());
                                putText(one, "parent", thread.getParent());
                                one.put("listener", thread.getListener());
                                one.put("closed", thread.getClosed());
                                return one;
                            })
                            .toList());
            json.put(
                    "turns",
                    conversation.getTurnsList().stream().map(ThreadJson::turn).toList());
        }
        return json;
    }

    private static Map<String, Object> turn(Turn turn) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("id", turn.getId());
        json.put("state", state(turn));
        if (turn.getOpenedAtMs() > 0) {
            json.put("opened_at", time(turn.getOpenedAtMs()));
        }
        if (turn.getEndedAtMs() > 0) {
            json.put("ended_at", time(turn.getEndedAtMs()));
        }
        if (turn.getResponseSequence() > 0) {
            json.put("response_sequence", turn.getResponseSequence());
        }
        return json;
    }

    static String state(Turn turn) {
        return turn.getState().name().replaceFirst("^TURN_", "").toLowerCase(Locale.ROOT);
    }

    private static Map<String, Object> tokens(Tokens tokens) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("input", tokens.getInput());
        json.put("output", tokens.getOutput());
        return json;
    }

    private static String time(long millis) {
        return MILLIS.format(Instant.ofEpochMilli(millis));
    }

    private static void putText(Map<String, Object> json, String name, String value) {
        if (!value.isEmpty()) {
            json.put(name, value);
        }
    }
}
