package io.agentserver.gateway.deadletters;

import io.agentserver.envelope.Meta;

import java.util.LinkedHashMap;
import java.util.Map;

/** A dead letter as its tenant sees it. Members without a value are left out. */
final class LetterJson {
    private LetterJson() {}

    /** With its envelope, where that can be believed. */
    static Map<String, Object> of(LetterReader.Opened opened) {
        Map<String, Object> json = of(opened.letter());
        if (opened.envelope() != null) {
            json.put("envelope", opened.envelope().xml());
        }
        return json;
    }

    static Map<String, Object> of(DeadLetter letter) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("id", letter.id().toString());
        DeadLetter.About about = letter.about();
        if (about != null) {
            Meta meta = about.meta();
            json.put("message_id", meta.requiredId().toString());
            json.put("thread_id", meta.requiredThread().toString());
            json.put("conversation_id", meta.conversationOrThread().toString());
            json.put("turn_id", meta.turnOrId().toString());
            json.put("from", meta.from());
            if (meta.to() != null) {
                json.put("to", meta.to());
            }
            json.put("root", about.root());
        }
        json.put("reason", letter.reason());
        json.put("attempts", letter.attempts());
        json.put("first_failure", letter.firstFailure().toString());
        json.put("last_failure", letter.lastFailure().toString());
        if (letter.originalPartition() != DeadLetter.UNKNOWN && letter.originalOffset() != DeadLetter.UNKNOWN) {
            json.put("original_partition", letter.originalPartition());
            json.put("original_offset", letter.originalOffset());
        }
        return json;
    }
}
