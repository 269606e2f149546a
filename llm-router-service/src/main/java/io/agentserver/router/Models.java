package io.agentserver.router;

import io.agentserver.envelope.TenantId;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

import java.util.List;
import java.util.Optional;

/** The models that a tenant can ask for, as each API lists them. Safe on any thread. */
final class Models {
    private final TenantRoutes routes;

    Models(TenantRoutes routes) {
        this.routes = routes;
    }

    ObjectNode openAiList(TenantId tenant) {
        ObjectNode list = Json.object().put("object", "list");
        ArrayNode data = list.putArray("data");
        routes.of(tenant).models().forEach(model -> data.add(openAi(model)));
        return list;
    }

    /** All on one page. */
    ObjectNode anthropicList(TenantId tenant) {
        ObjectNode list = Json.object();
        List<RouteTable.Model> models = routes.of(tenant).models();
        ArrayNode data = list.putArray("data");
        models.forEach(model -> data.add(anthropic(model)));
        return list.put("has_more", false)
                .put("first_id", models.isEmpty() ? null : models.getFirst().id())
                .put("last_id", models.isEmpty() ? null : models.getLast().id());
    }

    /** Empty if it is not in the list. */
    Optional<ObjectNode> openAi(TenantId tenant, String id) {
        return listed(tenant, id).map(Models::openAi);
    }

    /** Empty if it is not in the list. */
    Optional<ObjectNode> anthropic(TenantId tenant, String id) {
        return listed(tenant, id).map(Models::anthropic);
    }

    private Optional<RouteTable.Model> listed(TenantId tenant, String id) {
        return routes.of(tenant).models().stream()
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
