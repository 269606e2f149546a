package io.agentserver.gateway.deletion;

import io.agentserver.envelope.TenantId;
import io.agentserver.gateway.callers.Operator;
import io.agentserver.gateway.http.JsonEndpoint;
import io.agentserver.gateway.openapi.Access;
import io.agentserver.gateway.openapi.Answer;
import io.agentserver.gateway.openapi.Call;
import io.agentserver.gateway.openapi.Param;
import io.agentserver.gateway.problems.Problem;
import io.agentserver.gateway.problems.ProblemType;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.DeleteMapping;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RestController;

import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** {@code DELETE /admin/v1/tenants/{id}} and the job that it starts: the operator's. */
@RestController
public final class DeletionEndpoint extends JsonEndpoint {
    private final Operator operator;
    private final Deletions deletions;

    public DeletionEndpoint(Operator operator, Deletions deletions) {
        this.operator = operator;
        this.deletions = deletions;
    }

    @Call(
            id = "deleteTenant",
            does = "Revokes a tenant at once, and has all that it has deleted.",
            more =
                    "All its keys are refused when this has been answered. A job then deletes what it has, store by store;"
                            + " messages in flight have half a minute to end. The id is never free again. A repeat answers the"
                            + " same.",
            access = Access.OPERATOR,
            answers = @Answer(status = 202, value = "The job.", schema = "Job", headers = "Location"),
            problems = ProblemType.UNAVAILABLE)
    @DeleteMapping("/admin/v1/tenants/{id}")
    ResponseEntity<byte[]> delete(
            @Param(value = "The tenant's id.", example = "acme") @PathVariable String id,
            @RequestHeader(value = HttpHeaders.AUTHORIZATION, required = false) @Nullable String authorization) {
        operator.require(authorization);
        if (!TenantId.isValid(id) || !deletions.request(new TenantId(id))) {
            throw Problem.notFound().refusal();
        }
        TenantId tenant = new TenantId(id);
        return answer(
                HttpStatus.ACCEPTED,
                Map.of(HttpHeaders.LOCATION, "/admin/v1/jobs/" + Deletion.id(tenant)),
                json(deletions.find(tenant).orElseThrow()));
    }

    @Call(
            id = "readJob",
            does = "Tells how far a job has come; when it is done, this is its receipt.",
            more = "Each store is looked through until nothing of the tenant is found: `checked_at` is when that was.",
            access = Access.OPERATOR,
            answers = @Answer(value = "The job.", schema = "Job"),
            problems = ProblemType.UNAVAILABLE)
    @GetMapping("/admin/v1/jobs/{id}")
    ResponseEntity<byte[]> read(
            @Param(value = "The job's id.", example = "delete-acme") @PathVariable String id,
            @RequestHeader(value = HttpHeaders.AUTHORIZATION, required = false) @Nullable String authorization) {
        operator.require(authorization);
        return Deletion.tenantOf(id)
                .flatMap(deletions::find)
                .map(deletion -> ok(json(deletion)))
                .orElseThrow(() -> Problem.notFound().refusal());
    }

    private static Map<String, Object> json(Deletion deletion) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("id", Deletion.id(new TenantId(deletion.tenant())));
        json.put("tenant", deletion.tenant());
        json.put("state", deletion.finishedAt() == null ? "running" : "done");
        json.put("requested_at", deletion.requestedAt().toString());
        put(json, "finished_at", deletion.finishedAt());
        List<Map<String, Object>> stores = new ArrayList<>();
        for (Deletion.Store store : deletion.stores()) {
            Map<String, Object> each = new LinkedHashMap<>();
            each.put("store", store.store());
            each.put("state", state(store));
            each.put("found", store.found());
            each.put("left", store.left());
            put(each, "begun_at", store.begunAt());
            put(each, "checked_at", store.checkedAt());
            if (!store.counts().isEmpty()) {
                each.put("counts", store.counts());
            }
            if (store.kept() != null) {
                each.put("kept", store.kept());
            }
            stores.add(each);
        }
        json.put("stores", stores);
        return json;
    }

    private static String state(Deletion.Store store) {
        if (store.checkedAt() != null) {
            return "done";
        }
        return store.begunAt() == null ? "waiting" : "running";
    }

    private static void put(Map<String, Object> json, String name, @Nullable Instant time) {
        if (time != null) {
            json.put(name, time.toString());
        }
    }
}
