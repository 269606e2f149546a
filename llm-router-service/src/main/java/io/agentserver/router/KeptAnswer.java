package io.agentserver.router;

import io.agentserver.envelope.Ids;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

import java.util.UUID;

/** What stands in Redis under an idempotency key. */
sealed interface KeptAnswer {
    /** Of the request's body: another body under the same key is refused. */
    String digest();

    String json();

    /** Somebody is at it. */
    record Pending(String digest, UUID owner) implements KeptAnswer {
        static Pending of(Call call) {
            return new Pending(call.request().digest(), Ids.v7());
        }

        @Override
        public String json() {
            return Json.text(Json.object().put("digest", digest).put("owner", owner.toString()));
        }
    }

    record Done(String digest, Answer.Head head, ObjectNode completion) implements KeptAnswer {
        @Override
        public String json() {
            ObjectNode json = Json.object().put("digest", digest);
            json.putObject("head")
                    .put("receipt", head.receipt().toString())
                    .put("provider", head.provider())
                    .put("model", head.model())
                    .put("attempts", head.attempts())
                    .put("stub", head.stub());
            json.set("completion", completion);
            return Json.text(json);
        }
    }

    /** Of a value that one of the two has written. */
    static KeptAnswer ofJson(String text) {
        JsonNode json = Json.read(text);
        String digest = json.path("digest").asString("");
        JsonNode head = json.path("head");
        return json.path("completion") instanceof ObjectNode completion
                ? new Done(
                        digest,
                        new Answer.Head(
                                UUID.fromString(head.path("receipt").asString("")),
                                head.path("provider").asString(""),
                                head.path("model").asString(""),
                                head.path("attempts").asInt(0),
                                head.path("stub").asBoolean(false)),
                        completion)
                : new Pending(digest, UUID.fromString(json.path("owner").asString("")));
    }
}
