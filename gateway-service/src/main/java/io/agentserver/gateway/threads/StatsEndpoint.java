package io.agentserver.gateway.threads;

import io.agentserver.buffer.v1.ShardStats;
import io.agentserver.buffer.v1.StatsReply;
import io.agentserver.envelope.TenantId;
import io.agentserver.gateway.callers.Operator;
import io.agentserver.gateway.http.JsonEndpoint;
import io.agentserver.gateway.openapi.Access;
import io.agentserver.gateway.openapi.Answer;
import io.agentserver.gateway.openapi.Call;
import io.agentserver.gateway.openapi.Param;
import io.agentserver.gateway.problems.Problem;
import io.agentserver.gateway.problems.ProblemType;
import io.agentserver.tenancy.TenantDirectory;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;

/** {@code GET /admin/v1/tenants/{id}/stats}: how much of a tenant the buffer keeps. The operator's. */
@RestController
public final class StatsEndpoint extends JsonEndpoint {
    /** Of some hundred conversations each: an answer takes seconds at most, and costs the store a read of each conversation. */
    private static final int MOST_PARTS = 20;

    private final Operator operator;
    private final TenantDirectory directory;
    private final ThreadBuffer buffer;

    public StatsEndpoint(Operator operator, TenantDirectory directory, ThreadBuffer buffer) {
        this.operator = operator;
        this.directory = directory;
        this.buffer = buffer;
    }

    /** What is added up. */
    private record Kept(long conversations, long slots, long bytes) {
        static final Kept NOTHING = new Kept(0, 0, 0);

        Kept and(ShardStats more) {
            return new Kept(conversations + more.getConversations(), slots + more.getSlots(), bytes + more.getBytes());
        }

        Kept and(Kept more) {
            return new Kept(conversations + more.conversations, slots + more.slots, bytes + more.bytes);
        }

        Map<String, Object> json() {
            Map<String, Object> json = new LinkedHashMap<>();
            json.put("conversations", conversations);
            json.put("slots", slots);
            json.put("bytes", bytes);
            return json;
        }
    }

    @Call(
            id = "readTenantStats",
            does = "Tells how much is kept of a tenant's conversations, in all and by shard.",
            more =
                    "Of up to 10,000 conversations, the longest quiet first; what `next_cursor` leads to is to be added.",
            access = Access.OPERATOR,
            answers = @Answer(value = "The sums.", schema = "Stats"),
            problems = ProblemType.UNAVAILABLE)
    @GetMapping("/admin/v1/tenants/{id}/stats")
    ResponseEntity<byte[]> read(
            @Param(value = "The tenant's id.", example = "acme") @PathVariable String id,
            @Param("The `next_cursor` of the answer before.") @RequestParam(defaultValue = "") String cursor,
            @RequestHeader(value = HttpHeaders.AUTHORIZATION, required = false) @Nullable String authorization) {
        operator.require(authorization);
        if (!TenantId.isValid(id)
                || directory
                        .find(new TenantId(id))
                        .filter(tenant -> !tenant.isDeleted())
                        .isEmpty()) {
            throw Problem.notFound().refusal();
        }
        Map<Integer, Kept> shards = new TreeMap<>();
        String next = cursor;
        int parts = 0;
        do {
            StatsReply part = buffer.stats(new TenantId(id), next);
            part.getShardsList().forEach(shard -> shards.merge(shard.getShard(), Kept.NOTHING.and(shard), Kept::and));
            next = part.getNextCursor();
        } while (!next.isEmpty() && ++parts < MOST_PARTS);
        Map<String, Object> json =
                shards.values().stream().reduce(Kept.NOTHING, Kept::and).json();
        json.put(
                "shards",
                shards.entrySet().stream()
                        .map(shard -> {
                            Map<String, Object> each = new LinkedHashMap<>();
                            each.put("shard", shard.getKey());
                            each.putAll(shard.getValue().json());
                            return each;
                        })
                        .toList());
        if (!next.isEmpty()) {
            json.put("next_cursor", next);
        }
        return ok(json);
    }
}
