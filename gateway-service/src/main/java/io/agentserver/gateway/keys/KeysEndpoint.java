package io.agentserver.gateway.keys;

import io.agentserver.envelope.TenantId;
import io.agentserver.gateway.callers.Caller;
import io.agentserver.gateway.callers.Callers;
import io.agentserver.gateway.callers.Operator;
import io.agentserver.gateway.http.JsonBody;
import io.agentserver.gateway.http.JsonEndpoint;
import io.agentserver.gateway.openapi.Access;
import io.agentserver.gateway.openapi.Answer;
import io.agentserver.gateway.openapi.Call;
import io.agentserver.gateway.openapi.Param;
import io.agentserver.gateway.openapi.Takes;
import io.agentserver.gateway.problems.Problem;
import io.agentserver.gateway.problems.ProblemType;
import io.agentserver.tenancy.Scope;
import io.agentserver.tenancy.TenantEntry;
import jakarta.servlet.http.HttpServletRequest;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.DeleteMapping;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RestController;
import tools.jackson.databind.JsonNode;

import java.io.IOException;
import java.time.Clock;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * {@code /v1/keys}: a tenant's API keys; {@code /admin/v1/tenants/{id}/keys}: another one by the operator, for a tenant that
 * has lost its own. A secret is answered once, when its key is made.
 */
@RestController
public final class KeysEndpoint extends JsonEndpoint {
    private static final Set<String> MEMBERS = Set.of("name", "scopes", "expires_at");

    private final Callers callers;
    private final Operator operator;
    private final Keys keys;
    private final LastUses uses;
    private final Clock clock;

    public KeysEndpoint(Callers callers, Operator operator, Keys keys, LastUses uses, Clock clock) {
        this.callers = callers;
        this.operator = operator;
        this.keys = keys;
        this.uses = uses;
        this.clock = clock;
    }

    @Call(
            id = "listKeys",
            does = "Lists the API keys that are alive, without their secrets.",
            more = "`last_used_at` is to the minute: it may be up to a minute, and some seconds, behind.",
            scopes = Scope.KEYS_WRITE,
            answers = @Answer(value = "All of them.", schema = "Keys"))
    @GetMapping("/v1/keys")
    ResponseEntity<byte[]> list(
            @RequestHeader(value = HttpHeaders.AUTHORIZATION, required = false) @Nullable String authorization) {
        Caller caller = callers.require(authorization, Scope.KEYS_WRITE);
        Instant now = clock.instant();
        List<TenantEntry.Key> living = caller.tenant().apiKeys().stream()
                .filter(key -> key.isAlive(now))
                .toList();
        Optional<Map<String, Instant>> lastUses = uses.of(
                caller.tenantId(), living.stream().map(TenantEntry.Key::id).toList());
        return ok(Map.of(
                "data",
                living.stream()
                        .map(key -> {
                            Map<String, Object> json = json(key);
                            // null: never; without it: it cannot be told now
                            lastUses.ifPresent(used -> json.put(
                                    "last_used_at",
                                    Optional.ofNullable(used.get(key.id()))
                                            .map(Instant::toString)
                                            .orElse(null)));
                            return json;
                        })
                        .toList()));
    }

    @Call(
            id = "createKey",
            does = "Makes an API key, with scopes that the calling key has.",
            more = "It works everywhere when the answer comes. The secret is answered this once.",
            scopes = Scope.KEYS_WRITE,
            takes = @Takes("NewKey"),
            answers = @Answer(status = 201, value = "The key.", schema = "CreatedKey", headers = "Location"),
            problems = {ProblemType.NOT_FOUND, ProblemType.CONFLICT})
    @PostMapping("/v1/keys")
    ResponseEntity<byte[]> create(
            @RequestHeader(value = HttpHeaders.AUTHORIZATION, required = false) @Nullable String authorization,
            HttpServletRequest request)
            throws IOException {
        Caller caller = callers.require(authorization, Scope.KEYS_WRITE);
        JsonBody body = JsonBody.read(request, MEMBERS);
        Set<Scope> scopes = scopes(body).orElseThrow(() -> JsonBody.invalid("scopes", "is missing"));
        for (Scope scope : scopes) {
            if (!caller.has(scope)) { // nobody hands out more than it has
                throw Problem.of(ProblemType.FORBIDDEN, "the API key has not the scope " + scope.wireName())
                        .refusal();
            }
        }
        return issue(caller.tenantId(), scopes, body);
    }

    /** The operator's: with all scopes if none are named. It revokes none; the tenant does that with the new key. */
    @Call(
            id = "createTenantKey",
            does = "Makes an API key for a tenant that has lost its own; revokes none.",
            access = Access.OPERATOR,
            takes = @Takes("NewTenantKey"),
            answers = @Answer(status = 201, value = "The key.", schema = "CreatedKey", headers = "Location"),
            problems = ProblemType.CONFLICT)
    @PostMapping("/admin/v1/tenants/{tenant}/keys")
    ResponseEntity<byte[]> createForTenant(
            @Param(value = "The tenant's id.", example = "acme") @PathVariable String tenant,
            @RequestHeader(value = HttpHeaders.AUTHORIZATION, required = false) @Nullable String authorization,
            HttpServletRequest request)
            throws IOException {
        operator.require(authorization);
        if (!TenantId.isValid(tenant)) {
            throw Problem.notFound().refusal();
        }
        JsonBody body = JsonBody.read(request, MEMBERS);
        return issue(new TenantId(tenant), scopes(body).orElse(EnumSet.allOf(Scope.class)), body);
    }

    @Call(
            id = "revokeKey",
            does = "Revokes an API key: within 5 seconds it is refused everywhere.",
            scopes = Scope.KEYS_WRITE,
            answers = @Answer(status = 204, value = "It is revoked."),
            problems = ProblemType.NOT_FOUND)
    @DeleteMapping("/v1/keys/{id}")
    ResponseEntity<byte[]> revoke(
            @Param(value = "The key's id.", example = "0199c0de-7a11-7000-8000-0000000000cc") @PathVariable String id,
            @RequestHeader(value = HttpHeaders.AUTHORIZATION, required = false) @Nullable String authorization) {
        Caller caller = callers.require(authorization, Scope.KEYS_WRITE);
        if (!keys.revoke(caller.tenantId(), id)) {
            throw Problem.notFound().refusal();
        }
        return ResponseEntity.noContent().build();
    }

    @Call(
            id = "rotateKey",
            does = "Makes a key's successor, with the same name, scopes and end; both live for a while.",
            scopes = Scope.KEYS_WRITE,
            answers = @Answer(status = 201, value = "The successor.", schema = "CreatedKey", headers = "Location"),
            problems = {
                ProblemType.NOT_FOUND,
                ProblemType.CONFLICT,
                ProblemType.TOO_LARGE,
                ProblemType.MALFORMED_JSON,
                ProblemType.UNKNOWN_FIELD,
                ProblemType.UNSUPPORTED_MEDIA_TYPE
            })
    @PostMapping("/v1/keys/{id}/rotate")
    ResponseEntity<byte[]> rotate(
            @Param(value = "The key's id.", example = "0199c0de-7a11-7000-8000-0000000000cc") @PathVariable String id,
            @RequestHeader(value = HttpHeaders.AUTHORIZATION, required = false) @Nullable String authorization,
            HttpServletRequest request)
            throws IOException {
        Caller caller = callers.require(authorization, Scope.KEYS_WRITE);
        JsonBody.requireEmpty(request);
        return created(keys.rotate(caller.tenantId(), id, caller.scopes()::containsAll)
                .orElseThrow(() -> Problem.notFound().refusal()));
    }

    private ResponseEntity<byte[]> issue(TenantId tenant, Set<Scope> scopes, JsonBody body) {
        String name = body.requiredText("name");
        if (name.isBlank() || name.length() > 200) {
            throw JsonBody.invalid("name", "must have 1 to 200 characters");
        }
        Set<String> names = scopes.stream().map(Scope::wireName).collect(Collectors.toSet());
        return created(keys.issue(tenant, name, names, expiry(body))
                .orElseThrow(() -> Problem.notFound().refusal()));
    }

    private static ResponseEntity<byte[]> created(Keys.Issued issued) {
        Map<String, Object> json = json(issued.key());
        json.put("secret", issued.secret().secret());
        return answer(
                HttpStatus.CREATED,
                Map.of(HttpHeaders.LOCATION, "/v1/keys/" + issued.key().id()),
                json);
    }

    private static Map<String, Object> json(TenantEntry.Key key) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("id", key.id());
        json.put("name", key.name());
        json.put("scopes", key.scopes().stream().sorted().toList());
        json.put("created_at", key.createdAt().toString());
        Instant expiresAt = key.expiresAt();
        if (expiresAt != null) {
            json.put("expires_at", expiresAt.toString());
        }
        return json;
    }

    private static Optional<Set<Scope>> scopes(JsonBody body) {
        return body.member("scopes").map(array -> {
            Set<Scope> scopes = EnumSet.noneOf(Scope.class);
            for (JsonNode item : array.isArray() ? array.values() : List.<JsonNode>of()) {
                scopes.add(Scope.of(item.asString(""))
                        .orElseThrow(() -> JsonBody.invalid("scopes", "known are " + Scope.known())));
            }
            if (scopes.isEmpty()) {
                throw JsonBody.invalid("scopes", "must be a list of at least one of " + Scope.known());
            }
            return scopes;
        });
    }

    private @Nullable Instant expiry(JsonBody body) {
        String text = body.text("expires_at").orElse(null);
        if (text == null) {
            return null;
        }
        try {
            Instant instant = Instant.parse(text);
            if (instant.isAfter(clock.instant())) {
                return instant;
            }
        } catch (DateTimeParseException e) {
            // told below, like a time that has passed
        }
        throw JsonBody.invalid("expires_at", "must be a time to come, like 2030-01-31T00:00:00Z");
    }
}
