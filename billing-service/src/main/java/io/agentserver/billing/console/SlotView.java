package io.agentserver.billing.console;

import tools.jackson.databind.JsonNode;

/**
 * A slot of the gateway's as the timeline shows it.
 *
 * @param note text that a model put around its calls; empty: none
 * @param xml the payload, indented
 */
record SlotView(
        long sequence,
        String from,
        String to,
        String root,
        String at,
        String state,
        long inputTokens,
        long outputTokens,
        String note,
        String thread,
        String xml) {

    static SlotView of(JsonNode slot) {
        JsonNode tokens = slot.path("tokens");
        return new SlotView(
                slot.path("sequence").asLong(0),
                slot.path("from").asString(""),
                slot.path("to").asString(""),
                slot.path("root").asString(""),
                slot.path("at").asString(""),
                slot.path("state").asString(""),
                tokens.path("input").asLong(0),
                tokens.path("output").asLong(0),
                slot.path("note").asString(""),
                slot.path("thread").asString(""),
                PayloadText.of(slot.path("envelope").asString("")));
    }
}
