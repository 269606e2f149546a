package io.agentserver.gateway.tenants;

import io.agentserver.envelope.EnvelopeToken;
import io.agentserver.envelope.TenantId;
import io.agentserver.gateway.callers.Operator;
import io.agentserver.gateway.http.JsonBody;
import io.agentserver.gateway.http.JsonEndpoint;
import io.agentserver.gateway.limits.RateLimits;
import io.agentserver.gateway.openapi.Access;
import io.agentserver.gateway.openapi.Answer;
import io.agentserver.gateway.openapi.Call;
import io.agentserver.gateway.openapi.Param;
import io.agentserver.gateway.openapi.Takes;
import io.agentserver.gateway.problems.Problem;
import io.agentserver.gateway.problems.ProblemType;
import io.agentserver.tenancy.LlmLimits;
import io.agentserver.tenancy.Plan;
import io.agentserver.tenancy.RateLimit;
import io.agentserver.tenancy.TenantDirectory;
import io.agentserver.tenancy.TenantEntry;
import jakarta.servlet.http.HttpServletRequest;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PatchMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RestController;
import tools.jackson.databind.JsonNode;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** {@code /admin/v1/tenants}: the operator's. */
@RestController
public final class TenantsEndpoint extends JsonEndpoint {
    private static final int LONGEST_NAME = 200;
    private static final String RETENTION = "retention_hours";

    private final Operator operator;
    private final Tenants tenants;
    private final TenantDirectory directory;
    private final RateLimits limits;

    public TenantsEndpoint(Operator operator, Tenants tenants, TenantDirectory directory, RateLimits limits) {
        this.operator = operator;
        this.tenants = tenants;
        this.directory = directory;
        this.limits = limits;
    }

    @Call(
            id = "createTenant",
            does = "Makes a tenant, with its topics, its first API key and its plan's starting credit.",
            more = "At most 200 at once, and 10 more a second.",
            access = Access.OPERATOR,
            takes = @Takes("NewTenant"),
            answers = @Answer(status = 201, value = "The tenant.", schema = "CreatedTenant", headers = "Location"),
            problems = {ProblemType.CONFLICT, ProblemType.RATE_LIMITED, ProblemType.UNAVAILABLE})
    @PostMapping("/admin/v1/tenants")
    ResponseEntity<byte[]> create(
            @RequestHeader(value = HttpHeaders.AUTHORIZATION, required = false) @Nullable String authorization,
            HttpServletRequest request)
            throws IOException {
        operator.require(authorization);
        JsonBody body = JsonBody.read(request, Set.of("id", "name", "plan", RETENTION));
        String id = body.requiredText("id");
        if (!TenantId.isValid(id)) {
            throw JsonBody.invalid("id", "must be of the form [a-z][a-z0-9-]{1,38}[a-z0-9]");
        }
        if (id.equals(EnvelopeToken.PLATFORM)) {
            throw JsonBody.invalid("id", "is the platform's own name");
        }
        String name = body.requiredText("name");
        if (name.isBlank() || name.length() > LONGEST_NAME) {
            throw JsonBody.invalid("name", "must have 1 to " + LONGEST_NAME + " characters");
        }
        Plan plan = Plan.of(body.text("plan").orElse(Plan.DEFAULT.wireName()))
                .orElseThrow(() -> JsonBody.invalid("plan", "is not known; known: " + Plan.known()));
        Optional<Integer> retention = retention(body);
        Problem tooMany = limits.takeNewTenant();
        if (tooMany != null) {
            throw tooMany.refusal();
        }
        return switch (tenants.create(new TenantId(id), name, plan, retention.orElse(null))) {
            case Tenants.Creation.Created(var tenant, var key) -> {
                Map<String, Object> created = json(tenant);
                created.put("api_key", key.secret());
                yield answer(HttpStatus.CREATED, Map.of(HttpHeaders.LOCATION, "/admin/v1/tenants/" + id), created);
            }
            case Tenants.Creation.Taken() ->
                throw Problem.of(ProblemType.CONFLICT, "the tenant id " + id + " is taken; choose another")
                        .refusal();
        };
    }

    @Call(
            id = "listTenants",
            does = "Lists the tenants.",
            access = Access.OPERATOR,
            answers = @Answer(value = "All of them.", schema = "Tenants"))
    @GetMapping("/admin/v1/tenants")
    ResponseEntity<byte[]> list(
            @RequestHeader(value = HttpHeaders.AUTHORIZATION, required = false) @Nullable String authorization) {
        operator.require(authorization);
        return ok(Map.of(
                "data",
                directory.all().stream()
                        .filter(entry -> !entry.isDeleted())
                        .sorted(Comparator.comparing(TenantEntry::id))
                        .map(TenantsEndpoint::json)
                        .toList()));
    }

    @Call(
            id = "readTenant",
            does = "Reads a tenant.",
            access = Access.OPERATOR,
            answers = @Answer(value = "The tenant.", schema = "Tenant"))
    @GetMapping("/admin/v1/tenants/{id}")
    ResponseEntity<byte[]> read(
            @Param(value = "The tenant's id.", example = "acme") @PathVariable String id,
            @RequestHeader(value = HttpHeaders.AUTHORIZATION, required = false) @Nullable String authorization) {
        operator.require(authorization);
        if (!TenantId.isValid(id)) {
            throw Problem.notFound().refusal();
        }
        return directory
                .find(new TenantId(id))
                .filter(tenant -> !tenant.isDeleted())
                .map(tenant -> ok(json(tenant)))
                .orElseThrow(() -> Problem.notFound().refusal());
    }

    /**
     * What is not named stays; {@code rate_limit: null} is the plan's again, and {@code llm_limits: null};
     * {@code retention_hours: null} the platform's.
     */
    @Call(
            id = "changeTenant",
            does =
                    "Changes a tenant's plan, its rate, its limits of model calls, or how long its conversations are kept.",
            more = "A shorter retention hides at once what is past it; a longer one is for what is said from then on.",
            access = Access.OPERATOR,
            takes = @Takes("TenantChange"),
            answers = @Answer(value = "The tenant as it is now.", schema = "Tenant"),
            problems = ProblemType.UNAVAILABLE)
    @PatchMapping("/admin/v1/tenants/{id}")
    ResponseEntity<byte[]> change(
            @Param(value = "The tenant's id.", example = "acme") @PathVariable String id,
            @RequestHeader(value = HttpHeaders.AUTHORIZATION, required = false) @Nullable String authorization,
            HttpServletRequest request)
            throws IOException {
        operator.require(authorization);
        JsonBody body = JsonBody.read(request, Set.of("plan", "rate_limit", "llm_limits", RETENTION));
        Optional<Plan> plan = body.text("plan")
                .map(name -> Plan.of(name)
                        .orElseThrow(() -> JsonBody.invalid("plan", "is not known; known: " + Plan.known())));
        Optional<RateLimit> limit = body.member("rate_limit").map(TenantsEndpoint::rateLimit);
        boolean hasLimit = body.has("rate_limit");
        Optional<LlmLimits> llm = body.member("llm_limits").map(TenantsEndpoint::llmLimits);
        boolean hasLlm = body.has("llm_limits");
        Optional<Integer> retention = retention(body);
        boolean hasRetention = body.has(RETENTION);
        if (!TenantId.isValid(id)) {
            throw Problem.notFound().refusal();
        }
        return tenants.change(
                        new TenantId(id),
                        entry -> entry.withPlan(
                                plan.or(() -> Plan.of(entry.plan())).orElse(Plan.DEFAULT),
                                hasLimit ? limit.orElse(null) : entry.rateLimit(),
                                hasLlm ? llm.orElse(null) : entry.llmLimits(),
                                hasRetention ? retention.orElse(null) : entry.retentionHours()))
                .map(tenant -> ok(json(tenant)))
                .orElseThrow(() -> Problem.notFound().refusal());
    }

    private static Optional<Integer> retention(JsonBody body) {
        return body.integer(RETENTION, 1, TenantEntry.LONGEST_RETENTION_HOURS);
    }

    private static RateLimit rateLimit(JsonNode value) {
        JsonBody body = JsonBody.of(value.toString().getBytes(StandardCharsets.UTF_8), Set.of("per_second", "burst"));
        try {
            int perSecond = body.integer("per_second", 1, Integer.MAX_VALUE)
                    .orElseThrow(() -> JsonBody.invalid("rate_limit/per_second", "is missing"));
            return new RateLimit(
                    perSecond, body.integer("burst", 1, Integer.MAX_VALUE).orElse(perSecond));
        } catch (IllegalArgumentException e) {
            throw JsonBody.invalid("rate_limit", String.valueOf(e.getMessage()));
        }
    }

    private static LlmLimits llmLimits(JsonNode value) {
        JsonBody body = JsonBody.of(
                value.toString().getBytes(StandardCharsets.UTF_8),
                Set.of("requests_per_minute", "tokens_per_minute", "concurrent", "shadow"));
        return new LlmLimits(
                body.integer("requests_per_minute", 1, LlmLimits.MOST).orElse(0),
                body.integer("tokens_per_minute", 1, LlmLimits.MOST).orElse(0),
                body.integer("concurrent", 1, LlmLimits.MOST).orElse(0),
                body.truth("shadow").orElse(false));
    }

    private static Map<String, Object> json(LlmLimits limits) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("requests_per_minute", limits.requests());
        json.put("tokens_per_minute", limits.tokens());
        json.put("concurrent", limits.concurrent());
        json.values().removeIf(limit -> limit.equals(0)); // none
        json.put("shadow", limits.shadow());
        return json;
    }

    private static Map<String, Object> json(TenantEntry tenant) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("id", tenant.id());
        json.put("name", tenant.name());
        json.put("plan", tenant.plan());
        json.put("created_at", tenant.createdAt().toString());
        json.put("organism_version", tenant.organismVersion());
        tenant.rate()
                .ifPresent(
                        rate -> json.put("rate_limit", Map.of("per_second", rate.perSecond(), "burst", rate.burst())));
        if (!tenant.llm().isNone()) {
            json.put("llm_limits", json(tenant.llm()));
        }
        Optional.ofNullable(tenant.retentionHours()).ifPresent(hours -> json.put(RETENTION, hours));
        return json;
    }
}
