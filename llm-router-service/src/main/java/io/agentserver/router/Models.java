package io.agentserver.router;

import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;

/** The models that can be asked for, as each API lists them. Safe on any thread. */
final class Models {
    private final Supplier<RouteTable> table;

    Models(Supplier<RouteTable> table) {
        this.table = table;
    }

    ObjectNode openAiList() {
        ObjectNode list = Json.object().put("object", "list");
        ArrayNode data = list.putArray("data");
        table.get().models().forEach(model -> data.add(openAi(model)));
        return list;
    }

    /** All on one page. */
    ObjectNode anthropicList() {
        ObjectNode list = Json.object();
        List<RouteTable.Model> models = table.get().models();
        ArrayNode data = list.putArray("data");
        models.forEach(model -> data.add(anthropic(model)));
        return list.put("has_more", false)
                .put("first_id", models.isEmpty() ? null : models.getFirst().id())
                .put("last_id", models.isEmpty() ? null : models.getLast().id());
    }

    /** Empty if it is not in the list. */
    Optional<ObjectNode> openAi(String id) {
        return listed(id).map(Models::openAi);
    }

    /** Empty if it is not in the list. */
    Optional<ObjectNode> anthropic(String id) {
        return listed(id).map(Models::anthropic);
    }

    private Optional<RouteTable.Model> listed(String id) {
        return table.get().models().stream()
                .filter(model -> model.id().equals(id))
                .findFirst();
    }

    private static ObjectNode openAi(RouteTable.Model model) {
        return Json.object()
                .put("id", model.id())
                .put("object", "model")
                .put("created", 0)
                .put("owned_by", model.owner());
    }

    private static ObjectNode anthropic(RouteTable.Model model) {
        return Json.object()
                .put("type", "model")
                .put("id", model.id())
                .put("display_name", model.id())
                .put("created_at", "1970-01-01T00:00:00Z"); // not known, and its clients want one
    }
}
