package io.agentserver.router;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

import java.util.UUID;

/** An answer as it stands in Redis under an idempotency key. */
record KeptAnswer(Answer.Head head, ObjectNode completion) {
    String json() {
        ObjectNode json = Json.object();
        json.putObject("head")
                .put("receipt", head.receipt().toString())
                .put("provider", head.provider())
                .put("model", head.model())
                .put("attempts", head.attempts())
                .put("stub", head.stub());
        json.set("completion", completion);
        return Json.text(json);
    }

    /** Of a value that {@link #json} has written. */
    static KeptAnswer ofJson(String text) {
        JsonNode json = Json.read(text);
        JsonNode head = json.path("head");
        return new KeptAnswer(
                new Answer.Head(
                        UUID.fromString(head.path("receipt").asString("")),
                        head.path("provider").asString(""),
                        head.path("model").asString(""),
                        head.path("attempts").asInt(0),
                        head.path("stub").asBoolean(false)),
                json.path("completion") instanceof ObjectNode completion ? completion : Json.object());
    }
}
