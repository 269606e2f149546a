package io.agentserver.router;

import io.agentserver.envelope.TenantId;
import tools.jackson.databind.node.ObjectNode;

import java.util.stream.Collectors;

/**
 * What an answer is kept under: a tenant, and a digest of that tenant and of all that bears upon the answer. There is no way to
 * make one without a tenant, so no two tenants have one in common.
 */
final class CacheKey {
    private final TenantId tenant;
    private final String digest;

    private CacheKey(TenantId tenant, String digest) {
        this.tenant = tenant;
        this.digest = digest;
    }

    /** Calls of one tenant have the same if their chains, and their requests but for how the answer is delivered, are the same. */
    static CacheKey of(TenantId tenant, Route route, ChatRequest request) {
        ObjectNode all = Json.object().put("tenant", tenant.value());
        all.put(
                "chain",
                route.chain().stream()
                        .map(target -> target.step() + ":" + target.weight() + ":" + target.fullName())
                        .collect(Collectors.joining(" ")));
        all.put(
                "cheapest",
                route.cheapest().stream().map(Route.Target::fullName).collect(Collectors.joining(" ")));
        all.put("cap", request.answerCap(route.maxOutput()));
        all.put("request", request.digestForCache());
        return new CacheKey(tenant, ChatRequest.sha256(Json.text(all)));
    }

    TenantId tenant() {
        return tenant;
    }

    String digest() {
        return digest;
    }

    /** Of the key in Redis; a tenant's answers share a slot of a cluster, for they share a bound. */
    String name() {
        return prefix() + digest;
    }

    String prefix() {
        return "llm-cache:{" + tenant + "}:";
    }
}
